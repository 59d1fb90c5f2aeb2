"""A warehouse in a database of Postgres, with a copy of the lake in a schema of its own.

Usage:
    PostgresWarehouse(PostgresServer.from_environment()).fingerprints()
    with postgres_server() as server, PostgresWarehouse.on(server) as warehouse:
        print(warehouse.environment)
"""

import time
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from scripts.postgres_server import PostgresServer, postgres_server
from scripts.warehouse.base import ErasableWarehouse, Query, ReplaceableWarehouse
from scripts.warehouse.fingerprints import Recipe
from scripts.warehouse.settings import LOADED_SCHEMA, PUBLISHED_SCHEMA, PostgresError, Target

# How long a table may be held by a reader before it is left as it is.
_LOCK_SECONDS = 60
# Processes whose transactions began before another one, or read what was there before it.
_OLDER_TRANSACTIONS = """
    select pid, application_name
    from pg_stat_activity
    where
        datname = current_database()
        and pid <> pg_backend_pid()
        and backend_type <> 'autovacuum worker'
        and greatest(age(backend_xmin), age(backend_xid)) >= age('{now}'::xid)
    order by pid
"""


@dataclass(frozen=True)
class PostgresWarehouse(ReplaceableWarehouse, ErasableWarehouse):
    """A warehouse in a database; a saved state is another database beside it."""

    database: PostgresServer

    target = Target.POSTGRES
    explain = "explain (analyze, buffers)"
    is_written_by_a_server = True
    recipe = Recipe(
        decimal_type="numeric",
        float_type="double",
        float_text="trim(to_char({0}, '9.99999999999999EEEE'))",
        list_text=(
            "cast(cardinality({0}) as varchar) || chr(29) || array_to_string({0}, chr(29), chr(30))"
        ),
        first_60_bits="cast(cast('x' || left({0}, 15) as bit(60)) as bigint)",
        # A call of a function has at most 100 arguments, an array has no such limit.
        joined="array_to_string(array[{0}], chr(31))",
    )

    @classmethod
    @contextmanager
    def temporary(cls, folder: Path) -> Iterator[Self]:
        """See `Warehouse`; on the server that the environment names, or on one that is started for it."""
        with postgres_server() as server, cls.on(server) as warehouse:
            yield warehouse

    @classmethod
    @contextmanager
    def on(cls, server: PostgresServer) -> Iterator[Self]:
        """A new, empty one on a server; dropped at the end, with its saved states."""
        with server.new_database() as database:
            warehouse = cls(database)
            try:
                yield warehouse
            finally:
                for name in warehouse._all_saved():
                    server.drop_database(name)

    @property
    def environment(self) -> dict[str, str]:
        """See `Warehouse`."""
        return self.database.environment()

    @contextmanager
    def opened(self) -> Iterator[Query]:
        """See `Warehouse`.

        Raises:
            psycopg2.Error: the database cannot be reached.
        """
        with closing(self.database.connect()) as connection, connection.cursor() as cursor:

            def query(statement: str) -> list[tuple[Any, ...]]:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

            yield query

    def changed(self) -> AbstractContextManager[Query]:
        """See `Warehouse`."""
        return self.opened()

    def drop_foreign_keys(self, query: Query, relation: str) -> None:
        """See `Warehouse`."""
        name = relation.replace("'", "''")
        keys = query(
            f"select conname from pg_constraint where conrelid = '{name}'::regclass and contype = 'f'"
        )
        for (key,) in keys:
            query(f'alter table {relation} drop constraint "{key}"')

    def compact(self, tables: Collection[str] = ()) -> None:
        """See `Warehouse`; each table is locked while it is written.

        Raises:
            psycopg2.Error: a reader has held one for too long, or it belongs to somebody else.
            PostgresError: a transaction that began before goes on, so that what was deleted would be kept for it.
        """
        with self.opened() as query:
            self._await_older_transactions(query)
            query(f"set lock_timeout = '{_LOCK_SECONDS}s'")
            for name in tables:
                schema, table = name.split(".", 1)
                query(f'vacuum (full, analyze) "{schema}"."{table}"')
            # It has frequent values of columns. Who does not own the database is told by the server, and goes on.
            query("vacuum full pg_catalog.pg_statistic")

    def _await_older_transactions(self, query: Query) -> None:
        """Until all that may still see deleted rows have ended: the server keeps the rows for them, also when it writes a table anew."""
        ((now,),) = query("select pg_current_xact_id()::xid::text")
        until = time.monotonic() + _LOCK_SECONDS
        while older := query(_OLDER_TRANSACTIONS.format(now=now)):
            if time.monotonic() > until:
                named = ", ".join(f"{process} ({name or 'no name'})" for process, name in older)
                raise PostgresError(
                    f"transactions that began before go on in the processes {named}, for which the server keeps what was deleted:"
                    " end them, and run the same command again"
                )
            time.sleep(0.2)

    def exists(self) -> bool:
        """See `Warehouse`; the database is there before anything is loaded."""
        return True

    def empty(self) -> None:
        """See `Warehouse`."""
        self.database.replace_database(self.database.database)

    def drop_built(self) -> None:
        """See `Warehouse`."""
        with self.opened() as query:
            schemas = query(
                "select nspname from pg_namespace where nspname not like 'pg\\_%'"
                f" and nspname not in ('information_schema', 'public', '{LOADED_SCHEMA}')"
                f" and nspname not like '{PUBLISHED_SCHEMA}%'"
            )
            for (schema,) in schemas:
                query(f'drop schema "{schema}" cascade')

    def save(self, name: str) -> None:
        """See `Warehouse`."""
        self.database.replace_database(self._saved(name), self.database.database)

    def restore(self, name: str) -> None:
        """See `Warehouse`."""
        self.database.replace_database(self.database.database, self._saved(name))

    def size(self) -> int:
        """See `Warehouse`."""
        return int(self.query("select pg_database_size(current_database())")[0][0])

    def column_types(self, query: Query, relation: str) -> dict[str, str]:
        """See `Warehouse`."""
        name = relation.replace("'", "''")
        columns = query(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            f" where attrelid = '{name}'::regclass and attnum > 0 and not attisdropped"
        )
        return {row[0]: row[1] for row in columns}

    def _saved(self, name: str) -> str:
        return f"{self.database.database}_{name}"

    def _all_saved(self) -> list[str]:
        prefix = self._saved("")
        found = self.query(
            f"select datname from pg_database where starts_with(datname, '{prefix}')"
        )
        return [name for (name,) in found]
