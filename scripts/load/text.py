"""Typed columns out of text columns, and the rows that do not fit.

Every format ends here: its reader yields rows as text, `cast_rows` gives them the types of the
contract. A value either casts as a whole or its row is a violation; nothing is rounded, cut or guessed.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scripts.load.contracts import Column

# Width of the strptime directives that a `format` may use; the separator before each in an ISO 8601
# text, in their order.
_DIRECTIVE_WIDTH = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_ISO_SEPARATORS = {"Y": b"", "m": b"-", "d": b"-", "H": b" ", "M": b":", "S": b":"}
_ISO_TIMESTAMP_LENGTH = len("2017-07-07 00:00:00")
# There was no year 0, and databases disagree on its meaning.
_FIRST_DAY = pa.scalar("0001-01-01").cast(pa.date32())
# The characters of a number of any type.
_NUMBER_CHARACTERS = b"0123456789.-"
_WHOLE_NUMBER = re.compile(r"-?\d+")
_SHOWN_LENGTH = 60


def cast_rows(
    rows: dict[str, pa.Array], columns: tuple[Column, ...]
) -> tuple[dict[str, pa.Array], dict[int, str]]:
    """Give text columns their declared types.

    Args:
        rows: one text array of equal length for each column; empty text must already be NULL.
        columns: the contract, in any order.

    Returns:
        The typed arrays (NULL where a value does not cast), and by its index why a row violates the contract.
    """
    typed = {}
    reasons: dict[int, list[str]] = defaultdict(list)
    for column in columns:
        text = rows[column.name]
        typed[column.name], violations = _cast_column(text, column)
        for index in violations:
            reasons[index].append(_reason(text[index].as_py(), column))
    return typed, {index: "; ".join(reasons[index]) for index in sorted(reasons)}


def _cast_column(text: pa.Array, column: Column) -> tuple[pa.Array, list[int]]:
    if column.max_length is not None:
        typed, violations = text, _too_long(text, column.max_length)
    else:
        violations = list(_uncastable(text, column))
        if violations:
            keep = np.ones(len(text), dtype=bool)
            keep[violations] = False
            text = pc.if_else(pa.array(keep), text, None)
        typed = _cast(text, column)
    if column.required and typed.null_count:
        missing = np.flatnonzero(text.is_null().to_numpy(zero_copy_only=False))
        violations = sorted({*violations, *missing.tolist()})
    return typed, violations


def _too_long(text: pa.Array, max_length: int) -> list[int]:
    # Bytes are never fewer than characters, so in the usual case this is one look at the offsets.
    if (pc.max(pc.binary_length(text)).as_py() or 0) <= max_length:
        return []
    return np.flatnonzero(
        pc.fill_null(pc.greater(pc.utf8_length(text), max_length), False).to_numpy(False)
    ).tolist()


def _uncastable(text: pa.Array, column: Column, offset: int = 0) -> Iterator[int]:
    """Indexes of values that do not cast, found by halving; costs nothing if there are none."""
    try:
        _cast(text, column)
    except pa.ArrowInvalid:
        if len(text) == 1:
            yield offset
            return
        half = len(text) // 2
        yield from _uncastable(text.slice(0, half), column, offset)
        yield from _uncastable(text.slice(half), column, offset + half)


def _cast(text: pa.Array, column: Column) -> pa.Array:
    type_ = column.type
    if text.null_count == len(text):
        return pa.nulls(len(text), type_)
    if column.format:
        text = _iso_text(text, column.format)
    if pa.types.is_integer(type_) or pa.types.is_decimal(type_):
        _require_plain_number(text.drop_null())
    elif pa.types.is_timestamp(type_):
        _require_length(text, _ISO_TIMESTAMP_LENGTH)
    elif pa.types.is_time(type_):
        _require_length(text, len("00:00:00"))
        text = pc.binary_join_element_wise("1970-01-01", text, " ")
        return text.cast(pa.timestamp("us")).cast(type_)
    typed = text.cast(type_)
    if column.minimum is not None and pc.less(pc.min(typed), column.minimum).as_py():
        raise pa.ArrowInvalid("too small")
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        _refuse_year_zero(typed)
    return typed


def _characters(text: pa.Array) -> bytes:
    """All characters of a text array (or of a slice of one), one value after the other."""
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int32)[text.offset : text.offset + len(text) + 1]
    return bytes(memoryview(data)[ends[0] : ends[-1]])


def _require_plain_number(text: pa.Array) -> None:
    """Arrow reads "0x1F" as 31, "1.2E+03" as 1200 and "+7" as 7; in a source file they are mistakes."""
    if _characters(text).translate(None, delete=_NUMBER_CHARACTERS):
        raise pa.ArrowInvalid("not digits with a point and a minus sign")


def _refuse_year_zero(typed: pa.Array) -> None:
    if pc.less(pc.min(typed), _FIRST_DAY.cast(typed.type)).as_py():
        raise pa.ArrowInvalid("year 0")


def _require_length(text: pa.Array, length: int) -> None:
    """Arrow reads "2017-07-07" and "2017-07-07 10:11" as timestamps; here they are incomplete values."""
    shortest = pc.min(pc.binary_length(text)).as_py()
    if shortest is not None and shortest < length:
        raise pa.ArrowInvalid("incomplete value")


def _iso_text(text: pa.Array, format_: str) -> pa.Array:
    """Rewrite a date or timestamp of fixed width, such as %Y%m%d, to ISO 8601.

    Arrow's strptime could do it, but it accepts 30 February.
    """
    directives = re.findall(r"%(.)|([^%])", format_)
    width = sum(_DIRECTIVE_WIDTH.get(directive, 1) for directive, _ in directives)
    lengths = pc.min_max(pc.binary_length(text)).as_py()
    if lengths != {"min": width, "max": width}:
        raise pa.ArrowInvalid("wrong length")
    given = text.drop_null()
    codes = np.frombuffer(_characters(given), np.uint8).reshape(len(given), width)
    pieces: dict[str, npt.NDArray[np.uint8]] = {}
    position = 0
    for directive, literal in directives:
        piece = codes[:, position : position + _DIRECTIVE_WIDTH.get(directive, 1)]
        position += piece.shape[1]
        if directive:
            pieces[directive] = piece
        elif not np.all(piece == ord(literal)):
            raise pa.ArrowInvalid("wrong separator")
    parts = []
    for directive, separator in _ISO_SEPARATORS.items():
        if directive in pieces:
            codes = np.frombuffer(separator, np.uint8)
            parts += [np.broadcast_to(codes, (len(given), len(separator))), pieces[directive]]
    iso = fixed_width_text(np.concatenate(parts, axis=1))
    if not text.null_count:
        return iso
    places = np.cumsum(text.is_valid().to_numpy(zero_copy_only=False)) - 1
    return iso.take(pa.array(places, mask=text.is_null().to_numpy(zero_copy_only=False)))


def fixed_width_text(codes: npt.NDArray[np.uint8], is_text: bool = True) -> pa.Array:
    """Text of a matrix of ASCII codes, one value per row, without padding; all blanks are NULL.

    Text is left-aligned, so blanks before it belong to it; other values may be aligned to either side.
    """
    values = np.ascontiguousarray(codes).view(f"S{codes.shape[1]}").ravel()
    values = np.strings.rstrip(values, b" ") if is_text else np.strings.strip(values, b" ")
    return pa.array(values, mask=values == b"").cast(pa.string())


def _reason(value: str | None, column: Column) -> str:
    if value is None:
        return f"{column.name} is empty but required"
    shown = value if len(value) <= _SHOWN_LENGTH else value[:_SHOWN_LENGTH] + "..."
    if column.max_length is not None:
        found = f"{column.name} has {len(value)} characters"
        return f"{found}, at most {column.max_length} fit: {shown!r}"
    if (
        column.minimum is not None
        and _WHOLE_NUMBER.fullmatch(value)
        and int(value) < column.minimum
    ):
        return f"{column.name} is {shown}, at least {column.minimum} is allowed"
    pattern = f" in the format {column.format}" if column.format else ""
    return f"{column.name} is not a {column.data_type}{pattern}: {shown!r}"
