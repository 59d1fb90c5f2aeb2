"""The tables of the lake in Postgres, copied feed by feed and batch by batch into the schema `raw`.

The lake is authoritative. What Postgres holds of a feed and batch is replaced in one transaction: the rows, their
lines in the load log and the quarantine, and a record in `raw.copied_batch` of the files they came from. So a crash
leaves the old state, and a later run sees from the records what there is to do. Rows go from Parquet to a binary
COPY in record batches, through ADBC: a whole file is never in memory.

Usage:
    with opened(ConnectionSettings.from_environment()) as connection, lake.locked():
        copy_lake(lake, connection, contracts, contracts.feeds, batches=())
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.load.connection import Connection
from scripts.load.contracts import Contracts, Feed
from scripts.load.lake import LOAD_LOG, QUARANTINE, BatchFiles, Lake
from scripts.load.receipts import Receipts
from scripts.load.rows import Progress
from scripts.warehouse.settings import LOADED_SCHEMA as SCHEMA
from scripts.warehouse.settings import PostgresError

# One row for each feed and batch that was copied.
_NOTES = f"{SCHEMA}.copied_batch"
_CREATE_NOTES = f"""
    create table if not exists {_NOTES} (
        system text,
        feed text,
        batch_id integer,
        digest text not null,
        copied_at timestamp not null default (current_timestamp at time zone 'UTC'),
        primary key (system, feed, batch_id)
    )
"""
# A digest that never matches: the batch has to be copied again.
_STALE = ""
_BATCH_ROWS = 32_768

# The names in the catalog of Postgres, for comparison.
_SQL_TYPES = {
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.time64("us"): "time without time zone",
    pa.timestamp("us"): "timestamp without time zone",
    pa.string(): "text",
}

# Called with the bytes to copy before the work starts; returns a callback for the bytes copied.
OnCopy = Callable[[int], Progress]
# A column of a table: its name and its type.
_Columns = list[tuple[str, str]]


@dataclass(frozen=True)
class Copied:
    """A feed of a batch that was copied to Postgres, and the number of its rows."""

    feed: Feed
    batch: int
    rows: int


@dataclass(frozen=True)
class _Change:
    """A feed of a batch that Postgres does not hold, or of which it holds another state."""

    feed: Feed
    batch: int
    files: BatchFiles
    digest: str
    is_there: bool


def copy_lake(
    lake: Lake,
    connection: Connection,
    contracts: Contracts,
    feeds: Sequence[Feed],
    batches: Sequence[int],
    on_copy: OnCopy = lambda _: lambda _: None,
    *,
    receipts: Receipts | None = None,
    force: bool = False,
) -> list[Copied]:
    """Copy what is new or changed in the lake to Postgres.

    Args:
        lake: a lake that nobody else writes at the same time, with the logs of the contracts.
        connection: a database that no other load writes at the same time.
        contracts: all feeds of a folder: each has a table, with or without rows.
        feeds: those to copy.
        batches: those to copy; empty for all in the lake.
        on_copy: called with the bytes to copy, for a progress bar.
        receipts: those that this load confirmed spare reading the footers of what has not changed.
        force: copy what is unchanged, too.

    Returns:
        What was copied; what Postgres already held is left out.

    Raises:
        PostgresError: a feed of a batch could not be copied; those copied before it stay, the rest is not copied.
    """
    receipts = receipts or Receipts(lake)
    create_tables(connection, contracts)
    labels = {feed.label for feed in contracts.feeds}
    notes = {key: note for key, note in _read_notes(connection).items() if key[0] in labels}
    in_lake = lake.batches()
    for label, batch in notes:
        if batch not in in_lake:
            raise PostgresError(
                f"{connection.settings.label} holds batch {batch} of {label}, the lake {lake.uri} does not: set LAKE to the lake it"
                f" came from, or PGDATABASE to another database; to start over, drop schema {SCHEMA} cascade"
            )
    if force:
        chosen = {feed.label for feed in feeds}
        notes |= {
            (label, batch): _STALE
            for label, batch in notes
            if label in chosen and (not batches or batch in batches)
        }
    changes = [
        change
        for feed, batch in product(contracts.feeds, in_lake)
        if (feed in feeds and (not batches or batch in batches))
        or notes.get((feed.label, batch)) == _STALE
        if (change := _change(lake, feed, batch, notes.get((feed.label, batch)), receipts))
    ]
    progress = on_copy(sum(lake.size(path) for change in changes for path in change.files))
    return [_copy(lake, connection, change, progress) for change in changes]


def forget(
    connection: Connection, contracts: Contracts, feed: Feed, batches: Sequence[int]
) -> None:
    """Delete what was copied of a feed in some batches, in one transaction.

    Raises:
        PostgresError: nothing was deleted.
    """
    logs = (f"{contracts.logs}__load_log", f"{contracts.logs}__quarantine")
    create_tables(connection, contracts)
    for batch in batches:
        _delete(connection, feed, batch, logs)
        connection.execute(
            f"delete from {_NOTES} where system = $1 and feed = $2 and batch_id = $3",
            *(feed.system, feed.name, batch),
        )
    connection.commit()


def create_tables(connection: Connection, contracts: Contracts) -> None:
    """Create the tables that are missing; create those whose contract has changed again, without rows."""
    # `create schema if not exists` needs the right to create a schema even if it exists.
    ((is_there,),) = connection.rows(f"select to_regnamespace('{SCHEMA}') is not null")
    if not is_there:
        connection.execute(f"create schema {SCHEMA}")
    connection.execute(_CREATE_NOTES)
    logs = {f"{contracts.logs}__load_log": LOAD_LOG, f"{contracts.logs}__quarantine": QUARANTINE}
    schemas = logs | {feed.identifier: feed.schema for feed in contracts.feeds}
    there = _read_columns(connection)
    for table, schema in schemas.items():
        columns = _columns(schema)
        if there.get(table) == columns:
            continue
        if table in there:
            # Views over it are dropped, too; the next dbt build creates them again.
            connection.execute(f"drop table {_qualified(table)} cascade")
            feeds = [feed for feed in contracts.feeds if table in (feed.identifier, *logs)]
            for feed in feeds:
                _mark_stale(connection, feed)
        definition = ", ".join(f'"{name}" {type_}' for name, type_ in columns)
        connection.execute(f"create table {_qualified(table)} ({definition})")
    connection.commit()


def _mark_stale(connection: Connection, feed: Feed) -> None:
    """Record that the rows of a feed have to be copied again."""
    connection.execute(
        f"update {_NOTES} set digest = '{_STALE}' where system = $1 and feed = $2",
        *(feed.system, feed.name),
    )


def _read_columns(connection: Connection) -> dict[str, _Columns]:
    """The columns of every table of the schema."""
    columns: dict[str, _Columns] = {}
    for table, name, type_ in connection.rows(
        "select relname, attname, format_type(atttypid, atttypmod)"
        " from pg_attribute inner join pg_class on pg_class.oid = attrelid"
        f" where relnamespace = '{SCHEMA}'::regnamespace and relkind in ('r', 'p')"
        " and attnum > 0 and not attisdropped order by relname, attnum"
    ):
        columns.setdefault(table, []).append((name, type_))
    return columns


def _columns(schema: pa.Schema) -> _Columns:
    return [(field.name, _sql_type(field.type)) for field in schema]


def _sql_type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"{_sql_type(type_.value_type)}[]"
    if pa.types.is_decimal(type_):
        return f"numeric({type_.precision},{type_.scale})"
    return _SQL_TYPES[type_]


def _read_notes(connection: Connection) -> dict[tuple[str, int], str]:
    """The digest of what was copied, by feed and batch."""
    query = f"select system || '.' || feed, batch_id, digest from {_NOTES} order by 1, 2"
    return {(label, batch): digest for label, batch, digest in connection.rows(query)}


def _change(
    lake: Lake, feed: Feed, batch: int, noted: str | None, receipts: Receipts
) -> _Change | None:
    """What there is to copy; None if the lake holds nothing of this feed and batch, or nothing new."""
    files = lake.batch_files(feed.system, feed.name, batch)
    digest = receipts.digest(feed.label, batch, lambda: _digest(lake, files))
    if not digest or digest == noted:
        return None
    return _Change(feed, batch, files, digest, is_there=noted is not None)


def _digest(lake: Lake, files: BatchFiles) -> str:
    """A digest of the footers of a feed and batch; empty if the lake holds nothing of it."""
    footers = [lake.footer(path) for path in files]
    if not any(footers):
        return ""
    return hashlib.sha256(json.dumps(footers, sort_keys=True).encode()).hexdigest()


def _copy(lake: Lake, connection: Connection, change: _Change, progress: Progress) -> Copied:
    feed, batch, files = change.feed, change.batch, change.files
    load_log, quarantine = f"{lake.logs}__load_log", f"{lake.logs}__quarantine"
    tables = (feed.identifier, quarantine, load_log, load_log)
    schemas = (feed.schema, QUARANTINE, LOAD_LOG, LOAD_LOG)
    try:
        _check_intact(lake, files)
        if change.is_there:
            _delete(connection, feed, batch, (quarantine, load_log))
        rows = [
            _append(lake, connection, path, table, schema, progress)
            for path, table, schema in zip(files, tables, schemas, strict=True)
        ]
        connection.execute(
            f"insert into {_NOTES} (system, feed, batch_id, digest) values ($1, $2, $3, $4)"
            " on conflict (system, feed, batch_id)"
            " do update set digest = excluded.digest, copied_at = default",
            *(feed.system, feed.name, batch, change.digest),
        )
        _analyze(connection, feed.identifier, rows[0])
        connection.commit()
    except PostgresError as error:
        raise PostgresError(f"{feed.label} of batch {batch} was not copied: {error}") from error
    except (OSError, pa.ArrowException) as error:
        raise PostgresError(
            f"{feed.label} of batch {batch} was not copied: a file of the lake cannot be read: {error};"
            " load this feed and batch again from its source"
        ) from error
    return Copied(feed, batch, rows[0])


def _check_intact(lake: Lake, files: BatchFiles) -> None:
    """Most damage would be read as other values; the log has the checksum of what was written."""
    checksums = (lake.footer(files.log) or {}).get("sha256") or {}
    for name in ("data", "quarantine"):
        path = getattr(files, name)
        is_expected = name in checksums or lake.exists(path)
        # Without a checksum, the log itself is damaged.
        if is_expected and not lake.is_intact(path, checksums.get(name, "")):
            raise PostgresError(
                f"{path} is damaged; load this feed and batch again from its source"
            )


def _analyze(connection: Connection, table: str, new_rows: int) -> None:
    """Analyze a table that has grown by a tenth: the next queries are planned with these statistics.

    A small batch hardly changes them, and analyzing takes as long as for a large one.
    """
    query = f"select reltuples from pg_class where oid = '{_qualified(table)}'::regclass"
    ((known_rows,),) = connection.rows(query)
    if new_rows > known_rows / 10:
        connection.execute(f"analyze {_qualified(table)}")


def _delete(connection: Connection, feed: Feed, batch: int, logs: Sequence[str]) -> None:
    connection.execute(f"delete from {_qualified(feed.identifier)} where batch_id = $1", batch)
    for table in logs:
        connection.execute(
            f"delete from {_qualified(table)} where batch_id = $1 and system = $2 and feed = $3",
            *(batch, feed.system, feed.name),
        )


def _append(
    lake: Lake,
    connection: Connection,
    path: str,
    table: str,
    schema: pa.Schema,
    progress: Progress,
) -> int:
    """Copy a file of the lake, if it exists; returns the number of its rows."""
    if not lake.exists(path):
        return 0
    with lake.open(path) as stream, pq.ParquetFile(stream) as file:
        if _columns(file.schema_arrow) != _columns(schema):
            raise PostgresError(
                f"{path} was written under an older contract; load this feed and batch again from its source"
            )
        count, size = file.metadata.num_rows, lake.size(path)
        rows = _LakeRows(file, lambda share: progress(int(size * share)))
        try:
            connection.append(SCHEMA, table, rows.reader)
        except PostgresError as error:
            if rows.error is None:
                raise
            raise PostgresError(
                f"{path} cannot be read: {rows.error}; load again when it can"
            ) from error
    return int(count)


class _LakeRows:
    """The rows of a file in the types of Postgres; keeps the original error, which the driver hides."""

    def __init__(self, file: pq.ParquetFile, progress: Callable[[float], Any]) -> None:
        self._file = file
        self._progress = progress
        self.error: Exception | None = None
        self.reader = pa.RecordBatchReader.from_batches(file.schema_arrow, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._file.iter_batches(_BATCH_ROWS):
                yield batch
                self._progress(batch.num_rows / self._file.metadata.num_rows)
        except (OSError, pa.ArrowException) as error:
            self.error = error
            raise


def _qualified(table: str) -> str:
    return f'{SCHEMA}."{table}"'
