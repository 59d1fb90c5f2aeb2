"""The folder of a batch while it is being extracted: hidden, and renamed when it is complete.

Usage:
    with Staging.begun(sources, contracts, batch=4) as staging:
        staging.write(feed, original, [row])
        staging.publish(extraction)

What a system said is kept beside the files that were made of it, in `.originals` of the batch, so that the files can be made again.
"""

import gzip
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from scripts.extract.errors import ExtractError
from scripts.extract.rows import Row, Write, row_writer
from scripts.extract.state import Extraction, FeedCount
from scripts.load.contracts import Contracts, Feed
from scripts.warehouse.files import flush, flush_tree

ORIGINALS = ".originals"
_UNFINISHED = re.compile(r"\.Batch[0-9]+\.partial")
# A batch folder while another one takes its place.
_REPLACED = re.compile(r"\.(Batch[0-9]+)\.before")
# The feed that says of which day a batch is.
_DATES = "control.batch_date"


class Staging:
    """A batch in the making.

    Attributes:
        batch: its number.
        folder: where its files are written.
        counts: what has been read, by feed.
    """

    def __init__(self, sources: Path, contracts: Contracts, batch: int) -> None:
        self.batch = batch
        self.folder = sources / f".Batch{batch}.partial"
        self.counts: dict[str, FeedCount] = {}
        self._target = sources / f"Batch{batch}"
        self._contracts = contracts
        self._open = ExitStack()
        self._writers: dict[str, Write] = {}
        self._originals: dict[str, gzip.GzipFile] = {}

    @classmethod
    @contextmanager
    def begun(cls, sources: Path, contracts: Contracts, batch: int) -> "Iterator[Staging]":
        """An empty folder; it is gone at the end, unless it was published."""
        staging = cls(sources, contracts, batch)
        try:
            staging.folder.mkdir()
            yield staging
        except OSError as error:
            raise ExtractError(f"{sources}: cannot be written: {error}") from error
        finally:
            staging._open.close()
            shutil.rmtree(staging.folder, ignore_errors=True)

    def count(self, feed: Feed) -> FeedCount:
        """What has been read of a feed."""
        return self.counts.setdefault(feed.label, FeedCount())

    def file_of(self, feed: Feed) -> Path:
        """The file for the rows of a feed."""
        return self.folder / feed.files[0].format(batch=self.batch).partition("/")[2]

    def open_rows(self, feed: Feed) -> Write:
        """A function that writes rows of a feed; its file exists from now on, even if no row comes."""
        if feed.label not in self._writers:
            self.count(feed).files = 1
            writer = row_writer(feed, self.batch, self.file_of(feed))
            self._writers[feed.label] = self._open.enter_context(writer)
        return self._writers[feed.label]

    def write(self, feed: Feed, original: Any, rows: Iterable[Row]) -> None:
        """Keep what the system said, and write the rows that it holds."""
        self.keep(feed, original)
        write = self.open_rows(feed)
        for row in rows:
            write(row)
            self.count(feed).rows += 1

    def keep(self, feed: Feed, original: Any) -> None:
        """Keep what a system said about a feed, as a line of JSON."""
        if feed.label not in self._originals:
            path = original_path(self.folder, feed)
            path.parent.mkdir(exist_ok=True)
            self._originals[feed.label] = self._open.enter_context(
                gzip.GzipFile(path, "wb", compresslevel=1)
            )
        self._originals[feed.label].write(json.dumps(original).encode() + b"\n")

    def finish_rows(self) -> None:
        """Complete the files of rows, and count their bytes."""
        self._open.close()
        for feed in self._contracts.feeds:
            if feed.label in self._writers:
                self.count(feed).bytes = self.file_of(feed).stat().st_size

    def publish(self, extraction: Extraction) -> None:
        """Make it the folder of its batch, in one step: on disk, complete, with the positions of the systems.

        Raises:
            ExtractError: the folder exists.
        """
        self.finish_rows()
        write_batch_date(self._contracts, self.folder, self.batch, extraction.batch_date)
        extraction.write(self.folder)
        flush_tree(self.folder)
        try:
            self.folder.rename(self._target)
        except OSError as error:
            raise ExtractError(
                f"{self._target}: somebody else has made this folder meanwhile ({error.strerror}); extract again"
            ) from error
        flush(self._target.parent)


def original_path(folder: Path, feed: Feed) -> Path:
    """Where in the folder of a batch is kept what the system said about a feed."""
    return folder / ORIGINALS / f"{feed.identifier}.jsonl.gz"


def read_originals(folder: Path, feed: Feed) -> Iterator[Any]:
    """What the system said about a feed for a batch; nothing if nothing is kept."""
    path = original_path(folder, feed)
    if not path.exists():
        return
    with gzip.open(path, "rb") as stream:
        for line in stream:
            yield json.loads(line)


def remove_unfinished(sources: Path) -> None:
    """Remove what a killed extraction has left; nobody else writes while we hold its lock."""
    for path in list(sources.iterdir()):
        if _UNFINISHED.fullmatch(path.name):
            shutil.rmtree(path)
        elif match := _REPLACED.fullmatch(path.name):
            if (sources / match[1]).exists():
                shutil.rmtree(path)
            else:
                path.rename(sources / match[1])


def replace_rows(sources: Path, batch: int, rows: Iterable[tuple[Feed, Iterable[Row]]]) -> None:
    """Write the files of some feeds of a batch again, and put them into place together; everything else of the batch stays.

    Raises:
        ExtractError: the folder cannot be written. The batch is as it was before.
    """
    folder, before = sources / f"Batch{batch}", sources / f".Batch{batch}.before"
    fresh = sources / f".Batch{batch}.partial"
    try:
        # Links: what stays is not copied.
        shutil.copytree(folder, fresh, copy_function=os.link)
        for feed, some in rows:
            path = fresh / feed.files[0].format(batch=batch).partition("/")[2]
            path.unlink(missing_ok=True)
            with row_writer(feed, batch, path) as write:
                for row in some:
                    write(row)
        flush_tree(fresh)
        folder.rename(before)
        fresh.rename(folder)
        flush(sources)
        shutil.rmtree(before)
    except OSError as error:
        raise ExtractError(f"{sources}: cannot be written: {error}") from error
    finally:
        remove_unfinished(sources)


def write_batch_date(contracts: Contracts, folder: Path, batch: int, day: date) -> None:
    """Write the file that says of which day the batch is, if the contracts have one."""
    for feed in contracts.feeds:
        if feed.label == _DATES:
            path = folder / feed.files[0].format(batch=batch).partition("/")[2]
            (column,) = feed.layout(batch)
            with row_writer(feed, batch, path) as write:
                write({column.name: day.isoformat()})
