"""Read delimited text: one record per line, a separator of one character, with or without quotes."""

import re
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from scripts.load.contracts import Column, Feed
from scripts.load.lines import Integers, Lines, read_lines
from scripts.load.rows import Progress, Rows, Violation
from scripts.load.text import cast_rows

_UNTERMINATED = (
    "the last line has no line end, so the file may be cut off here;"
    " if it is complete, end it with a line feed"
)


def read_delimited(
    stream: IO[bytes], feed: Feed, batch: int, block_bytes: int, progress: Progress
) -> Iterator[Rows]:
    """Yield the rows of a delimited file, block by block, in file order.

    Raises:
        FileError: the file is not text.
    """
    layout = feed.layout(batch)
    for lines in read_lines(stream, block_bytes, feed.header_lines, progress):
        yield _typed(_well_quoted(lines, feed) if feed.quote else lines, feed, layout)


def _typed(lines: Lines, feed: Feed, layout: tuple[Column, ...]) -> Rows:
    violations = list(lines.violations)
    text, kept = _split(lines, feed, layout, violations)
    typed, reasons = cast_rows(text, layout)
    if lines.unterminated and _may_be_cut(lines, kept, typed[layout[-1].name]):
        reasons.setdefault(len(kept) - 1, _UNTERMINATED)
    violations += [lines.violation(int(kept[row]), reason) for row, reason in reasons.items()]
    numbers = pa.array(lines.numbers[kept])
    if reasons:
        keep = np.ones(len(kept), dtype=bool)
        keep[list(reasons)] = False
        mask = pa.array(keep)
        typed = {name: column.filter(mask) for name, column in typed.items()}
        numbers = numbers.filter(mask)
    return Rows(
        typed, numbers, sorted(violations, key=lambda violation: violation.line), lines.numbered
    )


def _split(
    lines: Lines, feed: Feed, layout: tuple[Column, ...], violations: list[Violation]
) -> tuple[dict[str, pa.Array], Integers]:
    """Text columns, and the indexes of the lines they come from; the others become violations."""
    names = [column.name for column in layout]
    wrong: list[int] = []

    def set_aside(row: pa_csv.InvalidRow) -> str:
        wrong.append(row.number - 1)
        return "skip"

    if not len(lines.numbers):
        return {name: pa.array([], pa.string()) for name in names}, np.array([], dtype=np.int64)
    table = pa_csv.read_csv(
        pa.BufferReader(lines.data),
        read_options=pa_csv.ReadOptions(
            column_names=names, use_threads=False, block_size=len(lines.data) + 1
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=feed.delimiter,
            quote_char=feed.quote or False,
            double_quote=bool(feed.quote),
            escape_char=False,
            newlines_in_values=False,
            ignore_empty_lines=False,
            invalid_row_handler=set_aside,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            # The lines have been checked to be UTF-8.
            check_utf8=False,
        ),
    )
    violations += [
        lines.violation(index, _field_count(lines.line(index), feed, names)) for index in wrong
    ]
    kept = np.delete(np.arange(len(lines.numbers)), wrong)
    return {name: table[name].combine_chunks() for name in names}, kept


def _field_count(line: bytes, feed: Feed, names: list[str]) -> str:
    if feed.quote:
        quote = re.escape(feed.quote.encode())
        line = re.sub(quote + b"[^" + quote + b"]*" + quote, b"", line)
    found = line.count((feed.delimiter or "").encode()) + 1
    return f"the line has {found} fields separated by {feed.delimiter!r}, {len(names)} expected"


def _may_be_cut(lines: Lines, kept: Integers, last_column: pa.Array) -> bool:
    """Whether an unterminated last line may have lost characters: a date that casts is complete."""
    if not len(kept) or kept[-1] != len(lines.numbers) - 1:
        return False
    return not (pa.types.is_temporal(last_column.type) and last_column[-1].is_valid)


def _well_quoted(lines: Lines, feed: Feed) -> Lines:
    """Quarantine lines whose quotes do not pair up: the parser would guess their fields."""
    quote, delimiter = re.escape(feed.quote or ""), re.escape(feed.delimiter or "")
    value = f"(?:{quote}(?:[^{quote}]|{quote}{quote})*{quote}|[^{quote}{delimiter}]*)"
    pattern = re.compile(f"{value}(?:{delimiter}{value})*".encode())
    return lines.without(
        {
            index: f"the quotes ({feed.quote}) of the line do not pair up"
            for index in lines.holding(feed.quote or "")
            if not pattern.fullmatch(lines.line(index))
        }
    )
