"""Read fixed-width text: one record per line, each field at its positions, several record types in one file.

Positions count bytes. A column has a value only in the record types that declare it. Text is left-aligned:
blanks after it are padding and are trimmed, blanks before it belong to it. Around numbers and dates, all
blanks are padding. A blank field is NULL.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scripts.load.contracts import Column, Feed
from scripts.load.lines import Integers, Lines, read_lines
from scripts.load.rows import Progress, Rows, Violation
from scripts.load.text import cast_rows, fixed_width_text

Bytes = npt.NDArray[np.uint8]


def read_fixed_width(
    stream: IO[bytes], feed: Feed, batch: int, block_bytes: int, progress: Progress
) -> Iterator[Rows]:
    """Yield the rows of a fixed-width file, block by block; inside a block one record type after the other.

    Raises:
        FileError: the file is not text.
    """
    layouts = _layouts(feed, feed.layout(batch))
    for lines in read_lines(stream, block_bytes, feed.header_lines, progress):
        yield _typed(_ascii_only(lines), feed, layouts)


def _ascii_only(lines: Lines) -> Lines:
    """Quarantine lines in which a character takes more than one byte: it shifts the fields after it."""
    if lines.data.isascii():
        return lines
    return lines.without(
        {
            index: "a character that is not ASCII shifts the positions of the fields"
            for index in range(len(lines.numbers))
            if not lines.line(index).isascii()
        }
    )


def _layouts(feed: Feed, columns: tuple[Column, ...]) -> dict[str, "_Layout"]:
    """The layout of each record type; one, under "", if the feed has no record types."""
    record_types = [""]
    if feed.record_type:
        record_types = sorted({name for column in columns for name in column.positions} - {""})
    return {name: _Layout(name, columns) for name in record_types}


class _Layout:
    """The positions of the columns of one record type."""

    def __init__(self, record_type: str, columns: tuple[Column, ...]) -> None:
        self.record_type = record_type
        self.columns = tuple(column for column in columns if column.position(record_type))
        last = max(self.columns, key=self.position)
        first, self.width = self.position(last)
        self.short_width = first - 1 + last.short_width if last.short_width else self.width

    def position(self, column: Column) -> tuple[int, int]:
        """First and last position of one of the columns."""
        position = column.position(self.record_type)
        assert position is not None
        return position

    def problem(self, length: int, is_unterminated: bool) -> str | None:
        """Why a line of this length does not fit this layout, or None."""
        name = f"{self.record_type} line".lstrip()
        if length not in (self.short_width, self.width):
            expected = " or ".join(map(str, sorted({self.short_width, self.width})))
            return f"the {name} has {length} characters, {expected} expected"
        if is_unterminated and length < self.width:
            return f"the {name} is the last one and has no line end: it may be cut off"
        return None


def _typed(lines: Lines, feed: Feed, layouts: dict[str, _Layout]) -> Rows:
    starts, lengths = _extents(lines)
    record_types = _record_types(lines, feed, starts, lengths)
    problems: dict[int, str] = {}
    groups: list[Rows] = []
    for record_type in np.unique(record_types):
        rows = np.flatnonzero(record_types == record_type)
        layout = layouts.get(record_type.decode("utf-8", errors="replace"))
        if layout is None:
            problems |= dict.fromkeys(rows.tolist(), _unknown_type(record_type, layouts))
            continue
        misfits = _misfits(lines, layout, rows, lengths)
        problems |= misfits
        rows = np.setdiff1d(rows, list(misfits))
        groups.append(_group_rows(lines, layout, rows, starts, lengths))
    violations = [lines.violation(row, problem) for row, problem in problems.items()]
    return replace(_in_file_order(groups, feed, lines.violations + violations), line=lines.numbered)


def _misfits(lines: Lines, layout: _Layout, rows: Integers, lengths: Integers) -> dict[int, str]:
    """Lines of a record type whose length does not fit its layout, and why."""
    last = len(lengths) - 1 if lines.unterminated else -1
    usual = np.isin(lengths[rows], [layout.width, layout.short_width]) & (rows != last)
    return {
        row: problem
        for row in rows[~usual].tolist()
        if (problem := layout.problem(int(lengths[row]), row == last))
    }


def _extents(lines: Lines) -> tuple[Integers, Integers]:
    """Start and length of each line, its line end not included."""
    codes = np.frombuffer(lines.data, dtype=np.uint8)
    return lines.starts, lines.ends - lines.starts - (codes[lines.ends - 1] == 13)


def _record_types(
    lines: Lines, feed: Feed, starts: Integers, lengths: Integers
) -> npt.NDArray[np.bytes_]:
    if feed.record_type is None:
        return np.full(len(starts), b"", dtype="S1")
    first, last = feed.record_type
    types = np.ascontiguousarray(_records(lines, starts, lengths, last)[:, first - 1 :])
    return types.view(f"S{last - first + 1}").ravel()


def _records(lines: Lines, starts: Integers, lengths: Integers, width: int) -> Bytes:
    """The lines as a matrix of bytes, (lines, width), filled up with blanks."""
    padded = np.frombuffer(lines.data + b" " * width, dtype=np.uint8)
    records = np.lib.stride_tricks.sliding_window_view(padded, width)[starts]
    if len(lengths) and lengths.min() < width:
        records[np.arange(width) >= lengths[:, None]] = ord(" ")
    return records


def _fields(records: Bytes, position: tuple[int, int]) -> Bytes:
    first, last = position
    return records[:, first - 1 : last]


def _group_rows(
    lines: Lines, layout: _Layout, rows: Integers, starts: Integers, lengths: Integers
) -> Rows:
    """Cast the lines of one record type."""
    records = _records(lines, starts[rows], lengths[rows], layout.width)
    text = {
        column.name: fixed_width_text(
            _fields(records, layout.position(column)), is_text=column.max_length is not None
        )
        for column in layout.columns
    }
    typed, reasons = cast_rows(text, layout.columns)
    keep = np.ones(len(rows), dtype=bool)
    keep[list(reasons)] = False
    mask = pa.array(keep)
    return Rows(
        {name: column.filter(mask) for name, column in typed.items()},
        pa.array(lines.numbers[rows[keep]]),
        [lines.violation(int(rows[row]), reason) for row, reason in reasons.items()],
    )


def _in_file_order(groups: list[Rows], feed: Feed, violations: list[Violation]) -> Rows:
    """Put the rows of all record types together; columns that a type does not have are NULL."""
    source_row = pa.concat_arrays([pa.array([], pa.int64()), *(rows.source_row for rows in groups)])
    order = pc.array_sort_indices(source_row)
    columns = {
        column.name: pa.concat_arrays(
            [
                rows.columns.get(column.name, pa.nulls(len(rows.source_row), column.type))
                for rows in groups
            ]
        ).take(order)
        for column in feed.columns
        if groups
    }
    violations += [violation for rows in groups for violation in rows.violations]
    return Rows(
        columns, source_row.take(order), sorted(violations, key=lambda violation: violation.line)
    )


def _unknown_type(record_type: bytes, layouts: dict[str, _Layout]) -> str:
    shown = record_type.decode("utf-8", errors="backslashreplace")
    return f"unknown record type {shown!r}, {', '.join(layouts)} expected"
