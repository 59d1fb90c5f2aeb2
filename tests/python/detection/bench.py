"""A lake with a month of clean days, a warehouse built from it, and the monitor that watches both.

Usage:
    bench = Bench(folder, days=30)
    bench.prepare()                     loads day by day; the monitor looks at each
    bench.begin()
    with bench.watched({"runs": {"hanging_seconds": 3}}) as watch:
        ...                             cause the fault
        watch.seconds_until("run_hanging")
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, TextIO
from uuid import uuid4

import yaml

from brokerage_sources.generate import Parameters, generate
from scripts.history.records import RecordedRun, read_runs, write_records
from scripts.load.run import LoadOptions, load
from scripts.monitor.alerts import take_look
from scripts.monitor.sight import Places, Sight
from scripts.monitor.state import State
from scripts.monitor.thresholds import read_thresholds
from scripts.warehouse.clock import utc_now
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.planted_version import write_version
from tests.python.run_records import green_run

SCALE_FACTOR = 0.02
SECONDS_BETWEEN_LOOKS = 1
# A fault that was not noticed until then is not noticed.
SECONDS_TO_NOTICE = 400
_PLANTED = "batch-planted"
# Only what a fault is about shall be near its limit: neither the disk of this machine, nor the time of the day.
_CALM: dict[str, dict[str, Any]] = {
    "disk": {"free_share": 0.0, "free_files_share": 0.0},
    "batch": {"grace_seconds": 86400},
}

Limits = dict[str, dict[str, Any]]
Look = dict[str, Any]


class BenchError(Exception):
    """There is nothing to measure: what should work without a fault did not."""


@dataclass
class Watch:
    """A monitor that looks again and again, and what it has said."""

    looks: "Queue[tuple[float, Look]]"
    process: "subprocess.Popen[str]"
    caused_at: float = field(default_factory=time.monotonic)

    def cause(self) -> None:
        """The fault happens now."""
        self.caused_at = time.monotonic()

    def seconds_until(self, check: str, key: str = "alerts") -> float | None:
        """Seconds from the fault until a look says it; None if none does.

        Args:
            check: what says it.
            key: `alerts` until it is noticed, `over` until it is over.
        """
        begin = time.monotonic()
        while (left := begin + SECONDS_TO_NOTICE - time.monotonic()) > 0:
            try:
                at, look = self.looks.get(timeout=left)
            except Empty:
                break
            if any(alert["check"] == check for alert in look[key]):
                return max(0.0, at - self.caused_at)
        return None


@dataclass
class Bench:
    """A folder in which faults are made.

    Attributes:
        folder: for all of it.
        days: daily batches before today.
        clean_looks: looks at clean days so far.
        alarms: what the monitor said about clean days: nothing, if it is right.
    """

    folder: Path
    days: int
    clean_looks: int = 0
    alarms: list[str] = field(default_factory=list)
    _build_seconds: float | None = None

    @property
    def today(self) -> int:
        """The number of the batch of today."""
        return self.days + 2

    @property
    def work(self) -> Path:
        """The folder of the current fault."""
        return self.folder / "work"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which load, build and monitor work in it."""
        workspace = Workspace.on_duckdb(self.work).with_variables(
            SOURCES=str(self.work / "sources"),
            PUBLISHED=str(self.work / "published"),
            # Kept from fault to fault: dbt reads the project again when a place changes.
            DBT_TARGET_PATH=str(self.folder / "target"),
            DBT_LOG_PATH=str(self.folder / "logs"),
        )
        return os.environ | workspace.environment

    @property
    def runs(self) -> Path:
        """The records of runs."""
        return self.work / "runs"

    def prepare(self) -> None:
        """Generate the sources, and load all batches but the last one, each as if on a day of its own; the monitor looks at each day.

        Raises:
            BenchError: a batch does not load.
        """
        sources = self.work / "sources"
        parameters = Parameters(scale_factor=SCALE_FACTOR, incremental_batches=self.days + 1)
        generate(parameters, sources, workers=1)
        self._move(sources, self.folder / "today")
        state = State()
        first = utc_now() - timedelta(days=self.days, minutes=20)
        for batch in range(1, self.today):
            at = first + timedelta(days=batch - 2 if batch > 1 else -3)
            options = LoadOptions(
                str(sources),
                str(self.work / "lake"),
                batches=(batch,),
                clock=lambda at=at: at,  # type: ignore[misc]
            )
            if failures := load(options).failures:
                raise BenchError(f"batch {batch} does not load: {'; '.join(failures)}")
            for hours in (1, 8, 16, 23):
                self._look(at + timedelta(hours=hours), state)
        self._plant_version()
        self._save()

    def _look(self, now: datetime, state: State) -> None:
        thresholds = read_thresholds()
        thresholds["disk"] |= _CALM["disk"]
        work = self.work
        places = Places(
            str(work / "lake"),
            work / "warehouse.duckdb",
            work / "published",
            self.runs,
            Target.DUCKDB,
        )
        look = take_look(Sight(places, thresholds, now), state)
        self.clean_looks += 1
        self.alarms += [f"{now}: {alert.finding.what}" for alert in look.active]

    def ensure_built(self) -> None:
        """Build the warehouse, once; and know how long the build of one more day takes.

        Raises:
            BenchError: a build is red.
        """
        if self._build_seconds is not None:
            return
        self.begin()
        self.run("scripts.build")
        shutil.rmtree(self.runs)
        shutil.rmtree(self.work / "published")
        self._plant_version()
        self._save()
        self.deliver()
        self.run("scripts.load")
        started = time.monotonic()
        self.run("scripts.build")
        self._build_seconds = time.monotonic() - started
        self.begin()
        for days_ago in range(2, 12):
            # Finished in time yesterday, and nothing today: no deadline of yesterday was missed.
            at = utc_now() - timedelta(days=days_ago - 0.25)
            self._plant_build(at, self._build_seconds)
        self._save()

    def begin(self) -> None:
        """Restore the state before the batch of today; processes of an earlier fault have ended."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.folder / "saved", self.work, symlinks=True)

    def _save(self) -> None:
        shutil.rmtree(self.folder / "saved", ignore_errors=True)
        shutil.copytree(self.work, self.folder / "saved", symlinks=True)

    def deliver(self) -> Path:
        """Put the batch of today into the source folder; returns its folder."""
        for path in (self.folder / "today").iterdir():
            target = self.work / "sources" / path.name
            (shutil.copytree if path.is_dir() else shutil.copy)(path, target)
        return self.work / "sources" / f"Batch{self.today}"

    def deliver_again(self, name: str) -> None:
        """Put a file of the batch of today into its place, as it should be."""
        batch = f"Batch{self.today}"
        shutil.copy(self.folder / "today" / batch / name, self.work / "sources" / batch / name)

    def _move(self, sources: Path, target: Path) -> None:
        target.mkdir()
        for path in sources.glob(f"Batch{self.today}*"):
            path.rename(target / path.name)

    def start(
        self, module: str, *arguments: str, variables: dict[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a command of the project; variables may take the place of those of the bench."""
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=self.environment | (variables or {}),
                stdout=output,
                stderr=output,
            )

    def run(
        self,
        module: str,
        *arguments: str,
        expected: int = 0,
        variables: dict[str, str] | None = None,
    ) -> None:
        """Run a command of the project to its end; see `start`.

        Raises:
            BenchError: it ends with another exit code.
        """
        code = self.start(module, *arguments, variables=variables).wait()
        if code != expected:
            said = (self.folder / "output.txt").read_text(errors="replace")[-2000:]
            raise BenchError(f"{module} ended with {code}, not {expected}: {said}")

    def wait_for_record(self, kind: str, process: "subprocess.Popen[bytes]") -> None:
        """Wait until a process has recorded that its run has begun.

        Raises:
            BenchError: it ends without.
        """
        while True:
            # Before the records are read: it may record and end after they were.
            is_over = process.poll() is not None
            if any(run.started.kind == kind for run in self._runs_of(process)):
                return
            if is_over:
                raise BenchError(f"{kind} ended before it recorded anything")
            time.sleep(0.05)

    def has_recorded_end(self, process: "subprocess.Popen[bytes]") -> bool:
        """Whether the run of a process has recorded its end."""
        return any(run.ended for run in self._runs_of(process))

    def _runs_of(self, process: "subprocess.Popen[bytes]") -> list[RecordedRun]:
        runs = read_runs(self.runs, days=2)
        return [run for run in runs if run.started.process_id == process.pid]

    def _plant_version(self) -> None:
        """A version that was published a day ago; it holds the form of one, and no data."""
        folder = self.work / "published" / _PLANTED
        folder.mkdir(parents=True)
        published_at = (utc_now() - timedelta(hours=30)).replace(tzinfo=UTC)
        write_version(folder, self.today - 1, published_at)
        self.switch_to_planted_version()

    def switch_to_planted_version(self) -> None:
        """Let `current` lead to the version of a day ago, whatever was published since."""
        published = self.work / "published"
        beside = published / ".beside"
        beside.symlink_to(_PLANTED)
        beside.replace(published / "current")

    def _plant_build(self, at: datetime, seconds: float) -> None:
        """The records of a green build that had work."""
        run = green_run("build", str(uuid4()), at, seconds, str(self.work / "warehouse.duckdb"))
        assert run.ended
        write_records(self.runs, [run.started], at)
        write_records(self.runs, [run.ended], at)

    @contextmanager
    def watched(self, limits: Limits, **variables: str) -> Iterator[Watch]:
        """A monitor that looks every second, once its first look was silent.

        Args:
            limits: thresholds that hold instead of those of the project.
            variables: of its environment.

        Raises:
            BenchError: it says something before there is a fault, or cannot look.
        """
        own = self.folder / "thresholds.yml"
        sections = {name: _CALM.get(name, {}) | limits.get(name, {}) for name in (*_CALM, *limits)}
        own.write_text(yaml.safe_dump(sections), encoding="utf-8")
        command = [sys.executable, "-m", "scripts.monitor", "--json", "--thresholds", str(own)]
        monitor = subprocess.Popen(
            [*command, "--every", str(SECONDS_BETWEEN_LOOKS)],
            cwd=ROOT,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert monitor.stdout
        watch = Watch(Queue(), monitor)
        reader = Thread(target=_read_looks, args=(monitor.stdout, watch.looks), daemon=True)
        reader.start()
        try:
            _, first = watch.looks.get(timeout=SECONDS_TO_NOTICE)
            if first["alerts"] or first["blind"]:
                raise BenchError(f"there is something to tell before the fault: {first}")
            yield watch
        finally:
            monitor.terminate()
            monitor.wait()
            reader.join()
            monitor.stdout.close()


def _read_looks(lines: TextIO, looks: "Queue[tuple[float, Look]]") -> None:
    for line in lines:
        looks.put((time.monotonic(), json.loads(line)))
