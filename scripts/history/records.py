"""The records of runs: one is written when a run begins, one when it ends, and one for each node of dbt that it ran.

Usage:
    write_record(folder, RunStarted(...))
    for run in read_runs(folder):
        print(run.started.kind, run.ended.status if run.ended else "has not ended")

The folder is a source folder like any other: it has a folder for each day (`Batch20261130`), and in it files of JSON lines, which land by
their contracts (models/staging/operations). A file is written beside and renamed, so it is whole or not there. The files of a day that is over are
put together, and may be deleted when they have landed.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

Kind = TypeVar("Kind", bound="Record")
Figure = TypeVar("Figure", float, float | None)

# In the name of a file with all records of a kind and day.
_WHOLE_DAY = "day"
# What dbt says of a node that is red.
RED = ("error", "fail", "runtime error")
# A load puts the files of one day after the other together, each within a moment.
_ATTEMPTS = 3


class RecordError(Exception):
    """A record that cannot be read or written; names the file, and says what to do."""


@dataclass(frozen=True)
class Record:
    """A line of a file of records. All times are UTC.

    Attributes:
        feed: the first part of the name of its files.
        run_id: identifies the run; a UUID.
    """

    feed: ClassVar[str]
    run_id: str

    @property
    def written_once(self) -> str:
        """What is written at once, and replaced at once: the second part of the name of its file."""
        return self.run_id

    def as_line(self) -> str:
        """As JSON, without a line break; times as ISO 8601, to the microsecond."""
        return json.dumps(asdict(self), default=_time_text)

    @classmethod
    def from_line(cls, line: str) -> Self:
        """The record of a line of JSON; fields that it does not know are ignored.

        Raises:
            ValueError: it is not JSON, a field is missing, or a time is none.
        """
        values = json.loads(line)
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")  # noqa: TRY004
        known = {field.name: field for field in fields(cls)}
        given = {name: value for name, value in values.items() if name in known}
        if missing := known.keys() - given.keys():
            raise ValueError(f"{', '.join(sorted(missing))} is missing")
        times = {name for name, field in known.items() if "datetime" in str(field.type)}
        read: dict[str, Any] = {
            name: datetime.fromisoformat(value) if name in times and value else value
            for name, value in given.items()
        }
        return cls(**read)


@dataclass(frozen=True)
class RunStarted(Record):
    """A run has begun.

    Attributes:
        kind: `load`, `build`, `batches`, `publish` or another command.
        parent_run_id: the run that started it; None if a person or a schedule did.
        started_at: when.
        host: the machine.
        process_id: its process there.
        process_started: identifies the process together with its number, which the machine gives again: clock ticks since the machine started.
        user_name: who runs it, as the system says.
        target: where dbt builds.
        warehouse: the file, or the host, port and database, that it works on.
        arguments: of the command.
        project_version: the commit of the project; None if it is not a clone.
        batch: the number of the batch that it is about; None if it is about all.
    """

    feed = "run_started"
    kind: str
    parent_run_id: str | None
    started_at: datetime
    host: str
    process_id: int
    process_started: int
    user_name: str
    target: str
    warehouse: str
    arguments: str
    project_version: str | None
    batch: int | None


@dataclass(frozen=True)
class RunEnded(Record):
    """A run has ended; one that was killed has no such record.

    Attributes:
        ended_at: when.
        status: `success`, `failed`, or `stopped` (by a signal).
        message: what went wrong, in one line; None if nothing did.
        seconds: the time it took.
        cpu_seconds: processor time of its process and of those that it waited for.
        peak_mib: the most memory that its largest process had.
        rows_landed: of a load.
        rows_quarantined: of a load.
        nodes_failed: of a run of dbt.
    """

    feed = "run_ended"
    ended_at: datetime
    status: str
    message: str | None
    seconds: float
    cpu_seconds: float
    peak_mib: float
    rows_landed: int | None
    rows_quarantined: int | None
    nodes_failed: int | None


@dataclass(frozen=True)
class NodeRun(Record):
    """dbt has run a node, or skipped it.

    Attributes:
        invocation: what dbt calls its `invocation_id`.
        node_id: its unique name in the project, such as `model.brokerage_warehouse.dim_trade`.
        name: its name.
        kind: its resource type, such as `model` or `test`.
        schema_name: where it is built; None for a test or an exposure.
        status: as dbt calls it: `success`, `pass`, `warn`, `error`, `fail`, `skipped`.
        started_at: when; None if it was skipped.
        seconds: the time it took.
        row_count: rows that it wrote, or that failed a test; None if the engine does not say.
        message: what dbt or the engine says about it, in one line.
        sql_digest: a SHA-256 of its compiled query; None if it has none.
    """

    feed = "node_run"
    invocation: str
    node_id: str
    name: str
    kind: str
    schema_name: str | None
    status: str
    started_at: datetime | None
    seconds: float
    row_count: int | None
    message: str | None
    sql_digest: str | None

    @property
    def has_failed(self) -> bool:
        """Whether it was red."""
        return self.status in RED

    @property
    def written_once(self) -> str:
        """The nodes of one command of dbt; a run may have several."""
        return self.invocation


@dataclass(frozen=True)
class VisibleRows(Record):
    """What readers see of a table at one moment; the records of one look have the same run_id (scripts/publish/watch.py).

    Attributes:
        watch_id: identifies the reader that looks.
        observed_at: when; the same for all tables of a look.
        version: the published version.
        batch_id: the last batch that it holds.
        table_name: as the official audit calls it, such as `DimTrade`.
        row_count: its rows.
        joined_row_count: of a fact, those that find all their dimensions.
    """

    feed = "visibility"
    watch_id: str
    observed_at: datetime
    version: str
    batch_id: int
    table_name: str
    row_count: int
    joined_row_count: int | None


@dataclass(frozen=True)
class SystemRead(Record):
    """What an extraction has read of a feed of a living system (scripts/extract).

    Attributes:
        system: its name.
        feed_name: the feed.
        batch_number: the batch that it went to.
        read_at: when.
        rows_read: records, each of which is in the file of the feed; 0 for whole files.
        system_rows: how many the system itself says there are; None if it does not say.
        files: files written.
        bytes: of these files.
        retries: how often something was asked of the system again.
        lag_bytes: how much the system had that was not read yet when the extraction began; None if it does not say.
        lag_rows: the same in records.
        unknown_columns: columns that the contract does not know, with commas between them; None if there are none.
        warning: what people should look at, in one line; None if nothing.
    """

    feed = "system_read"
    system: str
    feed_name: str
    batch_number: int
    read_at: datetime
    rows_read: int
    system_rows: int | None
    files: int
    bytes: int
    retries: int
    lag_bytes: int | None
    lag_rows: int | None
    unknown_columns: str | None
    warning: str | None


@dataclass(frozen=True)
class ShareDelivery(Record):
    """A recipient was given a table of a share, or it was revoked (scripts/share).

    Attributes:
        action: `build`, `deliver`, `download` or `revoke`.
        delivered_at: when.
        recipient: who was given it.
        share: its name.
        version: of the share; None if it was revoked while there was none.
        published_version: that it was made from; None of what was revoked.
        published_batch: the last batch that this holds; None of what was revoked.
        table_name: as the recipient knows it.
        source_table: `schema.table` of the warehouse.
        row_count: rows of the dump, or of the files of a download; None of what was revoked.
        byte_count: of all its files, and those of its changes, or of the files of a download; None of what was revoked.
        column_names: that it has, with commas between them; None of what was revoked.
        personal_columns: those of them that are personal, as `column:transformation`, with commas between them; None if there are none.
        destination: where it was taken to; None of what was only built, or revoked.
        user_name: who has done it, as the system says; of a download, the number of the profile.
        reason: why it was revoked; None of what was given.
    """

    feed = "share_delivery"
    action: str
    delivered_at: datetime
    recipient: str
    share: str
    version: str | None
    published_version: str | None
    published_batch: int | None
    table_name: str
    source_table: str
    row_count: int | None
    byte_count: int | None
    column_names: str | None
    personal_columns: str | None
    destination: str | None
    user_name: str
    reason: str | None

    @property
    def written_once(self) -> str:
        """The tables of a share; a run may build several shares."""
        return f"{self.run_id}-{self.recipient}-{self.share}"


@dataclass(frozen=True)
class ModelCheck(Record):
    """Customers of today were compared with those that a model has learned from (scripts/learn/drift.py).

    Attributes:
        checked_at: when.
        model_name: of the model.
        model_version: of it.
        published_version: that was compared.
        published_batch: the last batch that this holds.
        check_name: what was compared.
        subject: a feature, `probability` or `model`.
        value: that was found.
        watch_from: from which value on it is watched.
        act_from: from which value on somebody acts.
        state: `ok`, `watch` or `act`.
    """

    feed = "model_check"
    checked_at: datetime
    model_name: str
    model_version: int
    published_version: str
    published_batch: int
    check_name: str
    subject: str
    value: float
    watch_from: float
    act_from: float
    state: str


@dataclass(frozen=True)
class ModelPromotion(Record):
    """A version of a model was given a role, or lost it (scripts/learn/registry.py), with the figures that it has on its hold-out.

    Attributes:
        promoted_at: when; with model and role, it identifies the promotion.
        model_name: of the model.
        role: `champion` or `challenger`.
        model_version: that has the role now; None if none has.
        previous_version: that had it before; None if none had.
        reason: why, as the program says it.
        note: why, in the words of who did it; None if nobody said anything.
        user_name: who did it, as the system says.
        kind: of estimator; this and what follows is None if no version has the role, or it cannot be read.
        published_version: that it has learned from.
        learned_until: the last date that it has learned from, as ISO 8601.
        judged_until: the last date that it was judged by.
        examples: of its hold-out.
        area: under the ROC curve there.
        area_low: with 95 % confidence, at least.
        area_high: at most.
        chance: how often chance reaches the area.
    """

    feed = "model_promotion"
    promoted_at: datetime
    model_name: str
    role: str
    model_version: int | None
    previous_version: int | None
    reason: str
    note: str | None
    user_name: str
    kind: str | None
    published_version: str | None
    learned_until: str | None
    judged_until: str | None
    examples: int | None
    area: float | None
    area_low: float | None
    area_high: float | None
    chance: float | None

    @property
    def written_once(self) -> str:
        """What a run records at once; it may promote again."""
        return f"{self.run_id}-{self.promoted_at:%Y%m%dT%H%M%S%f}"


@dataclass(frozen=True)
class ModelOutcome(Record):
    """What a version of a model said about a date, compared with what has happened since (scripts/learn/drift.py).

    Attributes:
        checked_at: when it was compared.
        model_name: of the model.
        role: `champion` or `challenger`.
        model_version: that has it.
        published_version: from which it is known what happened.
        published_batch: the last batch that this holds.
        as_of_date: the date, as ISO 8601.
        examples: that were scored as of it.
        expected: the sum of their probabilities: to so many it should have happened.
        happened: to so many it did.
        area: under the ROC curve; None if it happened to all or none.
    """

    feed = "model_outcome"
    checked_at: datetime
    model_name: str
    role: str
    model_version: int
    published_version: str
    published_batch: int
    as_of_date: str
    examples: int
    expected: float
    happened: int
    area: float | None


@dataclass(frozen=True)
class RecordedRun:
    """A run as far as it is recorded; `ended` is None while it runs, and for ever if it was killed."""

    started: RunStarted
    ended: RunEnded | None


def rounded(value: Figure) -> Figure:
    """A figure with four decimals: JSON writes small ones with an exponent, which the contracts take for no number."""
    return None if value is None else round(value, 4)


def write_records(folder: Path, records: Sequence[Record], at: datetime) -> Path | None:
    """Write records of one kind and one run (or one command of dbt) as a file; returns it, or None without records.

    Args:
        folder: of all records.
        records: they replace what was written for the same kind and run on the same day.
        at: decides the day whose folder it is.

    Raises:
        RecordError: the folder cannot be written.
    """
    if not records:
        return None
    first = records[0]
    file = folder / f"Batch{at:%Y%m%d}" / f"{first.feed}-{first.written_once}.jsonl"
    with _writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        _write_lines(file, [record.as_line().encode() for record in records])
    return file


def compact_finished_days(folder: Path, today: date) -> None:
    """Put the records of each day before yesterday into one file for each kind, so that a year is not a hundred thousand files.

    What killed processes have left there unfinished is removed.

    If it is interrupted, lines are there twice until it is called again. Nobody else may compact, or land the files, at the same time.

    Raises:
        RecordError: the folder cannot be read or written.
    """
    last = f"Batch{today - timedelta(days=2):%Y%m%d}"
    for day in sorted(folder.glob("Batch*")):
        if day.name > last:
            return
        with _writing(day):
            _compact(day)


def _compact(day: Path) -> None:
    for left in day.glob(".*.jsonl.*"):
        # Nobody writes into this day any more: whoever began it was killed.
        left.unlink(missing_ok=True)
    parts: dict[str, list[Path]] = {}
    for file in sorted(day.glob("*-*.jsonl")):
        parts.setdefault(file.name.partition("-")[0], []).append(file)
    for kind, files in parts.items():
        if len(files) > 1:
            whole = day / f"{kind}-{_WHOLE_DAY}.jsonl"
            # Each line once: an earlier attempt may have been interrupted before it removed what it had copied.
            lines = [line for file in files for line in file.read_bytes().split(b"\n") if line]
            _write_lines(whole, list(dict.fromkeys(lines)))
            for file in files:
                if file != whole:
                    file.unlink()


def _write_lines(file: Path, lines: Sequence[bytes]) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with beside.open("wb") as stream:
        stream.writelines(line + b"\n" for line in lines)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"{path}: {error.strerror}; set RUNS to a folder that can be written"
        ) from error


def read_runs(folder: Path, days: int | None = None) -> list[RecordedRun]:
    """All runs in the order in which they began; those of the last days only, if given. No folder has no runs.

    Raises:
        RecordError: a file cannot be read.
    """
    ended = {record.run_id: record for record in read_records(folder, RunEnded, days)}
    # By number: while a day is compacted, a record is there twice.
    started = {record.run_id: record for record in read_records(folder, RunStarted, days)}
    runs = [RecordedRun(record, ended.get(run_id)) for run_id, record in started.items()]
    return sorted(runs, key=lambda run: run.started.started_at)


def read_records(folder: Path, kind: type[Kind], days: int | None = None) -> list[Kind]:
    """All records of a kind, in the order of their days; those of the last days that have any, if given.

    Raises:
        RecordError: a file cannot be read; names it, and the line if it is about one.
    """
    for _ in range(_ATTEMPTS):
        # A load may have put it into the file of its day since the folder was listed.
        with suppress(FileNotFoundError):
            return list(_records(folder, kind, days))
    raise RecordError(f"{folder}: records vanish while they are read; try again")


def _records(folder: Path, kind: type[Kind], days: int | None) -> Iterator[Kind]:
    folders = sorted(folder.glob("Batch*"))
    for day in folders[-days:] if days else folders:
        for file in sorted(day.glob(f"{kind.feed}-*.jsonl")):
            for number, line in enumerate(_lines(file), start=1):
                try:
                    yield kind.from_line(line)
                except ValueError as error:
                    raise RecordError(f"{file}, line {number}: {error}; delete the file") from error


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise RecordError(f"{file}: not UTF-8; delete the file") from error
    except OSError as error:
        raise RecordError(
            f"{file}: {error.strerror}; read it as the user that loads and builds"
        ) from error


def _time_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"{value!r} cannot be written as JSON")
