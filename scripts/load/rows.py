"""What every reader yields: rows that fulfill their contract, and violations, with their lines."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

# Called with the number of bytes read since the last call, for the progress bar.
Progress = Callable[[int], Any]


class FileError(Exception):
    """A file that cannot be read at all; the message says where in the file and what to do."""


class ConflictError(FileError):
    """A file that cannot land because of another batch of its feed."""


@dataclass(frozen=True)
class Violation:
    """One record that violates its contract.

    Attributes:
        line: line number in the file, counted from 1.
        reason: what is wrong, in words.
        raw: the record as it is in the file.
    """

    line: int
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Rows:
    """A piece of a file.

    Attributes:
        columns: typed arrays of equal length by column name; columns the layout does not have are left out.
        source_row: place of each row in its file, int64, of the same length.
        violations: the records of this piece that do not land.
        line: the line of a row by its `source_row`, where a row is a line.
        left_out: `source_row` and path of each value of a row that the contract does not know.
    """

    columns: dict[str, pa.Array]
    source_row: pa.Array
    violations: list[Violation] = field(default_factory=list)
    line: Callable[[int], bytes] | None = None
    left_out: list[tuple[int, str]] = field(default_factory=list)


def readable(raw: bytes) -> str:
    """The record as text that every database can store: other bytes and control characters are escaped."""
    text = raw.decode("utf-8", errors="backslashreplace")
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    return character if character >= " " or character in "\t\n" else f"\\x{ord(character):02x}"
