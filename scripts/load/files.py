"""Land the files of one feed and batch: all of them, or none.

Nothing lands twice. A file whose bytes landed with another batch, or whose changes all did, is refused; a single
change that has already landed is quarantined. A file of which too little lands is not a file of this feed, and fails.
What was accepted because of an allowance is recorded in the footer.

Usage:
    attempt = Attempt(job, checksums, allowances, progress)
    results = attempt.run()
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from scripts.load.contracts import Feed
from scripts.load.history import History, Repeats, without
from scripts.load.lake import LOAD_LOG, QUARANTINE, BatchFiles, Lake, LakeWriter
from scripts.load.reading import Reading
from scripts.load.rows import ConflictError, FileError, Progress, Rows, Violation, readable
from scripts.load.sources import SourceFile, SourceFolder
from scripts.load.suppression import Suppression

# So many of the values that a contract does not know are named in a message.
_SHOWN_PATHS = 5


class Allowance(StrEnum):
    """What is refused as a probable mistake, unless an option of the load accepts it."""

    REPEATED = "repeated"
    EMPTY = "empty"


def allowances(*, repeated: bool, empty: bool) -> frozenset[Allowance]:
    """The allowances that the options of a command give."""
    given = {Allowance.REPEATED: repeated, Allowance.EMPTY: empty}
    return frozenset(allowance for allowance, is_given in given.items() if is_given)


@dataclass(frozen=True)
class FileResult:
    """The result for one file (or, if there was none, for the pattern that matched none).

    `status` is `loaded`, `missing` (an optional file) or `failed` (the message says why). The message of a
    loaded file says that some of its changes were quarantined because they had already landed, or that some of its values
    are not in the contract.
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


class FileFailure(Exception):
    """The feed cannot be loaded because of one file; `is_conflict` if the reason is another batch."""

    def __init__(self, result: FileResult, is_conflict: bool = False) -> None:
        super().__init__(result.message)
        self.result = result
        self.is_conflict = is_conflict


class Failing:
    """Turns an error about a file into the failure of its feed."""

    def __init__(self, file: SourceFile, checksum: str | None = None) -> None:
        self._file = file
        self._checksum = checksum

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, FileError | OSError | pa.ArrowException):
            raise FileFailure(
                FileResult(
                    self._file.name,
                    "failed",
                    sha256=self._checksum,
                    file_bytes=self._file.bytes,
                    message=f"{self._file.name}: {error}",
                ),
                is_conflict=isinstance(error, ConflictError),
            ) from error


class LoadTimes:
    """The one load time of each batch, looked up when the first of its feeds asks for it."""

    def __init__(self, look_up: Callable[[int], datetime]) -> None:
        self._look_up = look_up
        self._times: dict[int, datetime] = {}
        self._lock = Lock()

    def of(self, batch: int) -> datetime:
        """The load time of a batch."""
        with self._lock:
            if batch not in self._times:
                self._times[batch] = self._look_up(batch)
            return self._times[batch]


@dataclass(frozen=True)
class Job:
    """The files of one feed and batch, where they come from and where they go."""

    feed: Feed
    batch: int
    files: list[SourceFile]
    sources: SourceFolder
    lake: Lake
    load_times: LoadTimes
    block_bytes: int
    history: History
    suppression: Suppression | None = None

    @cached_property
    def paths(self) -> BatchFiles:
        """Where they go."""
        return self.lake.batch_files(self.feed.system, self.feed.name, self.batch)

    @cached_property
    def loaded_at(self) -> datetime:
        """The load time of the batch."""
        return self.load_times.of(self.batch)

    @property
    def selection(self) -> str:
        """The options of the loader that choose this feed and batch only."""
        return f"--batch {self.batch} --feed {self.feed.label}"

    def write_log(self, path: str, files: list[FileResult], footer: dict[str, Any]) -> None:
        """Write the results of the files."""
        self.lake.write(path, self.log_rows(files), footer)

    def log_rows(self, files: list[FileResult]) -> pa.Table:
        """The results of the files, as rows of the load log."""
        common: dict[str, Any] = {
            "batch_id": self.batch,
            "system": self.feed.system,
            "feed": self.feed.name,
            "loaded_at": self.loaded_at,
        }
        return pa.Table.from_pylist([common | vars(file) for file in files], LOAD_LOG)


class Attempt:
    """One attempt to land the files of a job.

    Raises (from `run`):
        FileFailure: one of them cannot land; the lake is unchanged.
        LakeError: the lake cannot be written.
    """

    def __init__(
        self,
        job: Job,
        checksums: dict[str, str],
        allowances: frozenset[Allowance],
        progress: Progress,
    ) -> None:
        self._job = job
        self._feed = job.feed
        self._checksums = checksums
        self._allowances = allowances
        self._used: set[Allowance] = set()
        self._progress = progress
        self._repeats = Repeats(job.history, job.batch)
        self._reading = Reading(job.sources, job.feed, job.batch, job.files, job.block_bytes)

    def run(self) -> list[FileResult]:
        """Land the files; returns the result of each."""
        job, paths = self._job, self._job.paths
        with (
            job.lake.writer(paths.data, self._feed.schema) as rows,
            job.lake.writer(paths.quarantine, QUARANTINE) as quarantine,
        ):
            results = [self._load_file(file, rows, quarantine) for file in job.files]
            footer = {
                "contract": self._feed.fingerprint,
                "loaded_at": job.loaded_at.isoformat(),
                "files": [vars(result) for result in results],
                "allowed": sorted(self._used),
                "repeated": self._repeated_batches(),
            }
            sha256 = {"data": rows.finish(footer)}
            if any(result.rows_quarantined for result in results):
                sha256["quarantine"] = quarantine.finish(footer)
                quarantine.publish()
            else:
                job.lake.remove(paths.quarantine)
            job.write_log(paths.log, results, footer | {"sha256": sha256})
            rows.publish()
        job.history.forget(job.batch)
        return results

    def _repeated_batches(self) -> dict[str, list[str]]:
        """The batches whose changes were repeated, with the checksums of their files."""
        if not self._repeats.count or Allowance.REPEATED in self._used:
            return {}
        history, batch = self._job.history, self._job.batch
        others = {str(other): history.checksums(other) for other in sorted(self._repeats.batches)}
        return others or {str(batch): list(self._checksums.values())}

    def _load_file(self, file: SourceFile, rows: LakeWriter, quarantine: LakeWriter) -> FileResult:
        started = time.perf_counter()
        checksum = self._checksums[file.name]
        tally = _Tally()
        # Blocks of a compressed file are larger than the bytes read from it.
        step: Progress = (lambda _: None) if file.is_compressed else self._progress
        with Failing(file, checksum), self._reading.pieces(file, step) as pieces:
            self._check_twin(file, checksum)
            for piece in _unless_all_blank(pieces):
                repeated = self._repeated(piece, file)
                kept = without(piece, repeated)
                tally.add(piece, kept, self._feed.ascending)
                rows.write(self._lake_rows(kept, file))
                if kept.violations:
                    quarantine.write(self._quarantine_rows(kept.violations, file))
            self._check_tally(tally)
        if file.is_compressed:
            self._progress(file.bytes)
        return FileResult(
            source_file=file.name,
            status="loaded",
            sha256=checksum,
            file_bytes=file.bytes,
            rows_read=tally.read,
            rows_landed=tally.landed,
            rows_quarantined=tally.read - tally.landed,
            seconds=round(time.perf_counter() - started, 3),
            message="; ".join(self._messages(file, tally)) or None,
        )

    def _check_twin(self, file: SourceFile, checksum: str) -> None:
        # Of nothing, nothing counts twice.
        if self._feed.may_repeat or not file.bytes:
            return
        twin = self._job.history.twin(self._job.batch, checksum)
        if twin and not self._is_allowed(Allowance.REPEATED):
            other, name = twin
            raise ConflictError(
                f"the same bytes as {name}, which landed with batch {other}: nothing counts twice;"
                f" {self._how_to_repeat}"
            )

    def _repeated(self, piece: Rows, file: SourceFile) -> dict[int, str]:
        """The rows to quarantine because their change has already landed."""
        if self._feed.change_number is None:
            return {}
        reasons = self._repeats.find(piece, self._feed.change_number, file.name)
        return {} if reasons and self._is_allowed(Allowance.REPEATED) else reasons

    def _check_tally(self, tally: "_Tally") -> None:
        """Refuse a file without a record, without a new record, or of which too little lands."""
        share = self._feed.minimum_landed_share
        fresh = tally.read - tally.repeated
        if not tally.read:
            self._check_empty()
        elif not fresh:
            others = ", ".join(map(str, sorted(self._repeats.batches))) or "earlier files"
            raise ConflictError(
                f"each of its {tally.read} changes ({self._feed.change_number}) landed before, with batch {others}:"
                f" nothing counts twice; {self._how_to_repeat}"
            )
        elif tally.landed < share * fresh and tally.first is not None:
            raise FileError(
                f"only {tally.landed} of {fresh} records fulfill their contract, at least {share:.0%} must; the first that"
                f" does not: line {tally.first.line}: {tally.first.reason}; deliver the file again, or correct its"
                " contract (minimum_landed_share says how much must land)"
            )
        self._check_ascending(tally)

    def _check_empty(self) -> None:
        job = self._job
        is_known = self._feed.may_be_empty or job.sources.says_empty(self._feed, job.batch)
        if not is_known and not self._is_allowed(Allowance.EMPTY):
            raise FileError(
                "the file holds no record; deliver it again, or if there was nothing to deliver, load it with"
                f" {self._job.selection} --allow-empty (may_be_empty: true in its contract accepts it always)"
            )

    def _check_ascending(self, tally: "_Tally") -> None:
        column = self._feed.ascending
        if column is None or tally.least is None:
            return
        before, after = self._job.history.neighbors(self._job.batch, column)
        for neighbor, value, word, is_wrong in (
            (before, tally.least, "after", before and tally.least <= before[1]),
            (after, tally.greatest, "before", after and tally.greatest >= after[1]),
        ):
            if is_wrong and neighbor:
                raise ConflictError(
                    f"{column} {value} of batch {self._job.batch} is not {word} {neighbor[1]} of batch {neighbor[0]};"
                    " dates must rise from batch to batch: correct the wrong file, then load again"
                )

    @property
    def _how_to_repeat(self) -> str:
        return (
            "deliver the right file, or if this is intended, load it with"
            f" {self._job.selection} --allow-repeated"
        )

    def _messages(self, file: SourceFile, tally: "_Tally") -> Iterator[str]:
        """What needs a look, although the file has landed."""
        if tally.repeated:
            yield (
                f"{file.name}: {tally.repeated} of {tally.read} changes ({self._feed.change_number}) have already landed and were"
                f" quarantined; if they are intended, load them with {self._job.selection} --allow-repeated"
            )
        if tally.left_out:
            names = [f"{path} (first in line {line})" for path, line in tally.left_out.items()]
            shown = ", ".join(names[:_SHOWN_PATHS])
            others = f" and {len(names) - _SHOWN_PATHS} more" if len(names) > _SHOWN_PATHS else ""
            yield (
                f"{file.name}: not in the contract, so left out: {shown}{others}; declare what the warehouse needs"
            )

    def _is_allowed(self, allowance: Allowance) -> bool:
        """Whether an allowance was given for something that occurred; records that it was used."""
        if allowance in self._allowances:
            self._used.add(allowance)
        return allowance in self._allowances

    def _lake_rows(self, piece: Rows, file: SourceFile) -> pa.Table:
        count = len(piece.source_row)
        added = {
            "batch_id": _repeat(self._job.batch, pa.int32(), count),
            "source_file": _repeat(file.name, pa.string(), count),
            "source_row": piece.source_row,
            "loaded_at": _repeat(self._job.loaded_at, pa.timestamp("us"), count),
        }
        columns = piece.columns | added
        rows = pa.table(
            [columns.get(field.name, pa.nulls(count, field.type)) for field in self._feed.schema],
            schema=self._feed.schema,
        )
        suppression = self._job.suppression
        return suppression.without_persons(self._feed, rows) if suppression else rows

    def _quarantine_rows(self, violations: list[Violation], file: SourceFile) -> pa.Table:
        lines = pa.Table.from_pylist(
            [
                {
                    "batch_id": self._job.batch,
                    "system": self._feed.system,
                    "feed": self._feed.name,
                    "source_file": file.name,
                    "line_number": violation.line,
                    "reason": violation.reason,
                    "raw_text": readable(violation.raw),
                    "loaded_at": self._job.loaded_at,
                }
                for violation in violations
            ],
            QUARANTINE,
        )
        suppression = self._job.suppression
        return suppression.without_quotes(self._feed, lines) if suppression else lines


@dataclass
class _Tally:
    """Counts of one file so far.

    Attributes:
        read: records.
        landed: those that went to the lake.
        repeated: those that were quarantined because they had already landed.
        first: the first one that violates its contract.
        least: the least value of the ascending column.
        greatest: the greatest one.
        left_out: paths of values that the contract does not know, and the first line of each.
    """

    read: int = 0
    landed: int = 0
    repeated: int = 0
    first: Violation | None = None
    least: Any = None
    greatest: Any = None
    left_out: dict[str, int] = field(default_factory=dict)

    def add(self, piece: Rows, kept: Rows, ascending: str | None) -> None:
        """Count a piece, as it was read and as it was kept."""
        self.read += len(piece.source_row) + len(piece.violations)
        self.landed += len(kept.source_row)
        self.repeated += len(piece.source_row) - len(kept.source_row)
        if self.first is None and piece.violations:
            self.first = piece.violations[0]
        for line, path in kept.left_out:
            self.left_out.setdefault(path, line)
        if ascending and ascending in kept.columns:
            found = pc.min_max(kept.columns[ascending]).as_py()
            values = [self.least, self.greatest, found["min"], found["max"]]
            given = [value for value in values if value is not None]
            self.least, self.greatest = min(given, default=None), max(given, default=None)


def _unless_all_blank(pieces: Iterator[Rows]) -> Iterator[Rows]:
    """The pieces of a file; none if the file has only blank lines: they are no records, and the file is empty."""
    blank: list[Rows] = []
    for piece in pieces:
        blank.append(piece)
        if len(piece.source_row) or any(violation.raw.strip() for violation in piece.violations):
            yield from blank
            yield from pieces
            return


def _repeat(value: Any, type_: pa.DataType, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, type_), count)
