"""Tables of another Postgres as a destination of shares: `postgresql://host:port/database?schema=name`.

Usage:
    delivered = PostgresTables("postgresql://db.example.net/analytics?schema=partner", "partner/trades").deliver(versions, index)

A version is taken there in one transaction: rows that were changed or deleted go, new ones come, then the rows are counted. If the tables are at an earlier version that is
still here, all changes since are applied, each version in a transaction of its own, so what was interrupted goes on. Otherwise, or if the tables do not have the rows that they should have,
they are filled again. The table `share_versions` says which version is there.
"""

import io
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import duckdb
import psycopg2
from psycopg2 import sql

from scripts.share.changes import ADDED, CHANGE, DELETED, Changes
from scripts.share.destinations import Delivered, Destination, DestinationError, tried
from scripts.share.dumps import parquet_relation, text_of
from scripts.share.index import CHANGES, Index, Resource
from scripts.share.policies import Format
from scripts.share.versions import ShareVersions
from scripts.warehouse.settings import CONNECT_SECONDS

VERSIONS = "share_versions"
_TYPES = {"double": "double precision", "tinyint": "smallint"}
_CHANGED = sql.Identifier("shared_changes")
_CREATE_VERSIONS = sql.SQL(
    """
    create table {} (
        share text primary key,
        version text not null,
        tables jsonb not null,
        delivered_at timestamptz not null
    )
    """
)
_STORE_VERSION = sql.SQL(
    """
    insert into {} (share, version, tables, delivered_at)
    values (%s, %s, %s, now())
    on conflict (share) do update
    set version = excluded.version, tables = excluded.tables, delivered_at = excluded.delivered_at
    """
)


class _OtherRowsError(Exception):
    """A table does not have the rows that it should have."""


class PostgresTables(Destination):
    """See `Destination`."""

    def __init__(self, destination: str, share: str) -> None:
        self._destination = destination
        self._share = share
        parts = urlsplit(destination)
        given = dict(parse_qsl(parts.query))
        self._schema = given.pop("schema", "") or share.rpartition("/")[2]
        given.setdefault("connect_timeout", str(CONNECT_SECONDS))
        given["application_name"] = "share"
        for name, variable in (("user", "PGUSER_SHARES"), ("password", "PGPASSWORD_SHARES")):
            if value := os.environ.get(variable):
                given[name] = value
        query = urlencode(given, quote_via=quote)
        self._uri = f"postgresql://{parts.netloc}{parts.path}?{query}"
        if not parts.path.strip("/"):
            raise DestinationError(f"{destination}: name the database, as postgresql://host/name")

    def deliver(self, versions: ShareVersions, index: Index) -> Delivered:
        """See `Destination`."""
        steps = tried(self._destination, partial(self._steps, versions, index))
        # The name of a function, so that each version has its own.
        sent = sum(tried(self._destination, partial(self._take, versions, step)) for step in steps)
        return Delivered(index.version, index.rows, sent, "rows")

    def delivered_version(self) -> str | None:
        """See `Destination`."""
        return tried(self._destination, self._version)

    def withdraw(self) -> None:
        """See `Destination`."""
        tried(self._destination, self._withdraw)

    def _steps(self, versions: ShareVersions, index: Index) -> list[Index]:
        """The versions to take there one after the other: those after the one that is there, or only the last one."""
        there = self._version()
        steps: list[Index] = []
        for each in versions.history():
            if each.version == there:
                return steps[::-1]
            steps.append(each)
        return [index]

    def _version(self) -> str | None:
        with self._transaction() as cursor:
            return self._state(cursor)[0]

    def _take(self, versions: ShareVersions, index: Index) -> int:
        """Take a version there; returns how many rows were sent."""
        with self._transaction() as cursor:
            self._prepare(cursor)
            version, known = self._state(cursor)
            sent = 0
            for dump in index.dumps:
                columns = known.get(dump.table)
                if columns is None and self._exists(cursor, dump.table):
                    raise DestinationError(
                        f"{self._destination}: {self._schema}.{dump.table} is there, but not from {self._share};"
                        " remove it, or name another schema"
                    )
                is_next = index.previous is not None and version == index.previous
                is_same = columns == dump.columns and self._exists(cursor, dump.table)
                sent += self._fill(cursor, versions, index, dump, is_same, is_same and is_next)
            tables = {dump.table: dump.columns for dump in index.dumps}
            for table in known.keys() - tables.keys():
                cursor.execute(sql.SQL("drop table if exists {}").format(self._table(table)))
            cursor.execute(
                _STORE_VERSION.format(self._table(VERSIONS)),
                (self._share, index.version, json.dumps(tables)),
            )
            return sent

    def _fill(
        self,
        cursor: Any,
        versions: ShareVersions,
        index: Index,
        dump: Resource,
        is_same: bool,
        is_next: bool,
    ) -> int:
        """Bring a table to a version: by its changes, or as a whole; returns how many rows were sent."""
        changes = index.resource(dump.table, CHANGES)
        counts = index.changes[dump.table]
        folder = versions.folder / index.version
        if is_next and changes is not None and isinstance(counts, Changes):
            cursor.execute("savepoint changes")
            try:
                relation = parquet_relation(folder, changes.files)
                self._change(cursor, dump, changes, counts, relation)
                self._count(cursor, dump)
            except (_OtherRowsError, psycopg2.errors.UniqueViolation):
                # Somebody else has changed the table.
                cursor.execute("rollback to savepoint changes")
            else:
                return changes.rows
        self._load(cursor, dump, parquet_relation(folder, dump.files), is_same)
        try:
            self._count(cursor, dump)
        except _OtherRowsError as error:
            raise DestinationError(f"{self._destination}: {error}; nothing was changed") from error
        return dump.rows

    def _change(
        self, cursor: Any, dump: Resource, changes: Resource, counts: Changes, relation: str
    ) -> None:
        """Delete what was changed or deleted, insert what is new or changed."""
        table = self._table(dump.table)
        names = _names(dump.columns)
        cursor.execute(
            sql.SQL(
                "drop table if exists pg_temp.{changed};"
                " create temp table {changed} on commit drop as"
                " select cast(null as text) as {kind}, * from {table} with no data"
            ).format(changed=_CHANGED, kind=sql.Identifier(CHANGE), table=table)
        )
        _copy(cursor, _CHANGED, changes.columns, relation)
        same = sql.SQL(" and ").join(
            sql.SQL("there.{name} = changed.{name}").format(name=sql.Identifier(name))
            for name in dump.key
        )
        kind = sql.Identifier(CHANGE)
        cursor.execute(
            sql.SQL(
                "delete from {table} as there using {changed} as changed"
                " where changed.{kind} <> {added} and {same}"
            ).format(table=table, changed=_CHANGED, kind=kind, added=sql.Literal(ADDED), same=same)
        )
        if cursor.rowcount != counts.modified + counts.deleted:
            raise _OtherRowsError(f"{dump.table}: {cursor.rowcount} rows were deleted")
        cursor.execute(
            sql.SQL(
                "insert into {table} ({names}) select {names} from {changed} where {kind} <> {deleted}"
            ).format(
                table=table, names=names, changed=_CHANGED, kind=kind, deleted=sql.Literal(DELETED)
            )
        )

    def _load(self, cursor: Any, dump: Resource, relation: str, is_same: bool) -> None:
        """Fill a table with all rows; one with other columns is made anew."""
        table = self._table(dump.table)
        if is_same:
            # Not truncated: who reads sees the rows of before until the end.
            cursor.execute(sql.SQL("delete from {}").format(table))
        else:
            columns = sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_type(data_type)))
                for name, data_type in dump.columns.items()
            )
            cursor.execute(
                sql.SQL(
                    "drop table if exists {table}; create table {table} ({columns}, primary key ({key}))"
                ).format(table=table, columns=columns, key=_names(dump.key))
            )
        _copy(cursor, table, dump.columns, relation)

    def _count(self, cursor: Any, dump: Resource) -> None:
        """The table has as many rows as the dump."""
        cursor.execute(sql.SQL("select count(*) from {}").format(self._table(dump.table)))
        ((count,),) = cursor.fetchall()
        if count != dump.rows:
            raise _OtherRowsError(f"{dump.table} has {count:,} rows, not {dump.rows:,}")

    def _withdraw(self) -> None:
        with self._transaction() as cursor:
            _, known = self._state(cursor)
            for table in known:
                cursor.execute(sql.SQL("drop table if exists {}").format(self._table(table)))
            if known:
                cursor.execute(
                    sql.SQL("delete from {} where share = %s").format(self._table(VERSIONS)),
                    (self._share,),
                )

    def _prepare(self, cursor: Any) -> None:
        """Keep a second delivery out, and make what is missing; who may make no schema needs none that is there."""
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (self._share,))
        cursor.execute("select 1 from pg_namespace where nspname = %s", (self._schema,))
        if not cursor.fetchall():
            cursor.execute(sql.SQL("create schema {}").format(sql.Identifier(self._schema)))
        if not self._exists(cursor, VERSIONS):
            cursor.execute(_CREATE_VERSIONS.format(self._table(VERSIONS)))

    def _state(self, cursor: Any) -> tuple[str | None, dict[str, dict[str, str]]]:
        """The version that is there, and its tables with their columns."""
        if not self._exists(cursor, VERSIONS):
            return None, {}
        cursor.execute(
            sql.SQL("select version, tables from {} where share = %s").format(
                self._table(VERSIONS)
            ),
            (self._share,),
        )
        for version, tables in cursor.fetchall():
            return version, tables
        return None, {}

    def _exists(self, cursor: Any, table: str) -> bool:
        cursor.execute(
            "select 1 from pg_tables where schemaname = %s and tablename = %s",
            (self._schema, table),
        )
        return bool(cursor.fetchall())

    def _table(self, name: str) -> sql.Identifier:
        return sql.Identifier(self._schema, name)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """All of it, or nothing."""
        with (
            closing(psycopg2.connect(self._uri)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            yield cursor


class _Stream(io.RawIOBase):
    """Pieces of text as a file that is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        while not self._left:
            try:
                self._left = next(self._pieces)
            except StopIteration:
                return 0
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _copy(cursor: Any, table: sql.Identifier, columns: dict[str, str], relation: str) -> None:
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(table, _names(columns))
    with duckdb.connect() as connection:
        pieces = text_of(connection, relation, columns, Format.CSV)
        cursor.copy_expert(statement.as_string(cursor), io.BufferedReader(_Stream(pieces)))


def _names(columns: Any) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _type(data_type: str) -> str:
    """Lists are JSON, as in the files of text."""
    return "jsonb" if data_type.endswith("[]") else _TYPES.get(data_type, data_type)
