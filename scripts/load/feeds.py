"""Load one feed of one batch: find out whether its files are new, land them, write the log.

One load of a feed writes three files: quarantine, log and rows, put in place in this order, with
the same footer. A crash in between leaves files of two loads; the next run sees that their footers differ
and writes all three again. The log's footer also has the checksums of the other two, so that the next run
also sees damage.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from scripts.load.contracts import Feed
from scripts.load.files import Allowance, Attempt, Failing, FileFailure, FileResult, Job
from scripts.load.lake import LakeError
from scripts.load.receipts import Receipt, Receipts
from scripts.load.rows import FileError, Progress
from scripts.load.sources import SourceFile


@dataclass(frozen=True)
class FeedResult:
    """The result for a feed in a batch.

    `is_unchanged` if the lake already held exactly these files; `was_damaged` if it did, but a file of the lake had been
    damaged since; `is_conflict` if something did not land because of another batch.
    """

    feed: Feed
    batch: int
    files: list[FileResult]
    is_unchanged: bool = False
    was_damaged: bool = False
    is_conflict: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether nothing was landed because of a file that cannot be read or is not there."""
        return any(file.status == "failed" for file in self.files)


@dataclass(frozen=True)
class FeedLoad:
    """One feed of one batch, ready to be loaded with `run`."""

    job: Job
    receipts: Receipts
    force: bool = False
    allowances: frozenset[Allowance] = frozenset()

    @property
    def bytes(self) -> int:
        """Size of all files as they are stored."""
        return sum(file.bytes for file in self.job.files)

    @property
    def effort(self) -> int:
        """A rough measure of the load time, in bytes of delimited text: other formats take longer per byte."""
        return self.bytes * (1 if self.job.feed.format == "delimited" else 10)

    def run(self, progress: Progress) -> FeedResult:
        """Load the feed; an error of reading or writing becomes a failed result, not an exception."""
        job = self.job
        try:
            try:
                result = self._result(progress)
                job.lake.remove(job.paths.failure)
            except FileFailure as failure:
                result = self._as_result([failure.result], is_conflict=failure.is_conflict)
                footer = {"contract": job.feed.fingerprint, "failed": vars(failure.result)}
                job.write_log(job.paths.failure, result.files, footer)
        except LakeError as error:
            result = self._as_result([FileResult("", "failed", message=str(error))])
        return result

    def _as_result(self, files: list[FileResult], **what: bool) -> FeedResult:
        return FeedResult(self.job.feed, self.job.batch, files, **what)

    def _result(self, progress: Progress) -> FeedResult:
        if not self.job.files:
            return self._missing()
        checksums = self._checksums()
        receipt = self._receipt(checksums)
        if receipt and not self.force:
            progress(self.bytes)
            self.receipts.confirm(self.job.feed.label, self.job.batch)
            files = [FileResult(**file) for file in receipt.files]
            return self._as_result(files, is_unchanged=True)
        landed = self._landed(checksums)
        is_intact = landed is not None and self._is_intact(landed)
        if landed is not None and is_intact and not self.force:
            progress(self.bytes)
            self._keep_receipt(landed)
            return self._as_result(landed, is_unchanged=True, is_conflict=bool(self._repeated))
        was_damaged = landed is not None and not is_intact
        allowances = self.allowances | self._remembered(checksums)
        files = Attempt(self.job, checksums, allowances, progress).run()
        self._keep_receipt(files)
        return self._as_result(files, was_damaged=was_damaged, is_conflict=bool(self._repeated))

    def _receipt(self, checksums: dict[str, str]) -> Receipt | None:
        """The receipt of exactly these files, if the lake still holds what the receipt says, and nothing else."""
        job = self.job
        receipt = self.receipts.find(job.feed.label, job.batch)
        if receipt is None or receipt.contract != job.feed.fingerprint:
            return None
        if {file["source_file"]: file["sha256"] for file in receipt.files} != checksums:
            return None
        paths = job.paths._asdict()
        is_sound = all(
            job.lake.is_intact(paths[name], receipt.sha256[name]) for name in receipt.sha256
        )
        if not is_sound or (
            "quarantine" not in receipt.sha256 and job.lake.exists(paths["quarantine"])
        ):
            return None
        return receipt

    def _keep_receipt(self, files: list[FileResult]) -> None:
        """Keep a receipt of what has landed, unless another batch may change that."""
        job = self.job
        has_quarantine = any(file.rows_quarantined for file in files)
        paths = {"data": job.paths.data, "log": job.paths.log}
        paths |= {"quarantine": job.paths.quarantine} if has_quarantine else {}
        sha256 = {
            name: checksum
            for name, path in paths.items()
            if (checksum := job.lake.sha256(path)) is not None
        }
        is_certain = sha256.keys() == paths.keys() and not self._repeated
        receipt = Receipt(job.feed.fingerprint, [vars(file) for file in files], sha256)
        self.receipts.put(job.feed.label, job.batch, receipt if is_certain else None)

    @property
    def _footer(self) -> dict[str, Any]:
        """What the loader wrote about the rows that are in the lake."""
        return self.job.history.footer(self.job.batch) or {}

    @property
    def _repeated(self) -> dict[str, list[str]]:
        """The batches whose changes were repeated, with the checksums of their files."""
        return self._footer.get("repeated") or {}

    def _remembered(self, checksums: dict[str, str]) -> set[Allowance]:
        """What was allowed when the same files landed before."""
        footer = self._footer
        landed = {file["source_file"]: file["sha256"] for file in footer.get("files", [])}
        if landed != checksums:
            return set()
        self.job.history.note_landed_before(self.job.batch)
        return set(map(Allowance, footer.get("allowed", [])))

    def _missing(self) -> FeedResult:
        job = self.job
        pattern = " or ".join(job.feed.files).replace("{batch}", str(job.batch))
        if job.feed.required:
            message = f"no file {pattern} in {job.sources.uri}; deliver it and load again"
            raise FileFailure(FileResult(pattern, "failed", message=message))
        result = self._as_result([FileResult(pattern, "missing")])
        footer = {"contract": job.feed.fingerprint, "missing": pattern}
        if not job.lake.exists(job.paths.data) and job.lake.footer(job.paths.log) != footer:
            job.write_log(job.paths.log, result.files, footer)
        return result

    def _checksums(self) -> dict[str, str]:
        """Checksum of each file by name; two deliveries of the same file are refused."""
        checksums: dict[str, str] = {}
        seen: dict[str, SourceFile] = {}
        for file in self.job.files:
            with Failing(file):
                checksums[file.name] = checksum = self.job.sources.sha256(file)
                twin = seen.setdefault(file.plain_name, file)
                if not self.job.feed.may_be_empty and twin is file:
                    twin = seen.setdefault(self._content(file, checksum), file)
                if twin is not file:
                    raise FileError(f"delivers the same as {twin.name}; remove one of them")
        return checksums

    def _content(self, file: SourceFile, checksum: str) -> str:
        """The checksum of what is in a file, compressed or not; that of the file itself if there is nothing to compare it with, or its archive is damaged."""
        if len(self.job.files) > 1 and file.is_compressed:
            with suppress(FileError):
                return self.job.sources.content_sha256(file)
        return checksum

    def _landed(self, checksums: dict[str, str]) -> list[FileResult] | None:
        """The results of the load that wrote the lake, if loading again would write the same."""
        lake, paths = self.job.lake, self.job.paths
        footer = lake.footer(paths.data)
        log_footer = lake.footer(paths.log) or {}
        # Compared before anything else is read: a damaged footer has other keys and values.
        if footer is None or log_footer != footer | {"sha256": log_footer.get("sha256")}:
            return None
        if footer["contract"] != self.job.feed.fingerprint:
            return None
        files = [FileResult(**file) for file in footer["files"]]
        if checksums != {file.source_file: file.sha256 for file in files}:
            return None
        if not self._are_repeats_still_there():
            return None
        has_quarantine = any(file.rows_quarantined for file in files)
        quarantine_footer = lake.footer(paths.quarantine)
        return files if quarantine_footer == (footer if has_quarantine else None) else None

    def _are_repeats_still_there(self) -> bool:
        """Whether the same repeats would be quarantined again: not if they are allowed now, or the other batch has changed."""
        history, repeated = self.job.history, self._repeated
        return not (repeated and Allowance.REPEATED in self.allowances) and all(
            history.checksums(int(batch)) == checksums for batch, checksums in repeated.items()
        )

    def _is_intact(self, files: list[FileResult]) -> bool:
        """Whether the files of the lake are unchanged, byte by byte."""
        lake, paths = self.job.lake, self.job.paths
        log_footer = lake.footer(paths.log) or {}
        checksums = log_footer.get("sha256") or {}
        has_quarantine = any(file.rows_quarantined for file in files)
        return (
            checksums.keys() == ({"data", "quarantine"} if has_quarantine else {"data"})
            and all(
                lake.is_intact(getattr(paths, name), checksum)
                for name, checksum in checksums.items()
            )
            and lake.holds(paths.log, self.job.log_rows(files))
        )


@dataclass
class FeedLoads:
    """The batches of one feed, loaded one after the other: what one lands decides what another one repeats."""

    steps: list[FeedLoad]
    results: dict[int, FeedResult] = field(default_factory=dict)

    @cached_property
    def effort(self) -> int:
        """That of all of them."""
        return sum(step.effort for step in self.steps)

    def run(self, progress: Progress) -> list[FeedResult]:
        """Load them in the order of their batches; then again those that conflicted with a batch that has since changed."""
        steps = self.steps
        for _ in self.steps:
            have_landed = [self._run_step(step, progress) for step in steps]
            steps = [
                replace(step, force=False)
                for step in steps
                if self.results[step.job.batch].is_conflict
            ]
            if not (steps and any(have_landed)):
                break
            progress = _without_progress
        return list(self.results.values())

    def _run_step(self, step: FeedLoad, progress: Progress) -> bool:
        """Run a step; returns whether something landed."""
        result = step.run(progress)
        batch = step.job.batch
        if batch not in self.results or not result.is_unchanged:
            self.results[batch] = result
        return not (result.is_unchanged or result.has_failed)


def _without_progress(_: int) -> None:
    """Do nothing: the bytes have already been counted."""
