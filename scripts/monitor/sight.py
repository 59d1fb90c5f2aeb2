"""What one look sees. Everything is read when the first check asks for it, and only once.

Usage:
    sight = Sight(Places.from_environment(), read_thresholds(), utc_now())
    sight.runs, sight.deliveries, sight.database, sight.publication
"""

import re
import socket
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from scripts.history.records import RecordedRun, SystemRead, read_records, read_runs
from scripts.monitor.deliveries import Deliveries, read_deliveries
from scripts.monitor.sessions import Database, read_database
from scripts.monitor.thresholds import Thresholds
from scripts.publish.manifest import MANIFEST, Manifest
from scripts.publish.versions import CURRENT
from scripts.warehouse.processes import has_ended
from scripts.warehouse.settings import ConnectionSettings, Target, setting


class SightError(Exception):
    """Something that cannot be read; says what, why, and what to do."""


@dataclass(frozen=True)
class Places:
    """Where lake, warehouse, published versions and records are, from the same variables as everywhere."""

    lake: str
    warehouse: Path
    published: Path
    runs: Path
    target: Target

    @classmethod
    def from_environment(cls) -> "Places":
        """Those that the environment names, or the defaults.

        Raises:
            SightError: DBT_TARGET names no engine.
        """
        try:
            target = Target(setting("DBT_TARGET"))
        except ValueError as error:
            raise SightError(f"DBT_TARGET: {error}; set it to {' or '.join(Target)}") from error
        return cls(
            setting("LAKE"),
            Path(setting("WAREHOUSE")),
            Path(setting("PUBLISHED")),
            Path(setting("RUNS")),
            target,
        )


@dataclass(frozen=True)
class Publication:
    """The version that readers see.

    Attributes:
        problem: why it cannot be read; None if it is whole.
        version: its name; empty if its manifest cannot be read.
        batch: its last batch; None if its manifest cannot be read.
        published_at: when, in UTC; None if its manifest cannot be read.
    """

    problem: str | None
    version: str = ""
    batch: int | None = None
    published_at: datetime | None = None


@dataclass
class Sight:
    """What one look sees.

    Attributes:
        places: where to look.
        thresholds: the limits.
        now: the time of the look, in UTC.
        deadline: the time of day until which the batch is finished; None if there is none.
        memory: what checks remember until the next look, by check.
    """

    places: Places
    thresholds: Thresholds
    now: datetime
    deadline: "Deadline | None" = None
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)

    def remembered(self, check: str) -> dict[str, Any]:
        """What a check remembers; it may change it."""
        return self.memory.setdefault(check, {})

    @cached_property
    def host(self) -> str:
        """This machine."""
        return socket.gethostname()

    @cached_property
    def runs(self) -> list[RecordedRun]:
        """The recorded runs of the days that are compared with, in the order in which they began.

        Raises:
            RecordError: a record cannot be read.
        """
        runs = self._read_runs()
        if not any(run.ended is None and self.is_gone(run) for run in runs):
            return runs
        # It may have ended after the records of ends were read, and before its process was looked at.
        return self._read_runs()

    def _read_runs(self) -> list[RecordedRun]:
        days = self.thresholds["history"]["days"]
        return [_in_utc(run) for run in read_runs(self.places.runs, days)]

    def is_gone(self, run: RecordedRun) -> bool:
        """Whether the process of a run has certainly ended; of other machines nothing is known."""
        started = run.started
        return bool(has_ended(started.host, started.process_id, started.process_started))

    @cached_property
    def running(self) -> list[RecordedRun]:
        """The runs that have begun and neither ended nor died, without those that another one has started."""
        return [
            run
            for run in self.runs
            if run.ended is None and run.started.parent_run_id is None and not self.is_gone(run)
        ]

    @cached_property
    def systems_read(self) -> list[SystemRead]:
        """What was read from living systems on the days that are compared with.

        Raises:
            RecordError: a record cannot be read.
        """
        days = self.thresholds["history"]["days"]
        reads = read_records(self.places.runs, SystemRead, days)
        return [replace(read, read_at=to_utc(read.read_at)) for read in reads]

    @cached_property
    def deliveries(self) -> Deliveries:
        """What has landed of the batches that are compared with.

        Raises:
            DeliveriesError: the lake cannot be read.
        """
        return read_deliveries(self.places.lake, self.thresholds["history"]["days"])

    @cached_property
    def database(self) -> Database | None:
        """The database; None if the warehouse is a file.

        Raises:
            PostgresError: PGPORT is not a number.
        """
        if self.places.target != Target.POSTGRES:
            return None
        return read_database(ConnectionSettings.from_environment())

    @cached_property
    def publication(self) -> Publication | None:
        """The version that readers see; None if nothing was ever published."""
        return read_publication(self.places.published)


def read_publication(published: Path) -> Publication | None:
    """The version that `current` names; None if nothing was ever published."""
    current = published / CURRENT
    if not (current.is_symlink() or current.exists()):
        return None
    folder = current.resolve()
    found = _read_version(folder)
    if found.problem and current.resolve() != folder:
        # Meanwhile a newer version was published, and this one may have been removed.
        return _read_version(current.resolve())
    return found


def _read_version(folder: Path) -> Publication:
    file = folder / MANIFEST
    try:
        manifest = Manifest.from_json(file.read_text(encoding="utf-8"))
        missing = _missing_files(folder, manifest)
    except OSError as error:
        return Publication(f"{file}: {error.strerror}")
    except ValueError as error:
        return Publication(f"{file}: {error}")
    problem = f"{folder}: {', '.join(missing)} is not there, or not whole" if missing else None
    at = to_utc(manifest.published_at)
    return Publication(problem, manifest.version, manifest.batch_id, at)


def _missing_files(folder: Path, manifest: Manifest) -> list[str]:
    """The files of the readers that the manifest names, and that are not there, or have another size."""
    return [
        reader.file
        for reader in manifest.readers.values()
        if reader.file
        and not (
            (folder / reader.file).exists()
            and (folder / reader.file).stat().st_size == reader.bytes
        )
    ]


def _in_utc(run: RecordedRun) -> RecordedRun:
    """The same run; whoever wrote its records may have written a time zone."""
    started, ended = run.started, run.ended
    return RecordedRun(
        replace(started, started_at=to_utc(started.started_at)),
        ended and replace(ended, ended_at=to_utc(ended.ended_at)),
    )


def to_utc(time: datetime) -> datetime:
    """A time in UTC, without a time zone; one without is in UTC already."""
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DEADLINE = re.compile(r"(?:(\w{3})-(\w{3}) )?(\d\d):(\d\d)Z?")


@dataclass(frozen=True)
class Deadline:
    """A time of day on some days of the week, local or in UTC."""

    days: tuple[int, ...]
    hour: int
    minute: int
    is_utc: bool

    @classmethod
    def parse(cls, text: str) -> "Deadline":
        """From `06:30` (local time), `06:30Z` (UTC) or `Mon-Fri 06:30`.

        Raises:
            SightError: it is none of these.
        """
        match = _DEADLINE.fullmatch(text.strip())
        given = match and (
            match[1] or _DAYS[0],
            match[2] or _DAYS[-1],
            int(match[3]),
            int(match[4]),
        )
        if not given or not ({*given[:2]} <= {*_DAYS} and given[2] < 24 and given[3] < 60):
            raise SightError(
                f"BATCH_DEADLINE={text}: write it as 06:30, 06:30Z (UTC) or `Mon-Fri 06:30`"
            )
        first, last = _DAYS.index(given[0]), _DAYS.index(given[1])
        days = range(first, last + 1 if first <= last else last + 8)
        return cls(tuple(day % 7 for day in days), given[2], given[3], text.strip().endswith("Z"))

    def last_before(self, now: datetime) -> datetime | None:
        """The last one that has passed within a day, in UTC; None if there was none.

        Args:
            now: the time, in UTC, without a time zone.
        """
        local = now.replace(tzinfo=UTC).astimezone(UTC if self.is_utc else None)
        for days_ago in (0, 1):
            day = local - timedelta(days=days_ago)
            # Without its offset, which may have been another one at that time.
            naive = day.replace(
                hour=self.hour, minute=self.minute, second=0, microsecond=0, tzinfo=None
            )
            at = to_utc(naive.replace(tzinfo=UTC) if self.is_utc else naive.astimezone())
            if at <= now and naive.weekday() in self.days:
                return at if now - at < timedelta(days=1) else None
        return None
