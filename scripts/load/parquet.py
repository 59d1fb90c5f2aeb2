"""Read Parquet: one record per row; the contract says where in it each value is.

The type of a column must be one that can hold the values of the declared type, or text; otherwise the file is refused as a whole, because it
says of itself that it is another one. The values then land by the same rules as text of any other format: what does not fit is quarantined, with the number
of its row and the row as JSON. Columns that the contract does not know are left out and reported; a column that is not there is NULL.
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileOpener

from scripts.load.contracts import Column, Feed, PathNode, path_tree
from scripts.load.lines import CONTROL
from scripts.load.rows import FileError, Progress, Rows, Violation
from scripts.load.text import cast_rows

# What a value may need in memory as text.
_BYTES_PER_VALUE = 16
_MOST_ROWS = 1 << 17
_UNSTORABLE = "{} holds a character that no text may hold"

_Is = Callable[[pa.DataType], bool]
# Which types of a file hold values of a declared type as they are. Text holds those of any type.
_HOLDING: tuple[tuple[_Is, tuple[_Is, ...]], ...] = (
    (pa.types.is_integer, (pa.types.is_integer,)),
    (pa.types.is_decimal, (pa.types.is_decimal, pa.types.is_integer)),
    (pa.types.is_boolean, (pa.types.is_boolean,)),
    (pa.types.is_date, (pa.types.is_date,)),
    (pa.types.is_time, (pa.types.is_time,)),
    (pa.types.is_timestamp, (pa.types.is_timestamp,)),
)


def read_parquet(
    stream: IO[bytes], feed: Feed, batch: int, block_bytes: int, progress: Progress
) -> Iterator[Rows]:
    """Yield the rows of a Parquet file, piece by piece, in file order.

    Raises:
        FileError: it is no Parquet file, is damaged, or a column has another type than the contract says.
    """
    with _steppable(stream) as file:
        try:
            yield from _pieces(file, feed, batch, block_bytes, progress)
        except (pa.ArrowException, OSError) as error:
            raise FileError(
                f"not a Parquet file that can be read: {_first_line(error)}; deliver the file again"
            ) from error


@contextmanager
def _steppable(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """The stream itself, or its content as a temporary file: what decompresses begins anew for each step back."""
    if isinstance(stream, LocalFileOpener) or not hasattr(stream, "peek"):
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy)
        yield copy


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _pieces(
    stream: IO[bytes], feed: Feed, batch: int, block_bytes: int, progress: Progress
) -> Iterator[Rows]:
    size = stream.seek(0, 2)
    stream.seek(0)
    file = pq.ParquetFile(stream, pre_buffer=False)
    schema = file.schema_arrow
    layout = feed.layout(batch)
    # Columns of other batches are known, too.
    unknown = list(_unknown(list(schema), path_tree(feed.columns), ""))
    for column in layout:
        _require_type(schema, column)
    most = max(1, min(_MOST_ROWS, block_bytes // (_BYTES_PER_VALUE * len(layout))))
    first = 1
    for piece in file.iter_batches(batch_size=most):
        yield _typed(piece, layout, first, unknown if first == 1 else [])
        first += len(piece)
        progress(size * len(piece) // file.metadata.num_rows)


def _unknown(fields: list[pa.Field], node: PathNode, path: str) -> Iterator[str]:
    """Paths of the columns that the contract does not know.

    Raises:
        FileError: two columns have the same name.
    """
    for name, count in Counter(field.name for field in fields).items():
        if count > 1:
            raise FileError(f"column {path}{name} occurs {count} times; deliver it once")
    for field in fields:
        child = node.children.get(field.name)
        if child is None:
            yield f"{path}{field.name}"
        elif child.column is None and pa.types.is_struct(field.type):
            yield from _unknown(list(field.type), child, f"{path}{field.name}/")


def _require_type(schema: pa.Schema, column: Column) -> None:
    """Refuse a file of which a column cannot hold values of the declared type."""
    fields, path = list(schema), ""
    parts = column.place.split("/")
    for depth, part in enumerate(parts, start=1):
        found = next((field.type for field in fields if field.name == part), None)
        if found is None:
            return
        path = f"{path}/{part}" if path else part
        if depth < len(parts):
            if not pa.types.is_struct(found):
                raise FileError(f"column {path} is {found}, the contract expects columns inside it")
            fields = list(found)
        elif not _can_hold(found, column.type):
            raise FileError(
                f"column {path} is {found}, the contract says {column.data_type}; deliver it in this type or as text,"
                " or correct the contract"
            )


def _can_hold(found: pa.DataType, declared: pa.DataType) -> bool:
    """Whether a column of the file can have the values of a declared type, without rounding."""
    inner = found.value_type if pa.types.is_dictionary(found) else found
    if _is_text(inner) or pa.types.is_null(inner):
        return True
    return any(
        is_declared(declared) and any(is_held(inner) for is_held in held)
        for is_declared, held in _HOLDING
    )


def _is_text(type_: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(type_) for is_kind in kinds)


def _typed(
    piece: pa.RecordBatch, layout: tuple[Column, ...], first: int, unknown: list[str]
) -> Rows:
    unstorable: dict[int, str] = {}
    text = {column.name: _text(piece, column, unstorable) for column in layout}
    typed, reasons = cast_rows(text, layout)
    # What is wrong with a character is said once, and not also that its value is missing.
    reasons |= unstorable
    keep = np.ones(len(piece), dtype=bool)
    keep[list(reasons)] = False
    mask = pa.array(keep)
    numbers = np.arange(first, first + len(piece), dtype=np.int64)
    return Rows(
        {name: column.filter(mask) for name, column in typed.items()},
        pa.array(numbers[keep]),
        [Violation(first + row, reasons[row], _raw(piece, row)) for row in sorted(reasons)],
        lambda number: _raw(piece, number - first),
        [(first, path) for path in unknown],
    )


def _text(piece: pa.RecordBatch, column: Column, unstorable: dict[int, str]) -> pa.Array:
    """The values of a column as another format would have them; empty text is NULL.

    What no text may hold becomes NULL, and the index of its row is noted.
    """
    text = _as_text(_values(piece, column), column)
    for index in _wrong_characters(text):
        unstorable.setdefault(index, _UNSTORABLE.format(column.name))
    if unstorable:
        sound = np.ones(len(text), dtype=bool)
        sound[list(unstorable)] = False
        text = pc.if_else(pa.array(sound), text.cast(pa.binary()), None).cast(pa.string())
    return pc.if_else(pc.equal(pc.binary_length(text), 0), None, text)


def _values(piece: pa.RecordBatch, column: Column) -> pa.Array:
    """The values of a column as they are in the file; NULL where it is not there."""
    found: Any = piece.to_struct_array()
    for part in column.place.split("/"):
        if found.type.get_field_index(part) < 0:
            return pa.nulls(len(piece), pa.string())
        found = pc.struct_field(found, part)
    return found


def _as_text(values: pa.Array, column: Column) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    type_ = values.type
    if _is_text(type_):
        # By its bytes: whether they are text is looked at afterwards.
        return values.cast(pa.binary()).view(pa.string()) if type_ != pa.string() else values
    if pa.types.is_timestamp(type_):
        # An instant, if it has a time zone: all times of the warehouse are UTC.
        values = _microseconds(values.cast(pa.timestamp(type_.unit)), pa.timestamp("us"))
    elif pa.types.is_time(type_):
        values = _microseconds(values, pa.time64("us"))
    elif pa.types.is_date(type_):
        values = values.cast(pa.date32())
    if column.format and not pa.types.is_null(type_):
        return pc.strftime(values, column.format)
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def _microseconds(values: pa.Array, type_: pa.DataType) -> pa.Array:
    """The values with the precision of the warehouse; if some are more precise, as text, so that these do not land."""
    cut = values.cast(type_, safe=False)
    is_exact = pc.equal(cut.cast(values.type, safe=False), values)
    if pc.all(is_exact).as_py() is not False:
        return cut
    return pc.if_else(is_exact, cut.cast(pa.string()), values.cast(pa.string()))


def _wrong_characters(text: pa.Array) -> list[int]:
    """The indexes of texts with control characters, or of bytes that are not UTF-8: no database stores them."""
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return [
            index
            for index, value in enumerate(text.cast(pa.binary()).to_pylist())
            if value is not None and not _is_storable(value)
        ]
    found = pc.match_substring_regex(text, CONTROL.pattern.decode())
    if not pc.any(found).as_py():
        return []
    return np.flatnonzero(pc.fill_null(found, False).to_numpy(zero_copy_only=False)).tolist()


def _is_storable(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return CONTROL.search(value) is None


def _raw(piece: pa.RecordBatch, row: int) -> bytes:
    """A row as JSON."""
    (found,) = _readable(piece.slice(row, 1)).to_pylist()
    return json.dumps(found, default=str, ensure_ascii=False).encode(errors="surrogatepass")


def _readable(piece: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows; text that is not UTF-8 as bytes."""
    try:
        piece.validate(full=True)
    except pa.ArrowInvalid:
        fields = [
            pa.field(field.name, pa.binary()) if _is_text(field.type) else field
            for field in piece.schema
        ]
        return piece.cast(pa.schema(fields))
    return piece
