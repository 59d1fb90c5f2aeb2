"""The engines that are measured: where their warehouse is, how it is emptied and counted.

Postgres is the server that PGHOST and its like name, in a database of its own, or one that is started for the while.

Usage:
    with open_engine("duckdb", folder) as engine:
        engine.empty()
        os.environ.update(engine.environment)
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from scripts.postgres_server import PostgresServer

ENGINES = ("duckdb", "postgres")


class Engine(Protocol):
    """A warehouse of its own."""

    @property
    def name(self) -> str:
        """The name of the dbt target."""

    @property
    def explain(self) -> str:
        """What stands before a query that is to be run and explained."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead the loader and dbt to the warehouse."""

    def empty(self) -> None:
        """Remove everything: nothing is loaded, nothing is built."""

    def drop_built(self) -> None:
        """Remove everything that dbt has built; what is loaded stays."""

    def bytes(self) -> int:
        """The size of the warehouse on disk."""

    def rows(self) -> dict[str, int]:
        """The number of rows of each table that dbt has built, by `schema.table`."""


@dataclass(frozen=True)
class DuckDB:
    """A warehouse in a file. It reads the lake in place: nothing is loaded into it."""

    folder: Path
    name: str = "duckdb"
    explain: str = "explain analyze"

    @property
    def environment(self) -> dict[str, str]:
        """See `Engine`."""
        return {"DBT_TARGET": "duckdb", "WAREHOUSE": str(self._file)}

    def empty(self) -> None:
        """See `Engine`."""
        self.drop_built()

    def drop_built(self) -> None:
        """See `Engine`."""
        self._file.unlink(missing_ok=True)
        self._file.with_suffix(".duckdb.wal").unlink(missing_ok=True)

    def bytes(self) -> int:
        """See `Engine`."""
        return self._file.stat().st_size

    def rows(self) -> dict[str, int]:
        """See `Engine`."""
        import duckdb

        with duckdb.connect(str(self._file), read_only=True) as connection:
            tables = connection.sql(
                "select schema_name, table_name, estimated_size from duckdb_tables()"
                " where not internal order by all"
            ).fetchall()
        return {f"{schema}.{table}": rows for schema, table, rows in tables}

    @property
    def _file(self) -> Path:
        return self.folder / "warehouse.duckdb"


@dataclass(frozen=True)
class Postgres:
    """A database on a server, with a copy of the lake in a schema of its own."""

    server: "PostgresServer"
    name: str = "postgres"
    explain: str = "explain (analyze, buffers)"

    @property
    def environment(self) -> dict[str, str]:
        """See `Engine`."""
        return self.server.environment()

    def empty(self) -> None:
        """See `Engine`."""
        self._drop(self._schemas())

    def drop_built(self) -> None:
        """See `Engine`."""
        self._drop(self._built_schemas())

    def bytes(self) -> int:
        """See `Engine`."""
        return int(self._query("select pg_database_size(current_database())")[0][0])

    def rows(self) -> dict[str, int]:
        """See `Engine`."""
        tables = self._query(
            "select schemaname, tablename from pg_tables where schemaname = any (%s) order by 1, 2",
            self._built_schemas(),
        )
        return {
            f"{schema}.{table}": self._query(f'select count(*) from "{schema}"."{table}"')[0][0]
            for schema, table in tables
        }

    def _built_schemas(self) -> list[str]:
        from scripts.load.contracts import SCHEMA

        return [schema for schema in self._schemas() if schema != SCHEMA]

    def _schemas(self) -> list[str]:
        """Those that are not the server's own."""
        own = "nspname like 'pg\\_%' or nspname in ('information_schema', 'public')"
        return [
            name for (name,) in self._query(f"select nspname from pg_namespace where not ({own})")
        ]

    def _drop(self, schemas: list[str]) -> None:
        for schema in schemas:
            self._query(f'drop schema "{schema}" cascade')

    def _query(self, statement: str, *values: list[str]) -> list[Any]:
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def open_engine(name: str, folder: Path) -> Iterator[Engine]:
    """An engine with its files below the folder.

    Raises:
        PostgresServerError: no server could be started.
    """
    if name == "duckdb":
        yield DuckDB(folder)
        return
    from scripts.postgres_server import postgres_server

    with postgres_server() as server, server.new_database() as database:
        yield Postgres(database)
