"""Write rows of a system as a file that the contract of their feed describes.

A row is what the system says: a map from names to values as JSON has them, or bytes that are no record at all. Nothing is judged here: the
loader does that, by the contract. So whatever the format cannot hold becomes a line that the loader quarantines: it begins with, or has
in place of a line break, the control character U+001A (substitute), which no line of text may hold.

Usage:
    with row_writer(feed, batch, path) as write:
        write({"t_id": Number("17"), "t_is_cash": True})
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.load.contracts import Column, Feed

SUBSTITUTE = "\x1a"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_LINE_BREAKS = re.compile(r"[\r\n]")
# Halves of characters, which JSON can escape, and bytes that are no text: UTF-8 has neither.
_NO_TEXT = re.compile("[\ud800-\udfff]")
# Rows of a Parquet file that are kept in memory.
_ROWS_AT_ONCE = 20_000


class Number(str):
    """The digits of a number as the system has written them."""

    __slots__ = ()


# A record, or what was sent in place of one.
Row = dict[str, Any] | bytes
Write = Callable[[Row], None]


def parse_json(text: str | bytes) -> Any:
    """JSON with its numbers digit by digit; NaN and Infinity, which some programs write, are numbers as they stand there.

    Raises:
        ValueError: it is none, or nested too deep.
    """
    try:
        return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def json_text(value: Any) -> str:
    """A value as JSON in one line, numbers digit by digit; what is nested too deep is no JSON afterwards."""
    try:
        return _json_text(value)
    except RecursionError:
        return f"{SUBSTITUTE}nested too deep"


def _json_text(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        inner = (f"{json.dumps(key)}: {_json_text(item)}" for key, item in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json_text, value)) + "]"
    return json.dumps(value)


def value_at(row: dict[str, Any], place: str) -> Any:
    """The value at a path; None if it is not there."""
    found: Any = row
    for part in place.split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found


@contextmanager
def row_writer(feed: Feed, batch: int, path: Path) -> Iterator[Write]:
    """Yields a function that writes a row; the file is complete when the block ends."""
    layout = feed.layout(batch)
    if feed.format == "parquet":
        with _parquet_writer(layout, path) as write:
            yield write
        return
    with path.open("w", encoding="utf-8", newline="", buffering=1 << 20) as stream:
        yield (
            _json_lines_writer(stream)
            if feed.format == "json_lines"
            else _delimited_writer(feed, layout, stream)
        )


def _json_lines_writer(stream: IO[str]) -> Write:
    def write(row: Row) -> None:
        line = _one_line(row) if isinstance(row, bytes) else json_text(row)
        stream.write(f"{line}\n")

    return write


def _delimited_writer(feed: Feed, layout: tuple[Column, ...], stream: IO[str]) -> Write:
    for _ in range(feed.header_lines):
        stream.write((feed.delimiter or "").join(column.name for column in layout) + "\n")
    places = [column.place for column in layout]
    join = _joined(feed)

    def write(row: Row) -> None:
        if isinstance(row, bytes):
            stream.write(f"{SUBSTITUTE}{_one_line(row)}\n")
        else:
            stream.write(join([_field(value_at(row, place)) for place in places]) + "\n")

    return write


def _joined(feed: Feed) -> Callable[[list[str]], str]:
    delimiter = feed.delimiter or ""
    if feed.quote is None:
        return delimiter.join
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quotechar=feed.quote, lineterminator="")

    def join(values: list[str]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(values)
        return buffer.getvalue()

    return join


def _field(value: Any) -> str:
    """A value as text between two delimiters."""
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return f"{SUBSTITUTE}{json_text(value)}"
    return _LINE_BREAKS.sub(SUBSTITUTE, _NO_TEXT.sub(SUBSTITUTE, value))


def _one_line(record: bytes) -> str:
    return _LINE_BREAKS.sub(SUBSTITUTE, record.decode(errors="backslashreplace"))


@contextmanager
def _parquet_writer(layout: tuple[Column, ...], path: Path) -> Iterator[Write]:
    """Everything as text, which the loader reads as values of the declared types."""
    schema = _schema(layout)
    with pq.ParquetWriter(path, schema) as file:
        rows: list[dict[str, Any]] = []

        def flush() -> None:
            file.write_table(pa.Table.from_pylist(rows, schema))
            rows.clear()

        def write(row: Row) -> None:
            rows.append(_nested(layout, lambda column: _parquet_text(row, column)))
            if len(rows) >= _ROWS_AT_ONCE:
                flush()

        yield write
        flush()


def _parquet_text(row: Row, column: Column) -> str | None:
    if isinstance(row, bytes):
        return f"{SUBSTITUTE}{row.decode(errors='backslashreplace')}"
    value = value_at(row, column.place)
    if isinstance(value, str):
        return _NO_TEXT.sub(SUBSTITUTE, value)
    return None if value is None else _field(value)


def _nested(layout: tuple[Column, ...], value_of: Callable[[Column], Any]) -> dict[str, Any]:
    """Values at the paths of their columns."""
    row: dict[str, Any] = {}
    for column in layout:
        *outer, last = column.place.split("/")
        node = row
        for part in outer:
            node = node.setdefault(part, {})
        node[last] = value_of(column)
    return row


def _schema(layout: tuple[Column, ...]) -> pa.Schema:
    def type_of(node: Any) -> pa.DataType:
        if isinstance(node, dict):
            return pa.struct({name: type_of(child) for name, child in node.items()})
        return pa.string()

    tree = _nested(layout, lambda _: None)
    return pa.schema({name: type_of(child) for name, child in tree.items()})


def typed_text(text: str | None, column: Column) -> Any:
    """The text of a database as the JSON value that a column of this type has; as text if it is none."""
    if text is None or pa.types.is_string(column.type):
        return text
    if pa.types.is_boolean(column.type):
        return {"t": True, "f": False}.get(text, text)
    if pa.types.is_integer(column.type) or pa.types.is_decimal(column.type):
        return Number(text) if _NUMBER.fullmatch(text) else text
    if pa.types.is_timestamp(column.type):
        # An instant, in UTC: sessions of ours ask for it.
        return text.removesuffix("+00")
    return text


def delimited_line(values: list[str | None], delimiter: str) -> bytes:
    """The values as a line of a delimited file without quotes."""
    return (delimiter.join(map(_field, values)) + "\n").encode()
