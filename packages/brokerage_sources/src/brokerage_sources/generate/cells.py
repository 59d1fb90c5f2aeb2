r"""Text rows as columns of fixed cells: how the generator writes hundreds of MiB a second.

Formatting each value costs far more than computing it. So every value that can occur is rendered once, into a table of
byte strings padded with NUL to one width, and a row is a record of such *cells*: rendering a column is one `take`, and the
rows of a chunk lie one after another in memory. Deleting the NUL bytes of the whole chunk in one pass
(`bytes.translate`) turns cells of fixed width into text of variable width. Optional columns are empty cells, optional
rows are records of empty cells, and an integer is two or three cells of four digits.

    assemble([integers(ids), b"|", take(STATUS, codes), b"\r\n"])

A chunk should stay in the processor's second-level cache: `CHUNK` rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from brokerage_sources.generate.draws import Flags, Integers, Stream

Cell: TypeAlias = npt.NDArray[np.bytes_]
Part: TypeAlias = "Cell | bytes | list[Any]"

CHUNK = 16384
END_OF_ROW = b"\r\n"
_NUL = b"\0"
_TO_UPPER = np.uint8(ord("a") - ord("A"))
_POOL_ROWS = 4096


def chunks(start: int, stop: int, size: int = CHUNK) -> Iterator[Integers]:
    """The numbers start .. stop-1 in consecutive arrays of at most `size`."""
    for first in range(start, stop, size):
        yield np.arange(first, min(first + size, stop))


def table(texts: Iterable[str], suffix: str = "") -> Cell:
    """A lookup table of pre-rendered texts, each followed by `suffix`."""
    return np.array([(text + suffix).encode("ascii") for text in texts], dtype=np.bytes_)


def only(flags: Flags, cell: Cell) -> Cell:
    """The cell where the flag is true, nothing elsewhere."""
    return np.where(flags, cell, b"")


def assemble(parts: Sequence[Part]) -> bytearray:
    """Join columns (cells, constants, or lists of them) into rows and drop the padding."""
    flat, rows, kinds = _layout(parts)
    buffer = bytearray(rows * kinds.itemsize)
    if rows:
        records = np.frombuffer(buffer, dtype=kinds)
        _fill(records, flat)
    return buffer.translate(None, _NUL)


def rows_of(parts: Sequence[Part]) -> list[bytes]:
    """Like `assemble`, but returns each row by itself: for files that mix kinds of rows."""
    text = bytes(assemble([*parts, b"\x01"]))
    return text.split(b"\x01")[:-1]


def joined(parts: Sequence[Part]) -> Cell:
    """Join columns into one cell per row; padding inside is dropped when the row is written."""
    flat, rows, kinds = _layout(parts)
    records = np.empty(rows, dtype=kinds)
    _fill(records, flat)
    return records.view(f"S{kinds.itemsize}")


def _flat(parts: Sequence[Part]) -> list[Cell | bytes]:
    flat: list[Cell | bytes] = []
    for part in parts:
        if isinstance(part, list):
            flat.extend(_flat(part))
        else:
            flat.append(part)
    return flat


def _layout(parts: Sequence[Part]) -> "tuple[list[Cell | bytes], int, np.dtype[np.void]]":
    """The columns, the number of rows and the record type."""
    flat = _flat(parts)
    rows = next(len(part) for part in flat if not isinstance(part, bytes))
    kinds = [("", f"S{len(part)}" if isinstance(part, bytes) else part.dtype) for part in flat]
    return flat, rows, np.dtype(kinds)


def _fill(records: npt.NDArray[np.void], parts: "list[Cell | bytes]") -> None:
    for name, part in zip(records.dtype.names or (), parts, strict=True):
        records[name] = part


# --- numbers -----------------------------------------------------------------------------------


@cache
def _digits(width: int, style: str) -> Cell:
    """Numbers 0 .. 10^width-1. Styles: plain, none (0 is empty), zero (padded), blank, blank-none."""
    limit = 10**width
    if style == "zero":
        return table(f"{number:0{width}d}" for number in range(limit))
    if style.startswith("blank"):
        shown = [f"{number:{width}d}" for number in range(limit)]
        filler = " " * width
    else:
        shown = [str(number) for number in range(limit)]
        filler = ""
    if style.endswith("none"):
        shown[0] = filler
    return table(shown)


@cache
def _after(width: int, style: str) -> Cell:
    """Digits that follow a higher group: entries 0.. if that is zero, entries 10^width.. if it is not."""
    return np.concatenate([_digits(width, style), _digits(width, "zero")])


def integers(values: Integers) -> list[Any]:
    """Non-negative whole numbers, without leading zeros."""
    digits, largest = 4, int(values.max(initial=0))
    while largest >= 10**digits:
        digits += 4
    return _grouped(values, digits, "plain")


def right_aligned(values: Integers, width: int) -> list[Any]:
    """Non-negative whole numbers, padded with blanks to `width`."""
    return _grouped(values, width, "blank")


def zero_padded(values: Integers, width: int) -> list[Any]:
    """Non-negative whole numbers, padded with zeros to `width`."""
    groups = _groups(width)
    cells: list[Any] = []
    rest = values
    for size in reversed(groups):
        rest, group = np.divmod(rest, 10**size)
        cells.insert(0, _digits(size, "zero").take(group))
    return cells


def _groups(width: int) -> list[int]:
    first = width % 4
    return ([first] if first else []) + [4] * (width // 4)


def _grouped(values: Integers, width: int, style: str) -> list[Any]:
    cells: list[Any] = []
    rest = values
    groups = _groups(width)
    for position, size in reversed(list(enumerate(groups))):
        own = (
            style
            if position == len(groups) - 1
            else f"{style}-none"
            if style == "blank"
            else "none"
        )
        if position == 0:
            cells.insert(0, _digits(size, own).take(rest))
            break
        limit = 10**size
        higher = rest // limit
        index = rest - higher * limit
        index += (higher > 0) * limit
        cells.insert(0, _after(size, own).take(index))
        rest = higher
    return cells


_CENTS = table(f".{cents:02d}" for cents in range(100))


def money(cents: Integers) -> list[Any]:
    """Whole cents as units with two decimals."""
    units = cents // 100
    return [*integers(units), _CENTS.take(cents - units * 100)]


def money_right_aligned(cents: Integers, width: int) -> list[Any]:
    """Whole cents with two decimals, padded with blanks to `width`."""
    units = cents // 100
    return [*right_aligned(units, width - 3), _CENTS.take(cents - units * 100)]


# --- dates and times ---------------------------------------------------------------------------

_TWO_DIGITS = table(f"{number:02d}" for number in range(60))


def clock(separator: bytes) -> Cell:
    """Every second of a day: `23:59:59`, with another separator or none."""
    minutes = every_pair(
        np.char.add(_TWO_DIGITS[:24], separator), np.char.add(_TWO_DIGITS, separator)
    )
    return every_pair(minutes, _TWO_DIGITS)


def every_pair(first: Cell, second: Cell) -> Cell:
    """Each text of the first table followed by each text of the second."""
    return np.char.add(first[:, None], second[None, :]).ravel()


SECONDS = clock(b":")
_FIRST_DAY = -60_000  # 1805-09-23, before the earliest date in any file
_LAST_DAY = 60_000


@cache
def _days(compact: bool) -> Cell:
    days = np.arange(_FIRST_DAY, _LAST_DAY).astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    separator: list[Part] = [] if compact else [b"-"]
    return joined([
        zero_padded(years.astype(np.int64) + 1970, 4), separator,
        zero_padded((months - years).astype(np.int64) + 1, 2), separator,
        zero_padded((days - months).astype(np.int64) + 1, 2),
    ])  # fmt: skip


def dates(days: Integers) -> Cell:
    """Days since 1970-01-01 as `2017-07-07`."""
    return _days(False).take(days - _FIRST_DAY)


def compact_dates(days: Integers) -> Cell:
    """Days since 1970-01-01 as `20170707`."""
    return _days(True).take(days - _FIRST_DAY)


def timestamps(seconds: Integers, between: bytes = b" ") -> list[Any]:
    """Seconds since 1970-01-01 as `2017-07-07 23:59:59`."""
    day = seconds // 86_400
    return [dates(day), between, SECONDS.take(seconds - day * 86_400)]


# --- texts -------------------------------------------------------------------------------------


class TextPool:
    """Random texts of any length up to `width`, each one memory copy.

    The pool holds rows of `width` random letters followed by `width` NUL bytes; a text of n letters is the window that
    starts `width - n` letters into a row. Rows repeat after 4096, which no rule looks at.
    """

    def __init__(self, seed: int, name: str, width: int, letters: str = "mixed") -> None:
        self.width = width
        stream = Stream(seed, f"text.{name}")
        drawn = stream.bits(np.arange(_POOL_ROWS * width))
        letter = (drawn >> np.uint64(33)).astype(np.uint32)
        letter -= letter // np.uint32(26) * np.uint32(26)  # several times faster than %
        text = letter.astype(np.uint8) + np.uint8(ord("A" if letters == "upper" else "a"))
        if letters in ("mixed", "blank"):
            text -= (drawn.astype(np.uint8) & np.uint8(1)) * _TO_UPPER
        if letters == "blank":
            text[(drawn >> np.uint64(8)).astype(np.uint8) % np.uint8(32) == 0] = ord(" ")
        pool = np.zeros((_POOL_ROWS, 2 * width), dtype=np.uint8)
        pool[:, :width] = text.reshape(_POOL_ROWS, width)
        self._windows: Cell = np.ndarray(
            _POOL_ROWS * 2 * width - width, dtype=f"S{width}", buffer=pool, strides=(1,)
        )

    def texts(self, draws: npt.NDArray[np.uint64], shortest: int, longest: int) -> Cell:
        """One text per 64-bit draw, of shortest .. longest letters."""
        length = (draws >> np.uint64(32)) % np.uint64(longest - shortest + 1) + np.uint64(shortest)
        start = (draws % np.uint64(_POOL_ROWS)) * np.uint64(2 * self.width) + np.uint64(self.width)
        return self._windows[(start - length).astype(np.int64)]


@cache
def text_pool(seed: int, name: str, width: int, letters: str = "mixed") -> TextPool:
    """The pool of one column, built once per process."""
    return TextPool(seed, name, width, letters)


def padded(cell: Cell, width: int) -> Cell:
    """Texts padded with blanks to `width`, for fixed-width files."""
    return np.char.ljust(cell, width).astype(f"S{width}")
