"""Read the messages of `pgoutput`, in which Postgres says what has changed (protocol version 1, values as text).

Usage:
    decoder = Decoder()
    for lsn, data in messages:
        for change in decoder.changes(data):
            print(change.table, change.operation, change.after)
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# The value of a column: NULL, not sent because it is stored apart and has not changed, text.
_NULL, _UNCHANGED, _TEXT = b"n", b"u", b"t"

# The values of a row by the names of their columns.
Values = dict[str, str | None]


class UnknownMessage(Exception):
    """A message that the protocol does not have."""


@dataclass(frozen=True)
class Relation:
    """A table as it was when it changed: its name, and its columns with the numbers of their types."""

    table: str
    columns: dict[str, int]


@dataclass(frozen=True)
class Change:
    """A change of a row.

    Attributes:
        commit: where the transaction has ended in the log, so where to go on after it.
        transaction: its number.
        committed_at: when, in UTC.
        table: with its schema.
        operation: `c` created, `u` updated, `d` deleted, `t` the table was truncated.
        before: the row before; None if it is not known.
        after: the row after; None if it is gone.
        missing: columns of `after` whose value was not sent and is not known.
    """

    commit: int
    transaction: int
    committed_at: datetime
    table: str
    operation: str
    before: Values | None
    after: Values | None
    missing: tuple[str, ...] = ()


class Decoder:
    """Turns messages into the changes of transactions that have ended.

    Attributes:
        relations: the tables that have changed so far, by name.
        commit: where the last transaction has ended.
    """

    def __init__(self) -> None:
        self.relations: dict[str, Relation] = {}
        self.commit = 0
        self._by_number: dict[int, Relation] = {}
        self._begun = (0, 0, _EPOCH)

    def changes(self, data: bytes) -> Iterator[Change]:
        """The changes in a message; a message about a transaction or a table has none."""
        reader = _Bytes(data)
        kind = reader.take(1)
        if kind == b"B":
            commit, microseconds, transaction = reader.unpack("!qqi")
            self._begun = (commit, transaction, _EPOCH + timedelta(microseconds=microseconds))
        elif kind == b"C":
            _, _, self.commit, _ = reader.unpack("!bqqq")
        elif kind == b"R":
            self._relation(reader)
        elif kind == b"T":
            count, _ = reader.unpack("!ib")
            for _ in range(count):
                (number,) = reader.unpack("!i")
                yield self._change(self._by_number[number], "t", None, None)
        elif kind in b"IUD":
            yield self._row_change(kind, reader)
        elif kind not in b"OYM":
            raise UnknownMessage(f"message {kind!r} of pgoutput is unknown")

    def _relation(self, reader: "_Bytes") -> None:
        (number,) = reader.unpack("!i")
        name = f"{reader.text()}.{reader.text()}"
        _, count = reader.unpack("!bh")
        columns = {}
        for _ in range(count):
            reader.take(1)
            column = reader.text()
            columns[column], _ = reader.unpack("!ii")
        relation = Relation(name, columns)
        self._by_number[number] = self.relations[name] = relation

    def _row_change(self, kind: bytes, reader: "_Bytes") -> Change:
        (number,) = reader.unpack("!i")
        relation = self._by_number[number]
        marker = reader.take(1)
        before: Values | None = None
        if marker in b"KO":
            before, _ = reader.row(relation)
            marker = reader.take(1) if kind == b"U" else b""
        if kind == b"D":
            return self._change(relation, "d", before, None)
        after, unchanged = reader.row(relation)
        # A value that is stored apart and has not changed is only in the row before.
        known = before or {}
        after |= {name: known[name] for name in unchanged if name in known}
        missing = tuple(name for name in unchanged if name not in known)
        return self._change(relation, "c" if kind == b"I" else "u", before, after, missing)

    def _change(
        self,
        relation: Relation,
        operation: str,
        before: Values | None,
        after: Values | None,
        missing: tuple[str, ...] = (),
    ) -> Change:
        return Change(*self._begun, relation.table, operation, before, after, missing)


class _Bytes:
    """Reads one message from its beginning to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def take(self, count: int) -> bytes:
        piece = bytes(self._data[self._at : self._at + count])
        self._at += count
        return piece

    def unpack(self, layout: str) -> tuple[int, ...]:
        size = struct.calcsize(layout)
        return struct.unpack(layout, self.take(size))

    def text(self) -> str:
        """Text that a zero byte ends."""
        rest = bytes(self._data[self._at :])
        text = rest[: rest.index(0)]
        self._at += len(text) + 1
        return text.decode()

    def row(self, relation: Relation) -> tuple[Values, list[str]]:
        """The values that were sent, and the columns whose value was not, because it is stored apart and has not changed."""
        (count,) = self.unpack("!h")
        values: Values = {}
        unchanged = []
        for name in list(relation.columns)[:count]:
            kind = self.take(1)
            if kind == _NULL:
                values[name] = None
            elif kind == _UNCHANGED:
                unchanged.append(name)
            elif kind == _TEXT:
                (size,) = self.unpack("!i")
                values[name] = self.take(size).decode()
            else:
                raise UnknownMessage(f"value of kind {kind!r} of pgoutput is unknown")
        return values, unchanged


def lsn_text(number: int) -> str:
    """A place in the log as Postgres writes it."""
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"


def lsn_number(text: str) -> int:
    """The number of a place in the log."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
