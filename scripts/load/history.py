"""What the other batches of a feed hold, so that nothing lands twice and ascending columns ascend.

Answers come from the footers and statistics of the files of the lake, which are read once per load. The change numbers
themselves are read only for batches whose range overlaps that of the new rows.

Usage:
    history = History(lake, feed)
    history.twin(batch=3, checksum="...")
    Repeats(history, batch=3).find(rows, "Batch3/CashTransaction.txt")
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from scripts.load.contracts import Feed
from scripts.load.lake import Lake
from scripts.load.lines import Integers
from scripts.load.rows import Rows, Violation


class History:
    """What the lake holds of a feed; only the loads of this feed write it, one after the other."""

    def __init__(self, lake: Lake, feed: Feed) -> None:
        self._lake = lake
        self._feed = feed
        self._numbers: dict[int, Integers] = {}
        self._landed_before: set[int] = set()

    @cached_property
    def _batches(self) -> list[int]:
        return self._lake.batches_of(self._feed.system, self._feed.name)

    def footer(self, batch: int) -> dict[str, Any] | None:
        """What the loader wrote into the footer of a batch; None if it has not landed."""
        return self._lake.footer(self._path(batch))

    def checksums(self, batch: int) -> list[str]:
        """The checksums of the files that a batch is made of."""
        return [file["sha256"] for file in (self.footer(batch) or {}).get("files", [])]

    def twin(self, batch: int, checksum: str) -> tuple[int, str] | None:
        """Another batch that has landed with the same bytes, and its file; a file without rows has no twin."""
        for other in self._originals(batch):
            for file in (self.footer(other) or {}).get("files", []):
                if file["sha256"] == checksum and file["rows_read"]:
                    return other, file["source_file"]
        return None

    def landed_in(self, batch: int, numbers: Integers) -> list[tuple[int, Integers]]:
        """The other batches in which some of these change numbers landed, and which of them, as indexes."""
        found = []
        least, greatest = int(numbers.min()), int(numbers.max())
        for other in self._originals(batch):
            extent = self._lake.extent(self._path(other), str(self._feed.change_number))
            if extent and extent[0] <= greatest and least <= extent[1]:
                indexes = np.flatnonzero(np.isin(numbers, self._numbers_of(other)))
                if len(indexes):
                    found.append((other, indexes))
        return found

    def neighbors(self, batch: int, column: str) -> tuple[Any, Any]:
        """The batch before this one with its greatest value of a column, and the one after it with its least; None without."""
        extents = {
            other: extent
            for other in self._others(batch)
            if (extent := self._lake.extent(self._path(other), column))
        }
        before = max((other for other in extents if other < batch), default=None)
        after = min((other for other in extents if other > batch), default=None)
        return (
            (before, extents[before][1]) if before is not None else None,
            (after, extents[after][0]) if after is not None else None,
        )

    def note_landed_before(self, batch: int) -> None:
        """Record that a batch is loaded again from the same files."""
        self._landed_before.add(batch)

    def forget(self, batch: int) -> None:
        """Discard what is known about a batch, because it was written."""
        self._numbers.pop(batch, None)
        self.__dict__.pop("_batches", None)

    def _others(self, batch: int) -> list[int]:
        return [other for other in self._batches if other != batch]

    def _originals(self, batch: int) -> list[int]:
        """The other batches that this one may not repeat; if it has landed before, without those that were allowed to repeat it."""
        has_landed = batch in self._landed_before
        return [
            other
            for other in self._others(batch)
            if not (has_landed and (self.footer(other) or {}).get("allowed"))
        ]

    def _numbers_of(self, batch: int) -> Integers:
        if batch not in self._numbers:
            column = self._lake.column(self._path(batch), str(self._feed.change_number))
            self._numbers[batch] = _known(column)
        return self._numbers[batch]

    def _path(self, batch: int) -> str:
        return self._lake.path(self._feed.system, self._feed.name, batch)


@dataclass
class Repeats:
    """Finds the rows of one batch whose change number occurred before, in the batch itself or in another one.

    Attributes:
        count: how many were found so far.
        batches: the other batches in which they landed.
    """

    history: History
    batch: int
    count: int = 0
    batches: set[int] = field(default_factory=set)
    _earlier: list[tuple[str, Integers, Integers]] = field(default_factory=list)
    _greatest: int | None = None

    def find(self, rows: Rows, column: str, source_file: str) -> dict[int, str]:
        """The rows of the next piece that repeat a change number, by their index, with the reason."""
        if column not in rows.columns or not len(rows.source_row):
            return {}
        numbers = rows.columns[column].to_numpy(zero_copy_only=False).astype(np.int64)
        lines = rows.source_row.to_numpy()
        reasons: dict[int, str] = {}
        for other, indexes in self.history.landed_in(self.batch, numbers):
            self.batches.add(other)
            reasons |= {
                index: f"{column} {numbers[index]} landed with batch {other}: one change counts once"
                for index in indexes.tolist()
            }
        for index, place in self._repeated_here(numbers, lines, source_file).items():
            reasons.setdefault(
                index, f"{column} {numbers[index]} is also that of {place}: one change counts once"
            )
        self.count += len(reasons)
        return reasons

    def _repeated_here(
        self, numbers: Integers, lines: Integers, source_file: str
    ) -> dict[int, str]:
        """The rows whose number an earlier row of the batch has, and where that one is."""
        earlier, greatest = list(self._earlier), self._greatest
        self._earlier.append((source_file, numbers, lines))
        self._greatest = max(int(numbers.max()), numbers.max() if greatest is None else greatest)
        is_rising = bool(np.all(numbers[1:] > numbers[:-1]))
        if is_rising and (greatest is None or numbers[0] > greatest):
            # The usual order; no repeats are possible.
            return {}
        places: dict[int, str] = {}
        for name, known, known_lines in earlier:
            for index in np.flatnonzero(np.isin(numbers, known)).tolist():
                line = known_lines[np.argmax(known == numbers[index])]
                places.setdefault(index, _place(name, source_file, line))
        _, first = np.unique(numbers, return_index=True)
        for index in np.setdiff1d(np.arange(len(numbers)), first).tolist():
            line = lines[np.argmax(numbers == numbers[index])]
            places.setdefault(index, _place(source_file, source_file, line))
        return places


def without(rows: Rows, reasons: dict[int, str]) -> Rows:
    """The same rows; those at the given indexes become violations."""
    if not reasons or rows.line is None:
        return rows
    keep = np.ones(len(rows.source_row), dtype=bool)
    keep[list(reasons)] = False
    mask = pa.array(keep)
    lines = {index: rows.source_row[index].as_py() for index in reasons}
    repeated = [
        Violation(lines[index], reason, rows.line(lines[index]))
        for index, reason in reasons.items()
    ]
    return Rows(
        {name: column.filter(mask) for name, column in rows.columns.items()},
        rows.source_row.filter(mask),
        sorted(rows.violations + repeated, key=lambda violation: violation.line),
        rows.line,
        [(line, path) for line, path in rows.left_out if line not in lines.values()],
    )


def _place(name: str, source_file: str, line: Any) -> str:
    return f"line {line}" if name == source_file else f"{name}, line {line}"


def _known(column: pa.ChunkedArray) -> Integers:
    known: Integers = column.drop_null().to_numpy().astype(np.int64)
    return known
