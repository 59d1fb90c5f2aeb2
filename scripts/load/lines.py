"""Cut a text file into blocks of whole lines, and quarantine lines that are not text.

A block is checked as one piece with byte searches that run at memory speed; only if one of them
finds something, its lines are checked one by one. Memory is bounded by the block size, or by the
longest line where that is longer.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO

import numpy as np
import numpy.typing as npt

from scripts.load.rows import FileError, Progress, Violation

# A longer line is not a record of any feed; it is quarantined.
LONGEST_LINE = 1 << 20
# A file without a line end for this many bytes is not a text file: reading on would only fill the memory.
LONGEST_READ = 256 << 20

Integers = npt.NDArray[np.int64]

# Control characters, except tab and the ends of lines.
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of a file that are clean text.

    Attributes:
        data: the lines, each ended by a line feed, with or without a carriage return before it.
        ends: int64 array, the positions of the line feeds in `data`.
        numbers: int64 array, the line number of each line in the file, counted from 1.
        violations: lines of the same block that do not land.
        unterminated: the last line is the last of the file and had no line end.
    """

    data: bytes
    ends: Integers
    numbers: Integers
    violations: list[Violation]
    unterminated: bool = False

    @cached_property
    def starts(self) -> Integers:
        """Positions of the first characters of the lines in `data`."""
        return np.concatenate([np.zeros(1, np.int64), self.ends[:-1] + 1])[: len(self.ends)]

    def line(self, index: int) -> bytes:
        """One line without its end."""
        return self.data[self.starts[index] : self.ends[index]].removesuffix(b"\r")

    def numbered(self, number: int) -> bytes:
        """The line with this number in the file, without its end."""
        return self.line(int(np.searchsorted(self.numbers, number)))

    def violation(self, index: int, reason: str) -> Violation:
        """The line as a violation."""
        return Violation(int(self.numbers[index]), reason, self.line(index))

    def holding(self, character: str) -> list[int]:
        """Indexes of the lines that hold an (ASCII) character."""
        codes = np.frombuffer(self.data, dtype=np.uint8)
        places = np.flatnonzero(codes == ord(character))
        return list(np.unique(np.searchsorted(self.ends, places)).tolist())

    def without(self, reasons: dict[int, str], skip: int = 0) -> "Lines":
        """The same lines without the first `skip`; those at the given indexes become violations."""
        if not reasons and not skip:
            return self
        keep = [index for index in range(skip, len(self.numbers)) if index not in reasons]
        pieces = [self.data[self.starts[index] : self.ends[index] + 1] for index in keep]
        return Lines(
            data=b"".join(pieces),
            ends=np.cumsum([len(piece) for piece in pieces], dtype=np.int64) - 1,
            numbers=self.numbers[keep],
            violations=self.violations
            + [self.violation(index, reasons[index]) for index in reasons],
            unterminated=self.unterminated and bool(keep) and keep[-1] == len(self.numbers) - 1,
        )


def read_lines(
    stream: IO[bytes], block_bytes: int, skip: int, progress: Progress
) -> Iterator[Lines]:
    """Yield the lines of a file in blocks, without the first `skip` lines.

    Raises:
        FileError: the file is not UTF-8 text at all.
    """
    first = 1
    for block, unterminated in _whole_lines(stream, block_bytes, progress):
        scan = _Scan(block)
        numbers = np.arange(first, first + len(scan.ends), dtype=np.int64)
        lines = Lines(block, scan.ends, numbers, [], unterminated)
        to_skip = min(max(0, skip + 1 - first), len(numbers))
        if to_skip or scan.is_suspect:
            lines = _inspected(lines, to_skip)
        first += len(numbers)
        yield lines


def _whole_lines(
    stream: IO[bytes], block_bytes: int, progress: Progress
) -> Iterator[tuple[bytes, bool]]:
    """Blocks that end with a line feed; the flag says that the last line feed was added here."""
    head = stream.read(len(codecs.BOM_UTF8))
    progress(len(head))
    rest = [without_byte_order_mark(head)]
    while block := stream.read(block_bytes):
        progress(len(block))
        cut = block.rfind(b"\n") + 1
        if cut == 0:
            rest.append(block)
            if sum(map(len, rest)) > LONGEST_READ:
                raise FileError(
                    f"no line end within {LONGEST_READ >> 20} MiB: this is not a text file"
                )
            continue
        yield b"".join([*rest, block[:cut]]), False
        rest = [block[cut:]]
    if last := b"".join(rest):
        is_terminated = last.endswith(b"\n")
        yield last if is_terminated else last + b"\n", not is_terminated


def without_byte_order_mark(block: bytes) -> bytes:
    """The first block of a file without its UTF-8 byte order mark.

    Raises:
        FileError: it has a UTF-16 byte order mark.
    """
    if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileError("line 1: the file is UTF-16; save it as UTF-8")
    return block.removeprefix(codecs.BOM_UTF8)


class _Scan:
    """Search a block once for control characters: the line ends, and anything unusual."""

    def __init__(self, block: bytes) -> None:
        codes = np.frombuffer(block, dtype=np.uint8)
        places = np.flatnonzero(codes < 32)
        controls = codes[places]
        is_end = controls == 10
        self.ends: Integers = places[is_end]
        lengths = np.diff(self.ends, prepend=-1)
        returns = np.flatnonzero(controls == 13)
        self.is_suspect = (
            bool(np.any(~is_end & (controls != 13) & (controls != 9)))
            or bool(np.any(codes[places[returns] + 1] != 10))
            or bool(lengths.min() <= 2)
            or bool(lengths.max() > LONGEST_LINE)
            or b"\x7f" in block
            or not _is_utf8(block)
        )


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _inspected(lines: Lines, skip: int) -> Lines:
    """Check every line: skip the first ones, quarantine those that are not text."""
    reasons = {
        index: problem
        for index in range(skip, len(lines.numbers))
        if (problem := _line_problem(lines.line(index)))
    }
    return lines.without(reasons, skip)


def _line_problem(line: bytes) -> str | None:
    """Why a line is not text, or None."""
    if not line:
        return "the line is empty"
    if len(line) > LONGEST_LINE:
        return f"the line has {len(line)} bytes, at most {LONGEST_LINE} are read as one record"
    if match := CONTROL.search(line):
        return f"control character 0x{match[0][0]:02x} in column {match.start() + 1}"
    if b"\r" in line:
        position = line.index(b"\r") + 1
        return f"carriage return in column {position}, inside the line"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte 0x{line[error.start]:02x} in column {error.start + 1} is not UTF-8"
    return None
