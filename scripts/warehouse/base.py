"""What a warehouse offers on every engine; the differences are in one subclass per engine.

Usage:
    warehouse = DuckDBWarehouse(Path("data/warehouse.duckdb"))
    warehouse.query("select count(*) from marts.dim_trade")
    warehouse.fingerprints() == other_warehouse.fingerprints()
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Self

from scripts.warehouse.fingerprints import LOAD_COLUMNS, Fingerprint, Recipe, counted_columns
from scripts.warehouse.settings import LOADED_SCHEMA, PUBLISHED_SCHEMA, Target

_RELATIONS = f"""
    select table_schema, table_name from information_schema.tables
    where
        table_schema not in ('information_schema', 'pg_catalog', '{LOADED_SCHEMA}')
        and table_schema not like '{PUBLISHED_SCHEMA}%'
"""

# Runs a statement; returns all its rows, none if it is not a query.
Query = Callable[[str], list[tuple[Any, ...]]]

# Not data of the sources: snapshots record when builds ran (docs/decisions/0010-a-snapshot-of-what-was-published.md), and
# `operations` records what each table has taken in which run (docs/decisions/0020-what-a-model-has-taken.md) and how runs went.
RECORDS_OF_RUNS = ("snapshots.", "operations.", f"{LOADED_SCHEMA}.operations__")


class Warehouse(ABC):
    """A warehouse on one engine. No connection stays open between calls, and it can be sent to other processes.

    Attributes:
        target: the engine, by the name of its dbt target.
        explain: the prefix of a query that runs it and shows its plan.
        is_written_by_a_server: its files do not belong to the process that builds, and have limits of their own.
        recipe: the recipe of fingerprints in the SQL of the engine.
        opening_the_lake: statements after which views over the lake show what the loader has written since the last build; none if they always do.
    """

    target: ClassVar[Target]
    explain: ClassVar[str]
    is_written_by_a_server: ClassVar[bool]
    recipe: ClassVar[Recipe]
    opening_the_lake: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The environment variables that make dbt and the loader use it."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[Query]:
        """Open it for several statements, which are committed one by one."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether it can be opened: a file must have been built once."""

    @abstractmethod
    def column_types(self, query: Query, relation: str) -> dict[str, str]:
        """The types of the columns of a relation, by name."""

    def relations(self, query: Query) -> list[str]:
        """Every table and view that dbt has built, as `schema.name`."""
        return sorted(f"{schema}.{name}" for schema, name in query(_RELATIONS))

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement; returns its rows."""
        with self.opened() as query:
            return query(statement)

    def tables(self) -> dict[str, str]:
        """Every table, without views and what was published, as written in a FROM clause, by `schema.table`."""
        with self.opened() as query:
            return self._tables(query)

    def all_tables(self, query: Query) -> dict[str, str]:
        """Every table, also of what is published, but no view, as written in a FROM clause, by `schema.table`."""
        found = query(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
            " and table_catalog = current_database()"
            " and table_schema not in ('information_schema', 'pg_catalog') order by table_schema, table_name"
        )
        return {f"{schema}.{table}": f'"{schema}"."{table}"' for schema, table in found}

    def row_counts(self) -> dict[str, int]:
        """The number of rows of each table that dbt has built, by `schema.table`."""
        with self.opened() as query:
            return {
                name: query(f"select count(*) from {relation}")[0][0]
                for name, relation in self._tables(query).items()
                if not name.startswith(f"{LOADED_SCHEMA}.")
            }

    def fingerprints(
        self,
        relations: Mapping[str, str] | None = None,
        ignored: Collection[str] = LOAD_COLUMNS,
    ) -> dict[str, Fingerprint]:
        """The fingerprint of each relation.

        Args:
            relations: by a name, each as written in a FROM clause; None for every table but those that record runs.
            ignored: columns to leave out.
        """
        with self.opened() as query:
            if relations is None:
                relations = {
                    name: relation
                    for name, relation in self._tables(query).items()
                    if not name.startswith(RECORDS_OF_RUNS)
                }
            return {
                name: self._fingerprint(query, relation, ignored)
                for name, relation in relations.items()
            }

    def columns(self, relation: str) -> list[str]:
        """The columns that count in a fingerprint, in the order of their values in the text of a row."""
        with self.opened() as query:
            return counted_columns(self.column_types(query, relation), LOAD_COLUMNS)

    def row_texts(self, relation: str) -> list[str]:
        """The canonical texts of all rows, sorted: shows how two tables with different fingerprints differ."""
        with self.opened() as query:
            types = self.column_types(query, relation)
            texts = query(self.recipe.row_text_query(relation, types, LOAD_COLUMNS))
        return sorted(text for (text,) in texts)

    def _fingerprint(self, query: Query, relation: str, ignored: Collection[str]) -> Fingerprint:
        types = self.column_types(query, relation)
        ((rows, digest),) = query(self.recipe.fingerprint_query(relation, types, ignored))
        return Fingerprint(rows, str(digest))

    def _tables(self, query: Query) -> dict[str, str]:
        return {
            name: relation
            for name, relation in self.all_tables(query).items()
            if not name.startswith(PUBLISHED_SCHEMA)
        }


class ReplaceableWarehouse(Warehouse):
    """A warehouse that can be made, emptied, saved and restored as a whole: what tests and benchmarks need."""

    @classmethod
    @abstractmethod
    def temporary(cls, folder: Path) -> AbstractContextManager[Self]:
        """A new, empty warehouse; its files, if any, are in the folder.

        Raises:
            PostgresServerError: it needs a server, and none can be started.
        """

    @abstractmethod
    def empty(self) -> None:
        """Remove everything, loaded and built; all sessions are disconnected."""

    @abstractmethod
    def drop_built(self) -> None:
        """Remove everything that dbt has built; what is loaded stays, and so does what is published."""

    @abstractmethod
    def save(self, name: str) -> None:
        """Save its state under a name, replacing an earlier one."""

    @abstractmethod
    def restore(self, name: str) -> None:
        """Restore a saved state; all sessions are disconnected."""

    @abstractmethod
    def size(self) -> int:
        """The bytes that it takes on disk."""


class ErasableWarehouse(Warehouse):
    """A warehouse from which rows can be removed by hand, so that nothing of them stays on the disk."""

    @abstractmethod
    def changed(self) -> AbstractContextManager[Query]:
        """Open it for statements that change it by hand, which are committed one by one; dbt does not know of them."""

    @abstractmethod
    def drop_foreign_keys(self, query: Query, relation: str) -> None:
        """Drop the foreign keys of a table, as each build does at its beginning; at its end they are declared again."""

    @abstractmethod
    def compact(self, tables: Collection[str]) -> None:
        """Write what is left anew, so that nothing that was deleted or replaced stays between it on the disk.

        Args:
            tables: `schema.table` of those from which rows were deleted; those that dbt has replaced are new anyway. A file is always written as a whole.
        """
