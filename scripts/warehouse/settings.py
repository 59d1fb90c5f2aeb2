"""The engines that dbt builds on, and where lake and warehouse are, for everything that uses them.

Usage:
    lake = setting("LAKE")
    settings = ConnectionSettings.from_environment()
    connection = psycopg2.connect(settings.uri("my program"))
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

# The folder of the dbt project.
ROOT = Path(__file__).parents[2]
# On Postgres, the schema of the copy of the lake; everything else in a warehouse is built by dbt.
LOADED_SCHEMA = "raw"
# On Postgres, the schema of the record of published versions, and how the schemas that readers of them have begin (scripts/publish).
PUBLISHED_SCHEMA = "published"
# How long to wait for the server to answer.
CONNECT_SECONDS = 10
# Names a variable for tests of dbt: the batches whose rows they look at; all if it is empty (macros/quality/new_batches.sql).
NEW_BATCHES = "NEW_BATCHES"


class Target(StrEnum):
    """Where dbt builds: DuckDB and Spark read the lake in place, Postgres needs a copy of it."""

    DUCKDB = "duckdb"
    POSTGRES = "postgres"
    SPARK = "spark"


# What counts if a variable is not set or empty, as in dbt_project.yml and profiles/profiles.yml.
DEFAULTS = {
    "SOURCES": "data/sources",
    "LAKE": "data/lake",
    "WAREHOUSE": "data/warehouse.duckdb",
    "SPARK_WAREHOUSE": "data/spark",
    "PUBLISHED": "data/published",
    "KEPT_VERSIONS": "3",
    "RUNS": "data/runs",
    "SHARES": "data/shares",
    "SHARE_KEYS": "data/share_keys",
    "MODELS": "data/models",
    "SCORES": "data/scores",
    "ERASURES": "data/erasures",
    "DBT_TARGET": str(Target.DUCKDB),
}


def setting(name: str) -> str:
    """The value of a variable, or its default."""
    if value := os.environ.get(name):
        return value
    return _published() if name == "PUBLISHED" else DEFAULTS[name]


def _published() -> str:
    """The versions of a file are beside it; those of a server or a cluster are in a folder of their own, so that one does not take the place of the other."""
    if setting("DBT_TARGET") != Target.DUCKDB:
        return f"{DEFAULTS['PUBLISHED']}_{setting('DBT_TARGET')}"
    folder, slash, _ = setting("WAREHOUSE").rpartition("/")
    return f"{folder}{slash}published"


def use_setting(name: str, value: str) -> None:
    """Let dbt in this process use a value. A variable that means the same already stays as it is: if one changes, dbt reads the whole project again."""
    if setting(name) != value:
        os.environ[name] = value


@contextmanager
def environment_variable(name: str, value: str) -> Iterator[None]:
    """Set a variable of this process, and of those that it starts, for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class PostgresError(Exception):
    """Postgres cannot be reached or written: says why and what to do."""


@dataclass(frozen=True)
class ConnectionSettings:
    """Where a Postgres database is, and who connects."""

    host: str
    port: int
    user: str
    password: str
    database: str

    @classmethod
    def from_environment(cls) -> Self:
        """From the variables of libpq, with the defaults of profiles/profiles.yml.

        Raises:
            PostgresError: PGPORT is not a number.
        """
        port = os.environ.get("PGPORT") or "5432"
        if not port.isdecimal():
            raise PostgresError(f"PGPORT={port}: not a number; set it to the port of the server")
        return cls(
            host=os.environ.get("PGHOST") or "localhost",
            port=int(port),
            user=os.environ.get("PGUSER") or "postgres",
            password=os.environ.get("PGPASSWORD") or "",
            database=os.environ.get("PGDATABASE") or "brokerage",
        )

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"{self.host}:{self.port}/{self.database}"

    def uri(self, application: str) -> str:
        """For libpq; the host may be the folder of a socket. Libpq reads everything else from its own variables."""
        given = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "application_name": application,
            "connect_timeout": os.environ.get("PGCONNECT_TIMEOUT") or CONNECT_SECONDS,
        }
        query = urlencode({key: value for key, value in given.items() if value}, quote_via=quote)
        return f"postgresql:///{quote(self.database, safe='')}?{query}"
