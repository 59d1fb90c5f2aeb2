"""A Postgres database: first all rows as of one moment, then what has changed since, in the order of commits.

The first extraction creates a replication slot, which exports a snapshot: the rows of the snapshot and the changes of the slot meet without a gap. Later ones
look at the changes in the slot without taking them; only when a batch is in place is the slot told that they may go. So a killed extraction loses and
repeats nothing, and a transaction is in one batch as a whole. A feed that is added later gets a snapshot of its own.

The user needs the right to replicate and to read the tables, and has to own them unless the publication exists.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg2
import pyarrow as pa
from psycopg2 import extras, sql

from scripts.extract.rows import Number, Row, delimited_line, typed_text
from scripts.extract.staging import ORIGINALS, Staging
from scripts.extract.state import Position
from scripts.extract.systems.base import Pending, Reader, told
from scripts.extract.systems.pgoutput import (
    Change,
    Decoder,
    UnknownMessage,
    lsn_number,
    lsn_text,
)
from scripts.load.contracts import Column, Feed
from scripts.warehouse.settings import CONNECT_SECONDS

_APPLICATION = "brokerage warehouse: extract"
_FLAGS = {"c": "I", "u": "U", "d": "D"}
_CHANGES_AT_ONCE = 10_000
_MOST_LAG_MIB = 1024
# A server that is gone without a word is noticed after a minute.
_CONNECTION = {
    "application_name": _APPLICATION,
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# Values as the loader reads them, whatever the server and its users prefer.
_SESSION = "set time zone 'UTC'; set datestyle = 'ISO, YMD'; set client_encoding = 'UTF8'"
# Numbers of types by what they hold; those of a database's own types, such as enums, begin at 16384 and are text.
_TEXT_TYPES = {19, 25, 114, 1042, 1043, 2950, 3802}
_OWN_TYPES = 16384
_INTEGER_TYPES = {20, 21, 23}
_TYPES: tuple[tuple[Callable[[pa.DataType], bool], set[int]], ...] = (
    (pa.types.is_integer, _INTEGER_TYPES),
    (pa.types.is_decimal, _INTEGER_TYPES | {1700}),
    (pa.types.is_boolean, {16}),
    (pa.types.is_date, {1082}),
    (pa.types.is_time, {1083}),
    (pa.types.is_timestamp, {1114, 1184}),
)
_COLUMNS = """
select attribute.attname, attribute.atttypid::bigint
from pg_catalog.pg_attribute as attribute
where attribute.attrelid = %s::regclass and attribute.attnum > 0 and not attribute.attisdropped
order by attribute.attnum
"""
_SLOT = """
select
    slots.active,
    slots.confirmed_flush_lsn::text,
    coalesce(slots.wal_status, ''),
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), slots.restart_lsn)::bigint
from pg_catalog.pg_replication_slots as slots
where slots.slot_name = %s
"""
_PEEK = """
select changes.data
from pg_catalog.pg_logical_slot_peek_binary_changes(
    %s, %s::pg_lsn, null, 'proto_version', '1', 'publication_names', %s
) as changes
"""


class _InUseError(Exception):
    """Somebody else reads the slot."""


class DatabaseChangesReader(Reader):
    """Reads tables; its position is a place in the log of the database, and what each feed needs besides."""

    _connection: Any = None
    _snapshot_connection: Any = None
    _snapshot: tuple[str, int] | None = None
    _mark = 0

    @told(psycopg2.Error)
    def mark(self, position: Position | None) -> None:
        """Note where the log is; create the slot and its snapshot for feeds that were never read."""
        self._prepare(position)
        fresh = self._fresh(position)
        if position is None:
            self._create_slot()
        elif fresh:
            self._export_snapshot()
        if position is not None:
            self._mark = self._flushed()
            self.lag = _lag(self._mark - lsn_number(position["lsn"]))

    @told(psycopg2.Error)
    def pending(self, position: Position | None) -> Pending:
        """How far behind the position is."""
        self._check_tables()
        if position is None:
            return Pending("all rows: nothing was read yet")
        self._check_slot(position)
        return _lag(self._flushed() - lsn_number(position["lsn"]))

    @told(psycopg2.Error)
    def read(self, staging: Staging, position: Position | None) -> tuple[Position, bool]:
        """Read snapshots of feeds that are new, and what has changed in the others."""
        found: Position = json.loads(json.dumps(position)) if position else _nothing()
        for feed in self.feeds:
            if feed.comes_in(self.batch):
                staging.open_rows(feed) if self._is_slow(feed) else staging.count(feed)
        has_news = False
        for feed in self._fresh(position):
            assert self._snapshot is not None
            found["since"][feed.name] = lsn_text(self._snapshot[1])
            if feed.comes_in(self.batch):
                self._read_snapshot(staging, feed, found)
                has_news = True
            elif self.batch > 1 and not self._is_followed(feed):
                self.warnings.append(
                    f"{feed.label}: its rows come with batch 1 only, which is there already; declare batches: all to have them"
                )
        if position is not None:
            # Also of the feeds whose snapshot was just read: what has changed between it and the mark.
            has_news |= self._read_changes(staging, found)
        for feed in self.feeds:
            if feed.comes_in(self.batch) and not staging.file_of(feed).exists():
                staging.open_rows(feed)
        end = self._mark if position is not None else (self._snapshot or ("", 0))[1]
        found["lsn"] = lsn_text(end)
        return found, has_news

    @told(psycopg2.Error)
    def confirm(self, position: Position) -> None:
        """Let the slot forget what is in place."""
        found = self._slot()
        if found and lsn_number(found[1]) < lsn_number(position["lsn"]):
            self._wait_until_free()
            self._ask(
                "select pg_catalog.pg_replication_slot_advance(%s, %s::pg_lsn)",
                self._slot_name,
                position["lsn"],
            )

    def rows(self, feed: Feed, original: Any) -> Iterable[Row]:
        """The row after a change; before it, if it was deleted."""
        if original["operation"] not in _FLAGS:
            return []
        values = original["after"] if original["after"] is not None else original["before"] or {}
        row = self._row(feed, values)
        flag = (feed.origin or {}).get("change_flag")
        if flag:
            row[flag] = _FLAGS[original["operation"]]
        if feed.change_number and original["number"] is not None:
            row[feed.change_number] = Number(original["number"])
        elif feed.change_number and original["operation"] == "d":
            # The number in the row is that of its last change, not of its end.
            row[feed.change_number] = None
        return [row]

    def close(self) -> None:
        """End the sessions; a snapshot ends with its own."""
        for connection in (self._connection, self._snapshot_connection):
            if connection is not None:
                connection.close()

    @property
    def _slot_name(self) -> str:
        return str(self.option("slot", f"brokerage_warehouse_{self.system.name}"))

    @property
    def _publication(self) -> str:
        return str(self.option("publication", self._slot_name))

    @property
    def _intent(self) -> Path:
        """Says that the slot was made for this folder, even if the extraction that made it was killed."""
        return self.folder / f".extract.{self.system.name}.slot"

    def _fresh(self, position: Position | None) -> list[Feed]:
        """The feeds that were never read."""
        since = (position or _nothing())["since"]
        return [feed for feed in self.feeds if feed.name not in since]

    # ---------- the tables

    def _prepare(self, position: Position | None) -> None:
        self._check_tables()
        if position is not None:
            self._wait_until_free()
            self._check_slot(position)
        elif self._slot():
            self._drop_own_slot()
        self._publish_tables()

    def _check_tables(self) -> None:
        """Stop if a table is not what the contract says."""
        for feed in self.feeds:
            self._check_columns(feed, self._columns(feed))
            if self._is_followed(feed):
                ((identity,),) = self._ask(
                    "select relreplident from pg_catalog.pg_class where oid = %s::regclass",
                    _table(feed),
                )
                if identity != "f":
                    raise self.error(
                        f"{_table(feed)}: what is deleted, or stored apart and unchanged, would not be known; run"
                        f" `alter table {_table(feed)} replica identity full`"
                    )

    def _is_followed(self, feed: Feed) -> bool:
        """Whether changes of a feed are wanted, not only its first rows."""
        return feed.batches != "historical"

    def _columns(self, feed: Feed) -> dict[str, int]:
        try:
            return dict(self._ask(_COLUMNS, _table(feed)))
        except psycopg2.errors.UndefinedTable as error:
            raise self.error(
                f"{feed.label}: there is no table {_table(feed)}; correct origin.table in its contract"
            ) from error

    def _check_columns(self, feed: Feed, types: dict[str, int]) -> None:
        """Stop if a column is gone, or has a type that cannot hold what the contract says."""
        for column in feed.columns:
            if column.name in self._added(feed) and column.name not in types:
                continue
            number = types.get(column.place)
            if number is None:
                raise self.error(
                    f"{feed.label}: {_table(feed)} has no column {column.place}; nothing was extracted: correct the contract, or"
                    " bring the column back"
                )
            if not _can_hold(number, column):
                raise self.error(
                    f"{feed.label}: column {column.place} of {_table(feed)} has another type now, the contract says"
                    f" {column.data_type}; nothing was extracted: correct the contract, or the table"
                )

    def _added(self, feed: Feed) -> tuple[str | None, ...]:
        """The columns of a feed that the table need not have: what a change is, and its number."""
        return (feed.origin or {}).get("change_flag"), feed.change_number

    def _tell_of_unknown(
        self, feed: Feed, types: dict[str, int], found: Position, staging: Staging
    ) -> list[str]:
        """The columns that the contract does not know; new ones are told."""
        known = {column.place for column in feed.columns} | {*self._added(feed)}
        unknown = sorted(types.keys() - known)
        before = found["unknown"].get(feed.name, [])
        if fresh := [name for name in unknown if name not in before]:
            self.warnings.append(
                f"{feed.label}: {_table(feed)} has columns that the contract does not know: {', '.join(fresh)}; they are kept"
                " with the originals, declare what the warehouse needs"
            )
        found["unknown"][feed.name] = unknown
        staging.count(feed).unknown = unknown
        return unknown

    # ---------- the snapshot

    def _read_snapshot(self, staging: Staging, feed: Feed, found: Position) -> None:
        """Copy all rows of a table as of the snapshot."""
        types = self._columns(feed)
        unknown = self._tell_of_unknown(feed, types, found, staging)
        count = staging.count(feed)
        with self._in_snapshot() as cursor:
            if self._is_slow(feed):
                write = staging.open_rows(feed)
                count.rows = self._copy_rows(cursor, feed, types, write, found)
            else:
                count.files = 1
                with staging.file_of(feed).open("wb", buffering=1 << 20) as stream:
                    count.rows = self._copy_straight(cursor, feed, stream)
                count.bytes = staging.file_of(feed).stat().st_size
            count.system_rows = cursor.rowcount
            if unknown:
                self._keep_whole_rows(cursor, feed, staging)

    def _is_slow(self, feed: Feed) -> bool:
        """Whether rows have to be looked at one by one; otherwise the database writes the file."""
        names = {column.name for column in feed.layout(self.batch)}
        is_plain = feed.format == "delimited" and not feed.quote and not feed.header_lines
        return self.batch > 1 or not is_plain or bool(names & {*self._added(feed)})

    def _copy_straight(self, cursor: Any, feed: Feed, stream: IO[bytes]) -> int:
        """Have the database write the lines of the file; only what it has escaped is looked at."""
        layout = feed.layout(self.batch)
        delimiter = feed.delimiter or ""
        write_row = stream.write
        count = 0

        class Lines:
            def write(self, line: bytes) -> None:
                nonlocal count
                count += 1
                if b"\\" in line:
                    values = _fields(line.decode().rstrip("\n"), delimiter, null="")
                    line = delimited_line(values, delimiter)
                write_row(line)

        cursor.copy_expert(
            sql.SQL("copy (select {} from {}) to stdout (format text, delimiter {}, null '')")
            .format(
                sql.SQL(", ").join(map(_expression, layout)),
                _identifier(feed),
                sql.Literal(delimiter),
            )
            .as_string(cursor),
            Lines(),
        )
        return count

    def _copy_rows(
        self,
        cursor: Any,
        feed: Feed,
        types: dict[str, int],
        write: Callable[[Row], None],
        found: Position,
    ) -> int:
        names = [column.place for column in feed.columns if column.place in types]
        flag = (feed.origin or {}).get("change_flag")
        is_numbered = feed.change_number in {column.name for column in feed.layout(self.batch)}
        count = 0

        def row_of(line: bytes) -> None:
            nonlocal count
            count += 1
            values = _fields(line.decode().rstrip("\n"), "\t", null="\\N")
            row = self._row(feed, dict(zip(names, values, strict=True)))
            if flag:
                row[flag] = _FLAGS["c"]
            if is_numbered and (number := self._number(feed, types, found)) is not None:
                row[str(feed.change_number)] = Number(number)
            write(row)

        class Lines:
            def write(self, line: bytes) -> None:
                row_of(line)

        cursor.copy_expert(
            sql.SQL("copy {} ({}) to stdout")
            .format(_identifier(feed), sql.SQL(", ").join(map(sql.Identifier, names)))
            .as_string(cursor),
            Lines(),
        )
        return count

    def _keep_whole_rows(self, cursor: Any, feed: Feed, staging: Staging) -> None:
        """Keep all columns of a table, because its contract does not know some of them."""
        path = staging.folder / ORIGINALS / f"{feed.identifier}.csv.gz"
        path.parent.mkdir(exist_ok=True)
        with gzip.open(path, "wb", compresslevel=1) as stream:
            query = sql.SQL("copy (select * from {}) to stdout (format csv, header)")
            cursor.copy_expert(query.format(_identifier(feed)).as_string(cursor), stream)

    @contextmanager
    def _in_snapshot(self) -> Iterator[Any]:
        """A transaction that sees the rows of the snapshot."""
        assert self._snapshot is not None
        with closing(self._connect()) as connection:
            connection.autocommit = False
            with connection.cursor() as cursor:
                cursor.execute("set transaction isolation level repeatable read, read only")
                cursor.execute("set transaction snapshot %s", [self._snapshot[0]])
                yield cursor
            connection.rollback()

    # ---------- the changes

    def _read_changes(self, staging: Staging, found: Position) -> bool:
        """Write what was committed after the position and before the mark."""
        feeds = {_table(feed): feed for feed in self.feeds if self._is_followed(feed)}
        start = lsn_number(found["lsn"])
        since = {table: found["since"].get(feed.name) for table, feed in feeds.items()}
        decoder = Decoder()
        checked: dict[str, dict[str, int]] = {}
        has_news = False
        for change in self._changes(decoder):
            feed = feeds.get(change.table)
            first = since.get(change.table)
            if feed is None or first is None or not start <= change.commit < self._mark:
                continue
            if change.commit < lsn_number(first):
                # Its snapshot has it.
                continue
            types = decoder.relations[change.table].columns
            if checked.get(change.table) != types:
                self._check_columns(feed, types)
                self._tell_of_unknown(feed, types, found, staging)
                checked[change.table] = types
            has_news = True
            self._write_change(staging, feed, change, types, found)
        return has_news

    def _changes(self, decoder: Decoder) -> Iterator[Change]:
        with closing(self._connect()) as connection:
            connection.autocommit = False
            with connection.cursor(name="changes") as cursor:
                cursor.itersize = _CHANGES_AT_ONCE
                try:
                    cursor.execute(
                        _PEEK, [self._slot_name, lsn_text(self._mark), self._publication]
                    )
                    for (data,) in cursor:
                        yield from decoder.changes(bytes(data))
                except (psycopg2.Error, UnknownMessage) as error:
                    raise self.error(
                        f"the changes cannot be read: {error}; extract again when the database is well"
                    ) from error

    def _write_change(
        self,
        staging: Staging,
        feed: Feed,
        change: Change,
        types: dict[str, int],
        found: Position,
    ) -> None:
        if change.missing:
            raise self.error(
                f"{feed.label}: a change at {lsn_text(change.commit)} does not say {', '.join(change.missing)}, which is stored"
                f" apart; run `alter table {change.table} replica identity full`, and correct that row once"
            )
        if change.operation == "t":
            self.warnings.append(
                f"{feed.label}: {change.table} was truncated at {change.committed_at:%Y-%m-%d %H:%M:%S} (UTC); the rows that it"
                " had are still in the warehouse"
            )
        is_numbered = change.operation in _FLAGS
        original = {
            "commit": lsn_text(change.commit),
            "transaction": change.transaction,
            "committed_at": change.committed_at.isoformat(),
            "operation": change.operation,
            "before": change.before,
            "after": change.after,
            "number": self._number(feed, types, found) if is_numbered else None,
        }
        staging.write(feed, original, self.rows(feed, original))

    def _number(self, feed: Feed, types: dict[str, int], found: Position) -> str | None:
        """The next number of a change, if the contract wants one and the table has none."""
        if not feed.change_number or feed.change_number in types:
            return None
        found["numbers"][feed.name] = number = found["numbers"].get(feed.name, 0) + 1
        return str(number)

    def _row(self, feed: Feed, values: dict[str, str | None]) -> dict[str, Any]:
        """The values of a row by name, as JSON would have them."""
        columns = {column.place: column for column in feed.columns}
        return {
            name: typed_text(text, columns[name]) if name in columns else text
            for name, text in values.items()
        }

    # ---------- slot and publication

    def _create_slot(self) -> None:
        self._intent.touch()
        self._export_snapshot(self._slot_name)

    def _export_snapshot(self, slot: str | None = None) -> None:
        """Create a slot, a temporary one without a name, and note its snapshot and where in the log that is."""
        kind = "" if slot else "TEMPORARY"
        name = slot or f"{self._slot_name}_once"
        try:
            self._snapshot_connection = psycopg2.connect(
                self.address,
                connection_factory=extras.LogicalReplicationConnection,
                **_CONNECTION,
            )
            cursor = self._snapshot_connection.cursor()
            cursor.execute(
                f"CREATE_REPLICATION_SLOT \"{name}\" {kind} LOGICAL pgoutput (SNAPSHOT 'export')"
            )
            _, point, snapshot, _ = cursor.fetchone()
        except psycopg2.Error as error:
            raise self.error(
                f"no replication slot can be created: {error}; the server needs wal_level = logical and a free slot"
                " (max_replication_slots), the user the attribute replication"
            ) from error
        self._snapshot = snapshot, lsn_number(point)

    def _slot(self) -> tuple[bool, str, str, int] | None:
        found = self._ask(_SLOT, self._slot_name)
        return found[0] if found else None

    def _drop_own_slot(self) -> None:
        """Drop the slot of an extraction that was killed before its batch was in place."""
        if not self._intent.exists():
            raise self.error(
                f"the replication slot {self._slot_name} exists, and was not made for this folder; name another one"
                " (system.slot in the contract), or drop it if nobody needs it:"
                f" select pg_drop_replication_slot('{self._slot_name}')"
            )
        self._wait_until_free()
        self._ask("select pg_catalog.pg_drop_replication_slot(%s)", self._slot_name)

    def _wait_until_free(self) -> None:
        """Wait for the server to notice that a killed extraction is gone."""

        def look() -> None:
            found = self._slot()
            if found and found[0]:
                raise _InUseError(f"the replication slot {self._slot_name} is in use")

        self.patiently(look, (_InUseError,))

    def _check_slot(self, position: Position) -> None:
        """Stop if the slot does not have all changes since the position; warn if it holds much."""
        found = self._slot()
        anew = f"what has changed since {position['lsn']} cannot be had any more: extract everything anew into an empty folder"
        if found is None:
            raise self.error(f"the replication slot {self._slot_name} is gone; {anew}")
        _, confirmed, status, held = found
        if status == "lost":
            raise self.error(
                f"the replication slot {self._slot_name} has lost changes (max_slot_wal_keep_size); {anew}"
            )
        if lsn_number(confirmed) > lsn_number(position["lsn"]):
            raise self.error(
                f"the replication slot {self._slot_name} is at {confirmed}, beyond the last batch of this folder: bring back"
                f" the folder that is missing; without it, {anew}"
            )
        most = int(self.option("most_lag_mib", _MOST_LAG_MIB))
        if held > most << 20:
            self.warnings.append(
                f"the replication slot {self._slot_name} makes the database keep {held >> 20} MiB of its log, more than {most}:"
                " extract more often"
            )

    def _publish_tables(self) -> None:
        """Have the changes of all followed tables published."""
        wanted = [feed for feed in self.feeds if self._is_followed(feed)]
        published = self._ask(
            "select schemaname || '.' || tablename from pg_catalog.pg_publication_tables where pubname = %s",
            self._publication,
        )
        missing = [feed for feed in wanted if (_table(feed),) not in published]
        if not missing:
            return
        exists = self._ask(
            "select 1 from pg_catalog.pg_publication where pubname = %s", self._publication
        )
        statement = sql.SQL(
            "alter publication {} add table {}" if exists else "create publication {} for table {}"
        ).format(sql.Identifier(self._publication), sql.SQL(", ").join(map(_identifier, missing)))
        try:
            self._ask(statement)
        except psycopg2.Error as error:
            tables = ", ".join(map(_table, missing))
            raise self.error(
                f"the changes of {tables} are not published: {error}; have their owner put them into the publication"
                f" {self._publication}"
            ) from error

    def _flushed(self) -> int:
        ((place,),) = self._ask("select pg_catalog.pg_current_wal_flush_lsn()::text")
        return lsn_number(place)

    # ---------- the session

    def _ask(self, statement: Any, *values: Any) -> list[Any]:
        def ask() -> list[Any]:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return list(cursor.fetchall()) if cursor.description else []

        return self.patiently(ask, (psycopg2.OperationalError, psycopg2.InterfaceError))

    def _connect(self) -> Any:
        def connect() -> Any:
            return psycopg2.connect(self.address, **_CONNECTION)

        connection = self.patiently(connect, (psycopg2.OperationalError,))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_SESSION)
        return connection


def _lag(size: int) -> Pending:
    return Pending(f"{size} bytes of the log", bytes=size)


def _nothing() -> Position:
    return {"lsn": "0/0", "since": {}, "numbers": {}, "unknown": {}}


def _table(feed: Feed) -> str:
    """The table with its schema."""
    table = str((feed.origin or {})["table"])
    return table if "." in table else f"public.{table}"


def _identifier(feed: Feed) -> sql.Identifier:
    return sql.Identifier(*_table(feed).split(".", 1))


def _can_hold(number: int, column: Column) -> bool:
    if pa.types.is_string(column.type):
        return number in _TEXT_TYPES or number >= _OWN_TYPES
    return any(is_declared(column.type) and number in numbers for is_declared, numbers in _TYPES)


def _expression(column: Column) -> sql.Composable:
    """A column as the loader reads it."""
    name = sql.Identifier(column.place)
    if pa.types.is_boolean(column.type):
        return sql.SQL("{}::integer").format(name)
    if pa.types.is_timestamp(column.type):
        return sql.SQL("{}::timestamp").format(name)
    return name


_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _fields(line: str, delimiter: str, null: str) -> list[str | None]:
    """The values of a line of COPY in its text format."""
    if "\\" not in line:
        return [None if value == null else value for value in line.split(delimiter)]
    values: list[str | None] = []
    piece: list[str] = []
    raw: list[str] = []
    characters = iter(line)
    for character in characters:
        if character == delimiter:
            values.append(None if "".join(raw) == null else "".join(piece))
            piece, raw = [], []
        elif character == "\\":
            escaped = next(characters)
            raw += [character, escaped]
            piece.append(_ESCAPES.get(escaped, escaped))
        else:
            raw.append(character)
            piece.append(character)
    return [*values, None if "".join(raw) == null else "".join(piece)]
