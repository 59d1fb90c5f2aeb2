"""Writes what readers open on Postgres: copies of the published layers in schemas of their own (`published_marts`, `published_marts_masked`, ...).

Only rows that have changed are deleted and inserted, all in one transaction. So readers see one version or the next, in a transaction of several statements too if it is
`repeatable read`, and nobody waits for anybody: a renamed or replaced table would be empty for a transaction that began before. Only a changed project
changes columns or views, which waits for who reads them, a few seconds at a time.

Usage:
    def work(query: Query) -> dict[str, TableContent]:
        return write_schemas(warehouse, query, tables, previous=None)

    contents = in_transaction(warehouse, tables, work)
"""

import re
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from scripts.publish.manifest import Manifest, TableContent
from scripts.publish.tables import PublishedTable, Reader, views_in_order
from scripts.publish.versions import PublishError
from scripts.warehouse.base import Query
from scripts.warehouse.fingerprints import LOAD_COLUMNS
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import PUBLISHED_SCHEMA

# How long to wait for a table that a build is just replacing.
LOCK_SECONDS = 3
_ATTEMPTS = 3
_ATTEMPTS_TO_TAKE_OVER = 30
_MOMENT = "50ms"
_VERSIONS = f"{PUBLISHED_SCHEMA}.versions"
_LAST_BUILD = "operations.last_build"

Outcome = TypeVar("Outcome")


def in_transaction(
    warehouse: PostgresWarehouse, tables: list[PublishedTable], work: Callable[[Query], Outcome]
) -> Outcome:
    """Do some work on one state of the warehouse: no build can replace a table meanwhile, and all tables are read as they are when it begins.

    Raises:
        PublishError: somebody else is publishing, or a table is in use for long.
        psycopg2.Error: the database cannot be reached, or the user lacks a right.
    """
    with closing(warehouse.database.connect()) as connection, connection.cursor() as cursor:

        def query(statement: str) -> list[tuple[Any, ...]]:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

        # A lock of the session: it ends with the connection, and taking it is no part of the transaction.
        if query("select pg_try_advisory_lock(hashtext('brokerage_warehouse.publish'))") != [
            (True,)
        ]:
            raise PublishError(
                f"{warehouse.database.label}: another program is publishing; wait for it to end"
            )
        connection.autocommit = False
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with connection:
                    query(f"set local lock_timeout = '{LOCK_SECONDS}s'")
                    _lock(query, tables)
                    return work(query)
            except psycopg2.errors.LockNotAvailable as error:
                if attempt == _ATTEMPTS:
                    raise PublishError(
                        f"{warehouse.database.label}: a build or a reader has held a table for long;"
                        " end it (pg_stat_activity shows it), then publish again"
                    ) from error
                time.sleep(LOCK_SECONDS)
    raise AssertionError("unreachable")


def _lock(query: Query, tables: list[PublishedTable]) -> None:
    """Keep builds from replacing a table. Before anything is read: from then on, the transaction sees what had been committed by then."""
    relations = [_LAST_BUILD, *(_relation(table.schema, table) for table in tables)]
    query(f"lock table {', '.join(relations)} in access share mode")


def last_published(query: Query) -> Manifest | None:
    """The manifest of what readers have now; None before the first version."""
    if query(f"select to_regclass('{_VERSIONS}')") == [(None,)]:
        return None
    for (manifest,) in query(f"select manifest from {_VERSIONS} order by number desc limit 1"):
        return Manifest.from_json(manifest)
    return None


def read_published(
    warehouse: PostgresWarehouse, read: Callable[[Query, Manifest | None], Outcome]
) -> Outcome:
    """Read what readers have, in one version; its manifest is None before the first one.

    Raises:
        psycopg2.Error: the database cannot be reached or read.
    """
    with warehouse.opened() as query:
        query("begin isolation level repeatable read read only")
        return read(query, last_published(query))


def published_schema(layer: str) -> str:
    """The schema in which readers have a layer."""
    return f"{PUBLISHED_SCHEMA}_{layer}"


def record(query: Query, manifest: Manifest, tables: Iterable[PublishedTable]) -> None:
    """Write down that a version is what readers have."""
    roles = sorted({role for table in tables for role in table.grants})
    if query(f"select to_regclass('{_VERSIONS}')") == [(None,)]:
        query(f"create schema if not exists {PUBLISHED_SCHEMA}")
        query(
            f"create table {_VERSIONS} (number bigint generated by default as identity primary key,"
            " version varchar not null, batch_id integer not null, published_at timestamp not null,"
            " manifest text not null)"
        )
    query(f"grant usage on schema {PUBLISHED_SCHEMA} to {', '.join(roles)}")
    query(f"grant select on {_VERSIONS} to {', '.join(roles)}")
    text = manifest.as_json().replace("'", "''")
    query(
        f"insert into {_VERSIONS} (version, batch_id, published_at, manifest) values"
        f" ('{manifest.version}', {manifest.batch_id}, '{manifest.published_at:%Y-%m-%d %H:%M:%S}', '{text}')"
    )


def write_schemas(
    warehouse: PostgresWarehouse,
    query: Query,
    tables: list[PublishedTable],
    previous: Manifest | None,
) -> dict[str, TableContent]:
    """Make the published schemas equal to the layers; returns what the tables hold.

    Args:
        warehouse: it is used through `query` only.
        query: of a transaction, see `in_transaction`.
        tables: to publish.
        previous: what the schemas hold, published by the same state of the project; None if that is not known.
    """
    writer = _Writer(warehouse, query, previous)
    copied = [table for table in tables if not table.is_view]
    new = [table for table in copied if not writer.is_there(table)]
    changed = [
        table
        for table in copied
        if table not in new and (writer.was_view(table) or writer.has_other_columns(table))
    ]
    if previous is None:
        writer.create_schemas(tables)
    contents = {table.name: writer.write(table) for table in copied if table not in changed}
    if previous is None or new or changed:
        # From here on, readers of what changes wait.
        writer.take_over(changed, tables)
        contents |= {table.name: writer.write(table) for table in changed}
        for view in views_in_order(tables):
            writer.create_view(view, tables)
        for table in tables:
            writer.describe_and_grant(table)
    return dict(sorted(contents.items()))


class _Writer:
    """Writes the published schemas in a transaction."""

    def __init__(
        self, warehouse: PostgresWarehouse, query: Query, previous: Manifest | None
    ) -> None:
        self._warehouse = warehouse
        self._query = query
        self._known = previous.tables if previous else {}

    def create_schemas(self, tables: list[PublishedTable]) -> None:
        """Create what is missing, and let the readers in."""
        readers: dict[str, set[str]] = {}
        for table in tables:
            readers.setdefault(_schema(table), set()).update(table.grants)
            if table.masked_grants:
                readers.setdefault(_masked_schema(table), set()).update(table.grants)
        for schema, roles in readers.items():
            self._query(f"create schema if not exists {schema}")
            self._query(f"grant usage on schema {schema} to {', '.join(sorted(roles))}")

    def is_there(self, table: PublishedTable) -> bool:
        """Whether readers have a table or view of this name."""
        relation = _relation(_schema(table), table)
        return self._query(f"select to_regclass('{relation}')") != [(None,)]

    def was_view(self, table: PublishedTable) -> bool:
        """Whether readers have a view of this name, although it is a table now."""
        relation = _relation(_schema(table), table)
        found = self._query(f"select relkind from pg_class where oid = '{relation}'::regclass")
        return found == [("v",)]

    def has_other_columns(self, table: PublishedTable) -> bool:
        """Whether what readers have of a table has other columns than the table."""
        source, target = _relation(table.schema, table), _relation(_schema(table), table)
        return self._types(source) != self._types(target)

    def take_over(
        self, changed: Collection[PublishedTable], tables: Collection[PublishedTable]
    ) -> None:
        """Drop all views and what is no longer published, and lock those tables that change.

        All at once, and without waiting for more than a moment: a reader that waits for one of them may have another one in use, and Postgres would end the
        reader after a second (`deadlock_timeout`).
        """
        wanted = {(_schema(table), table.alias) for table in tables if not table.is_view}
        statements = [f"set local lock_timeout = '{_MOMENT}'"]
        views = set()
        for schema, name, kind in self._query(
            "select table_schema, table_name, table_type from information_schema.tables"
            f" where table_schema like '{PUBLISHED_SCHEMA}\\_%'"
        ):
            if kind == "VIEW":
                views.add((schema, name))
            if kind == "VIEW" or (schema, name) not in wanted:
                what = "view" if kind == "VIEW" else "table"
                statements.append(f'drop {what} if exists "{schema}"."{name}" cascade')
        statements += [
            f"lock table {_relation(_schema(table), table)} in access exclusive mode"
            for table in changed
            if (_schema(table), table.alias) not in views
        ]
        self._query("savepoint before_the_locks")
        for attempt in range(1, _ATTEMPTS_TO_TAKE_OVER + 1):
            try:
                for statement in statements:
                    self._query(statement)
            except psycopg2.errors.LockNotAvailable:
                if attempt == _ATTEMPTS_TO_TAKE_OVER:
                    raise
                self._query("rollback to savepoint before_the_locks")
                time.sleep(LOCK_SECONDS / 10)
            else:
                return

    def write(self, table: PublishedTable) -> TableContent:
        """Give readers the rows of a table; returns what it holds."""
        source, target = _relation(table.schema, table), _relation(_schema(table), table)
        types = self._types(source)
        if not self.is_there(table):
            self._create(source, target, types)
            return self._content(table, target, types)
        self._change_columns(source, target, types)
        before = self._known.get(table.name) or self._content(table, target, types)
        gone, came = self._move_rows(table, source, target, types)
        self._change_key(source, target)
        fingerprint = None
        if before.fingerprint is not None:
            moved = int(came.fingerprint or 0) - int(gone.fingerprint or 0)
            fingerprint = str(int(before.fingerprint) + moved)
        return TableContent(before.rows + came.rows - gone.rows, fingerprint)

    def _create(self, source: str, target: str, types: dict[str, str]) -> None:
        columns = _list(types)
        self._query(f"create table {target} (like {source} including all)")
        self._query(f"insert into {target} ({columns}) select {columns} from {source}")
        self._query(f"analyze {target}")

    def _change_columns(self, source: str, target: str, types: dict[str, str]) -> None:
        """Drop and add columns, which writes no rows: a transaction that began before still sees its own."""
        before = self._types(target)
        gone = [name for name in before if types.get(name) != before[name]]
        new = [name for name in types if types[name] != before.get(name)]
        changes = [f'drop column "{name}" cascade' for name in gone]
        changes += [f'add column "{name}" {types[name]}' for name in new]
        if changes:
            self._query(f"alter table {target} {', '.join(changes)}")

    def _change_key(self, source: str, target: str) -> None:
        key = self._key(source)
        if self._key(target) != key:
            constraints = self._query(
                "select conname from pg_constraint"
                f" where conrelid = '{target}'::regclass and contype = 'p'"
            )
            changes = [f'drop constraint "{name}"' for (name,) in constraints]
            changes += [f"add primary key ({_list(key)})"] if key else []
            self._query(f"alter table {target} {', '.join(changes)}")

    def _move_rows(
        self, table: PublishedTable, source: str, target: str, types: dict[str, str]
    ) -> tuple[TableContent, TableContent]:
        """Delete the rows that are gone or have changed, insert those that came; returns what both are."""
        columns, key = _list(types), self._key(source)
        if key:
            same_key = " and ".join(f'copy."{name}" = built."{name}"' for name in key)
            is_same = " and ".join(
                f'copy."{name}" is not distinct from built."{name}"' for name in types
            )
            delete = (
                f"delete from {target} as copy"
                f" where not exists (select from {source} as built where {same_key} and {is_same})"
            )
            # What is left is the same on both sides.
            new_rows = (
                f"select {columns} from {source} as built"
                f" where not exists (select from {target} as copy where {same_key})"
            )
        elif self._differ(source, target, columns):
            delete = f"delete from {target} as copy"
            new_rows = f"select {columns} from {source}"
        else:
            return TableContent(0, "0"), TableContent(0, "0")
        insert = f"insert into {target} as copy ({columns}) {new_rows}"
        gone, came = (
            self._content(table, "moved", types, f"with moved as ({statement} returning copy.*) ")
            for statement in (delete, insert)
        )
        return gone, came

    def _differ(self, source: str, target: str, columns: str) -> bool:
        one, other = (f"select {columns} from {relation}" for relation in (source, target))
        return any(
            self._query(f"select exists ({first} except all {second})") == [(True,)]
            for first, second in ((one, other), (other, one))
        )

    def _content(
        self, table: PublishedTable, relation: str, types: dict[str, str], before: str = ""
    ) -> TableContent:
        """What a relation holds, as analysts read it. `before` is the beginning of a statement."""
        if not table.is_read_by(Reader.ANALYST):
            ((rows,),) = self._query(f"{before}select count(*) from {relation}")
            return TableContent(rows, None)
        shown = table.selected(types, table.is_masked_for(Reader.ANALYST))
        rows_shown = f"(select {shown} from {relation}) as shown"
        recipe = self._warehouse.recipe
        ((rows, digest),) = self._query(
            before + recipe.fingerprint_query(rows_shown, types, LOAD_COLUMNS)
        )
        return TableContent(rows, str(digest))

    def create_view(self, view: PublishedTable, tables: Iterable[PublishedTable]) -> None:
        """Create a view over published tables and views.

        With nothing in the search path, its definition names each relation with its schema. (A shorter path is not enough: where a CTE has the name of a
        table, as in most models, Postgres writes the schema of the table anyway.)
        """
        source, target = _relation(view.schema, view), _relation(_schema(view), view)
        self._query("set local search_path = pg_catalog")
        ((definition,),) = self._query(f"select pg_get_viewdef('{source}'::regclass)")
        self._query("set local search_path to default")
        for table in tables:
            named = rf"(?<![\w.]){re.escape(f'{table.schema}.{table.alias}')}(?!\w)"
            definition = re.sub(named, f"{_schema(table)}.{table.alias}", definition)
        self._query(f"create view {target} as {definition}")

    def describe_and_grant(self, table: PublishedTable) -> None:
        """Write descriptions into the database, and give each role the rights that it has to the table itself."""
        relation = _relation(_schema(table), table)
        types = self._types(relation)
        statements = table.comments(relation, types)
        grantees = self._query(
            "select distinct grantee::regrole from ("
            f" select (aclexplode(relacl)).grantee from pg_class where oid = '{relation}'::regclass"
            f" union all select (aclexplode(attacl)).grantee from pg_attribute where attrelid = '{relation}'::regclass"
            ") as granted where grantee <> current_user::regrole"
        )
        statements += [f"revoke all on {relation} from {role}" for (role,) in grantees]
        unmasked = [role for role in table.grants if role not in table.masked_grants]
        if unmasked:
            statements.append(f"grant select on {relation} to {', '.join(unmasked)}")
        if table.masked_grants:
            shown = _list([name for name in types if name not in table.masks])
            masked = _relation(_masked_schema(table), table)
            statements += [
                f"grant select ({shown}) on {relation} to {', '.join(table.masked_grants)}",
                f"create view {masked} as select {table.selected(types, masked=True)} from {relation}",
                *table.comments(masked, types, "view"),
                f"grant select on {masked} to {', '.join(table.grants)}",
            ]
        self._query("; ".join(statements))

    def _types(self, relation: str) -> dict[str, str]:
        return self._warehouse.column_types(self._query, relation)

    def _key(self, relation: str) -> list[str]:
        """The columns of its primary key."""
        found = self._query(
            "select attname from pg_index"
            " inner join pg_attribute on attrelid = indrelid and attnum = any(indkey)"
            f" where indrelid = '{relation}'::regclass and indisprimary order by attname"
        )
        return [name for (name,) in found]


def _schema(table: PublishedTable) -> str:
    return published_schema(table.schema)


def _masked_schema(table: PublishedTable) -> str:
    return f"{_schema(table)}_masked"


def _relation(schema: str, table: PublishedTable) -> str:
    return f'"{schema}"."{table.alias}"'


def _list(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
