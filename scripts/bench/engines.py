"""The engines that are measured: where their warehouse is, how it is emptied and counted.

Usage:
    with open_engine("duckdb", folder) as engine:
        engine.empty()
        os.environ.update(engine.environment)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ENGINES = ("duckdb",)


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


@contextmanager
def open_engine(name: str, folder: Path) -> Iterator[Engine]:
    """An engine with its files below the folder.

    Raises:
        ValueError: there is no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f"no engine {name!r}; there are {', '.join(ENGINES)}")
    yield DuckDB(folder)
