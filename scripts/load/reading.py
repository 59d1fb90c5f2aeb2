"""Read the files of a feed and batch, small ones together.

Casting has a cost per column that hundreds of small files would each pay. So the text of small files that follow each
other is cast as one, and the result is divided by file. Only complete lines are joined, and each line is judged by
itself: rows and violations are those that each file would have alone. All other files are read alone.

Usage:
    reading = Reading(sources, feed, batch, files, block_bytes)
    for file in files:
        with reading.pieces(file, progress) as pieces:
            for rows in pieces:
                ...
"""

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from itertools import accumulate, pairwise
from typing import IO

import numpy as np
import pyarrow as pa

from scripts.load.contracts import Feed
from scripts.load.delimited import read_delimited
from scripts.load.fixed_width import read_fixed_width
from scripts.load.json_lines import read_json_lines
from scripts.load.parquet import read_parquet
from scripts.load.rows import Progress, Rows
from scripts.load.sources import SourceFile, SourceFolder
from scripts.load.xml import read_xml

Reader = Callable[[IO[bytes], Feed, int, int, Progress], Iterator[Rows]]
_READERS: dict[str, Reader] = {
    "delimited": read_delimited,
    "fixed_width": read_fixed_width,
    "json_lines": read_json_lines,
    "parquet": read_parquet,
    "xml": read_xml,
}
# A file of these has a beginning and an end: two of them together are none.
_WHOLE_FILES = ("parquet", "xml")


class Reading:
    """Yields the rows of each file; the files must be asked for in their order."""

    def __init__(
        self,
        sources: SourceFolder,
        feed: Feed,
        batch: int,
        files: Sequence[SourceFile],
        block_bytes: int,
    ) -> None:
        self._sources = sources
        self._feed = feed
        self._batch = batch
        self._files = files
        self._block_bytes = block_bytes
        self._are_joinable = feed.format not in _WHOLE_FILES and not feed.header_lines
        # Rows of files that were read together with an earlier one.
        self._ready: dict[str, Rows] = {}

    @contextmanager
    def pieces(self, file: SourceFile, progress: Progress) -> Iterator[Iterator[Rows]]:
        """The rows of a file, piece by piece.

        Raises:
            FileError: while opening or reading, if the file is damaged or is not text.
        """
        if file.name not in self._ready:
            self._ready = self._read_together(self._files[self._files.index(file) :])
        if file.name in self._ready:
            progress(file.bytes)
            yield iter([self._ready.pop(file.name)])
            return
        with self._sources.open(file) as stream:
            read = _READERS[self._feed.format]
            yield read(stream, self._feed, self._batch, self._block_bytes, progress)

    def _read_together(self, files: Sequence[SourceFile]) -> dict[str, Rows]:
        """The rows of the first ones of these files by name, as far as they can be joined; none if that is less than two."""
        texts: dict[str, bytes] = {}
        room = self._block_bytes if self._are_joinable else 0
        for file in files:
            text = self._joinable_text(file, room)
            if text is None:
                break
            texts[file.name] = text
            room -= len(text)
        if len(texts) < 2:
            return {}
        joined = b"".join(texts.values())
        read = _READERS[self._feed.format]
        (rows,) = read(BytesIO(joined), self._feed, self._batch, len(joined), lambda _: None)
        ends = accumulate(text.count(b"\n") for text in texts.values())
        return dict(zip(texts, _divided(rows, list(ends)), strict=True))

    def _joinable_text(self, file: SourceFile, room: int) -> bytes | None:
        """The text of a file that has complete lines and no byte order mark; None if it has not, or is larger than `room`.

        A file that cannot be read is no error here: it is, when it is its turn.
        """
        if file.is_compressed or file.bytes > room:
            return None
        try:
            with self._sources.open(file) as stream:
                text = stream.read(room + 1)
        except OSError:
            return None
        return text if len(text) <= room and text[:1].isascii() and text.endswith(b"\n") else None


def _divided(rows: Rows, ends: list[int]) -> Iterator[Rows]:
    """The rows of each of several joined files, given the number of the last line of each."""
    lines = rows.source_row.to_numpy()
    wrong_lines = [violation.line for violation in rows.violations]
    for before, end in pairwise([0, *ends]):
        first, last = np.searchsorted(lines, (before, end), side="right").tolist()
        violations = rows.violations[bisect(wrong_lines, before) : bisect(wrong_lines, end)]
        yield Rows(
            {name: column[first:last] for name, column in rows.columns.items()},
            pa.array(lines[first:last] - before),
            [replace(violation, line=violation.line - before) for violation in violations],
            _from(before, rows.line),
            [(line - before, path) for line, path in rows.left_out if before < line <= end],
        )


def _from(before: int, line: Callable[[int], bytes] | None) -> Callable[[int], bytes] | None:
    """The same lines, counted from the one after `before`."""
    return (lambda number: line(before + number)) if line else None
