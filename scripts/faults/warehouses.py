"""The warehouses that faults are made in: how to begin from a state, and what they hold."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import psycopg2

from scripts.fingerprint import Fingerprint, Postgres, fingerprint_warehouse
from scripts.postgres_server import PostgresServer, postgres_server

# What was copied when, of which files: a note of the loader, not data.
_NOTES = "raw.copied_batch"
_LAYERS = ("raw", "raw_vault", "business_vault", "marts", "quality")


class Warehouse(Protocol):
    """What a workbench needs of an engine.

    `is_written_by_a_server`: its files are not those of the process that builds, and have limits of their own.
    """

    is_written_by_a_server: bool

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead dbt and the loader to it."""

    def save(self, name: str) -> None:
        """Keep its state under a name."""

    def restore(self, name: str | None) -> None:
        """Put it into a state that was saved; None for an empty warehouse."""

    def fingerprints(self) -> dict[str, Fingerprint]:
        """The fingerprint of each table of the layers, by `schema.table`."""


class DuckDBWarehouse:
    """A warehouse in one file."""

    is_written_by_a_server = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = folder / "run"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead dbt to it."""
        return {"DBT_TARGET": "duckdb", "WAREHOUSE": str(self._run / "warehouse.duckdb")}

    def save(self, name: str) -> None:
        """Copy the file, and its write-ahead log if there is one."""
        shutil.copytree(self._run, self._folder / name)

    def restore(self, name: str | None) -> None:
        """Copy the file back."""
        shutil.rmtree(self._run, ignore_errors=True)
        if name is None:
            self._run.mkdir(parents=True)
        else:
            shutil.copytree(self._folder / name, self._run)

    def fingerprints(self) -> dict[str, Fingerprint]:
        """The fingerprint of each table of the layers."""
        return _of_layers(fingerprint_warehouse(self._run / "warehouse.duckdb"))


class PostgresWarehouse:
    """A warehouse in a database of its own; a state is kept as another database."""

    is_written_by_a_server = True

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._run = replace(server, database="faults")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead dbt and the loader to it."""
        return self._run.environment()

    def save(self, name: str) -> None:
        """Copy the database."""
        self._server.replace_database(name, "faults")

    def restore(self, name: str | None) -> None:
        """Copy the database back; what a killed client left at work on it is ended."""
        self._server.replace_database("faults", name or "template0")

    def fingerprints(self) -> dict[str, Fingerprint]:
        """The fingerprint of each table of the layers."""
        connection = psycopg2.connect(self._run.uri)
        try:
            return _of_layers(Postgres(connection).all_fingerprints())
        finally:
            connection.close()


@contextmanager
def opened(engine: str, folder: Path) -> Iterator[Warehouse]:
    """The warehouse of an engine, `duckdb` or `postgres`; a server is started and stopped, if there is none."""
    if engine == "duckdb":
        yield DuckDBWarehouse(folder / "warehouses")
        return
    with postgres_server() as server:
        yield PostgresWarehouse(server)


def _of_layers(tables: dict[str, Fingerprint]) -> dict[str, Fingerprint]:
    return {
        name: table
        for name, table in tables.items()
        if name.partition(".")[0] in _LAYERS and name != _NOTES
    }
