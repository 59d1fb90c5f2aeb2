"""Load one feed of one batch: read its files, land the rows, quarantine the rest, keep the log.

Three files hold what one load of a feed made: quarantine, log and rows, put in place in this order, with
the same footer. A crash in between leaves files of two loads; the next run sees that their footers differ
and writes all three again. The log's footer also has the checksums of the other two, so that the next run
sees damage, too.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import IO, Any

import pyarrow as pa

from scripts.load.contracts import Feed
from scripts.load.delimited import read_delimited
from scripts.load.fixed_width import read_fixed_width
from scripts.load.lake import LOAD_LOG, QUARANTINE, BatchFiles, Lake, LakeError, LakeWriter
from scripts.load.rows import FileError, Progress, Rows, Violation, readable
from scripts.load.sources import SourceFile, SourceFolder
from scripts.load.xml import read_xml

Reader = Callable[[IO[bytes], Feed, int, int, Progress], Iterator[Rows]]
_READERS: dict[str, Reader] = {
    "delimited": read_delimited,
    "fixed_width": read_fixed_width,
    "xml": read_xml,
}


@dataclass(frozen=True)
class FileResult:
    """What became of one file (or, if none was there, of the pattern that found none).

    `status` is `loaded`, `missing` (and need not be there) or `failed` (and the message says why).
    """

    source_file: str
    status: str
    sha256: str | None = None
    file_bytes: int = 0
    rows_read: int = 0
    rows_landed: int = 0
    rows_quarantined: int = 0
    seconds: float = 0.0
    message: str | None = None


@dataclass(frozen=True)
class FeedResult:
    """What became of a feed in a batch.

    `is_unchanged` if the lake already held just these files; `was_damaged` if it did, but not any more as they were written.
    """

    feed: Feed
    batch: int
    files: list[FileResult]
    is_unchanged: bool = False
    was_damaged: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether nothing was landed because of a file that cannot be read or is not there."""
        return any(file.status == "failed" for file in self.files)


@dataclass(frozen=True)
class FeedLoad:
    """One feed of one batch, ready to be loaded with `run`."""

    feed: Feed
    batch: int
    files: list[SourceFile]
    sources: SourceFolder
    lake: Lake
    loaded_at: datetime
    block_bytes: int
    force: bool = False

    @property
    def bytes(self) -> int:
        """Size of all files as they are stored."""
        return sum(file.bytes for file in self.files)

    @property
    def effort(self) -> int:
        """Roughly how long the load takes, in bytes of delimited text: other formats take longer a byte."""
        return self.bytes * (1 if self.feed.format == "delimited" else 10)

    def run(self, progress: Progress) -> FeedResult:
        """Load the feed; what cannot be read or written is a failed result, never an exception."""
        try:
            try:
                result = self._result(progress)
                self.lake.remove(self._files.failure)
            except _FeedFailure as failure:
                result = FeedResult(self.feed, self.batch, [failure.result])
                footer = {"contract": self.feed.fingerprint, "failed": vars(failure.result)}
                self._write_log(self._files.failure, result.files, footer)
        except LakeError as error:
            file = FileResult("", "failed", message=str(error))
            result = FeedResult(self.feed, self.batch, [file])
        return result

    def _result(self, progress: Progress) -> FeedResult:
        if not self.files:
            return self._missing()
        checksums = self._checksums()
        landed = self._landed(checksums)
        is_intact = landed is not None and self._is_intact(landed)
        if landed is not None and is_intact and not self.force:
            progress(self.bytes)
            return FeedResult(self.feed, self.batch, landed, is_unchanged=True)
        was_damaged = landed is not None and not is_intact
        files = self._load(checksums, progress)
        return FeedResult(self.feed, self.batch, files, was_damaged=was_damaged)

    @cached_property
    def _files(self) -> BatchFiles:
        return self.lake.batch_files(self.feed.system, self.feed.name, self.batch)

    def _missing(self) -> FeedResult:
        pattern = " or ".join(self.feed.files).replace("{batch}", str(self.batch))
        if self.feed.required:
            message = f"no file {pattern} in {self.sources.uri}; deliver it and load again"
            raise _FeedFailure(FileResult(pattern, "failed", message=message))
        result = FeedResult(self.feed, self.batch, [FileResult(pattern, "missing")])
        footer = {"contract": self.feed.fingerprint, "missing": pattern}
        if not self.lake.exists(self._files.data) and self.lake.footer(self._files.log) != footer:
            self._write_log(self._files.log, result.files, footer)
        return result

    def _checksums(self) -> dict[str, str]:
        """Checksum of each file by name; two deliveries of the same file are refused."""
        checksums: dict[str, str] = {}
        seen: dict[str, SourceFile] = {}
        for file in self.files:
            with _Failing(file):
                checksums[file.name] = checksum = self.sources.sha256(file)
                twin = seen.setdefault(file.plain_name, file)
                if not self.feed.may_be_empty and twin is file:
                    twin = seen.setdefault(checksum, file)
                if twin is not file:
                    raise FileError(f"delivers the same as {twin.name}; remove one of them")
        return checksums

    def _landed(self, checksums: dict[str, str]) -> list[FileResult] | None:
        """The results of the load that made what is in the lake, if it read the same files."""
        footer = self.lake.footer(self._files.data)
        log_footer = self.lake.footer(self._files.log) or {}
        # Compared before anything is taken from it: a damaged footer has other keys and values.
        if footer is None or log_footer != footer | {"sha256": log_footer.get("sha256")}:
            return None
        if footer["contract"] != self.feed.fingerprint:
            return None
        files = [FileResult(**file) for file in footer["files"]]
        if checksums != {file.source_file: file.sha256 for file in files}:
            return None
        has_quarantine = any(file.rows_quarantined for file in files)
        quarantine_footer = self.lake.footer(self._files.quarantine)
        return files if quarantine_footer == (footer if has_quarantine else None) else None

    def _is_intact(self, files: list[FileResult]) -> bool:
        """Whether the lake still holds what was written, byte by byte."""
        log_footer = self.lake.footer(self._files.log) or {}
        checksums = log_footer.get("sha256") or {}
        has_quarantine = any(file.rows_quarantined for file in files)
        return (
            checksums.keys() == ({"data", "quarantine"} if has_quarantine else {"data"})
            and all(
                self.lake.is_intact(getattr(self._files, name), checksum)
                for name, checksum in checksums.items()
            )
            and self.lake.holds(self._files.log, self._log_rows(files))
        )

    def _load(self, checksums: dict[str, str], progress: Progress) -> list[FileResult]:
        results = []
        with (
            self.lake.writer(self._files.data, self.feed.schema) as rows,
            self.lake.writer(self._files.quarantine, QUARANTINE) as quarantine,
        ):
            for file in self.files:
                checksum = checksums[file.name]
                results.append(self._load_file(file, checksum, rows, quarantine, progress))
            footer = {
                "contract": self.feed.fingerprint,
                "loaded_at": self.loaded_at.isoformat(),
                "files": [vars(result) for result in results],
            }
            sha256 = {"data": rows.finish(footer)}
            if any(result.rows_quarantined for result in results):
                sha256["quarantine"] = quarantine.finish(footer)
                quarantine.publish()
            else:
                self.lake.remove(self._files.quarantine)
            self._write_log(self._files.log, results, footer | {"sha256": sha256})
            rows.publish()
        return results

    def _load_file(
        self,
        file: SourceFile,
        checksum: str,
        rows: LakeWriter,
        quarantine: LakeWriter,
        progress: Progress,
    ) -> FileResult:
        started = time.perf_counter()
        landed = quarantined = 0
        # Blocks of a compressed file are larger than what is read of it.
        step: Progress = (lambda _: None) if file.is_compressed else progress
        with _Failing(file, checksum), self.sources.open(file) as stream:
            read = _READERS[self.feed.format]
            for piece in read(stream, self.feed, self.batch, self.block_bytes, step):
                landed += len(piece.source_row)
                quarantined += len(piece.violations)
                rows.write(self._lake_rows(piece, file))
                if piece.violations:
                    quarantine.write(self._quarantine_rows(piece.violations, file))
            if landed + quarantined == 0 and not self.feed.may_be_empty:
                raise FileError("the file holds no record; deliver it again")
        if file.is_compressed:
            progress(file.bytes)
        return FileResult(
            source_file=file.name,
            status="loaded",
            sha256=checksum,
            file_bytes=file.bytes,
            rows_read=landed + quarantined,
            rows_landed=landed,
            rows_quarantined=quarantined,
            seconds=round(time.perf_counter() - started, 3),
        )

    def _lake_rows(self, piece: Rows, file: SourceFile) -> pa.Table:
        count = len(piece.source_row)
        added = {
            "batch_id": _repeat(self.batch, pa.int32(), count),
            "source_file": _repeat(file.name, pa.string(), count),
            "source_row": piece.source_row,
            "loaded_at": _repeat(self.loaded_at, pa.timestamp("us"), count),
        }
        columns = piece.columns | added
        return pa.table(
            [columns.get(field.name, pa.nulls(count, field.type)) for field in self.feed.schema],
            schema=self.feed.schema,
        )

    def _quarantine_rows(self, violations: list[Violation], file: SourceFile) -> pa.Table:
        return pa.Table.from_pylist(
            [
                {
                    "batch_id": self.batch,
                    "system": self.feed.system,
                    "feed": self.feed.name,
                    "source_file": file.name,
                    "line_number": violation.line,
                    "reason": violation.reason,
                    "raw_text": readable(violation.raw),
                    "loaded_at": self.loaded_at,
                }
                for violation in violations
            ],
            QUARANTINE,
        )

    def _write_log(self, path: str, files: list[FileResult], footer: dict[str, Any]) -> None:
        self.lake.write(path, self._log_rows(files), footer)

    def _log_rows(self, files: list[FileResult]) -> pa.Table:
        common: dict[str, Any] = {
            "batch_id": self.batch,
            "system": self.feed.system,
            "feed": self.feed.name,
            "loaded_at": self.loaded_at,
        }
        return pa.Table.from_pylist([common | vars(file) for file in files], LOAD_LOG)


class _FeedFailure(Exception):
    """The feed cannot be loaded because of one file."""

    def __init__(self, result: FileResult) -> None:
        super().__init__(result.message)
        self.result = result


class _Failing:
    """Turns what can go wrong with a file into the failure of its feed."""

    def __init__(self, file: SourceFile, checksum: str | None = None) -> None:
        self._file = file
        self._checksum = checksum

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, FileError | OSError | pa.ArrowException):
            raise _FeedFailure(
                FileResult(
                    self._file.name,
                    "failed",
                    sha256=self._checksum,
                    file_bytes=self._file.bytes,
                    message=f"{self._file.name}: {error}",
                )
            ) from error


def _repeat(value: Any, type_: pa.DataType, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, type_), count)
