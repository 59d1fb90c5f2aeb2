"""A place with planted records, deliveries and versions, and looks at it."""

import os
import socket
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from scripts.history.records import RunEnded, RunStarted, write_records
from scripts.load.lake import LOAD_LOG, QUARANTINE, Lake
from scripts.monitor.alerts import Look, take_look
from scripts.monitor.sight import Deadline, Places, Sight
from scripts.monitor.state import State
from scripts.monitor.thresholds import read_thresholds
from scripts.warehouse.processes import read_process
from scripts.warehouse.settings import Target
from tests.python.planted_version import write_version
from tests.python.run_records import system_read

NOW = datetime(2026, 11, 30, 9, 0)
# No process has this number: the greatest that Linux gives is four million.
NO_PROCESS = 5_000_000


@dataclass
class Planted:
    """Folders of a warehouse, and what the monitor remembers of it."""

    folder: Path
    state: State = field(default_factory=State)
    target: Target = Target.DUCKDB

    @property
    def places(self) -> Places:
        folder = self.folder
        return Places(
            str(folder / "lake"),
            folder / "warehouse.duckdb",
            folder / "published",
            folder / "runs",
            self.target,
        )

    def own_thresholds(self) -> Path:
        """A file of limits for monitors that are commands: the disk of the machine that runs the tests is not theirs."""
        own = self.folder / "own.yml"
        own.write_text("disk: {free_share: 0.0, free_files_share: 0.0}")
        return own

    def look(self, now: datetime = NOW, deadline: str = "", **limits: dict[str, object]) -> Look:
        thresholds = read_thresholds()
        for section, values in limits.items():
            thresholds[section] = thresholds[section] | values
        # The disk of the machine that runs the tests is not theirs.
        thresholds["disk"] |= {"free_share": 0.0, "free_files_share": 0.0} | limits.get("disk", {})
        sight = Sight(self.places, thresholds, now, Deadline.parse(deadline) if deadline else None)
        return take_look(sight, self.state)

    def checks(self, now: datetime = NOW, **options: object) -> list[str]:
        """The names of the checks that have found something."""
        return [alert.finding.check for alert in self.look(now, **options).active]

    def run(
        self,
        started_at: datetime,
        seconds: float | None = 60,
        status: str = "success",
        kind: str = "build",
        process_id: int = NO_PROCESS,
        process_started: int = 1,
        host: str | None = None,
        parent: str | None = None,
        warehouse: str = "data/warehouse.duckdb",
        message: str | None = None,
        has_nodes: bool = False,
        arguments: str = "",
        target: str = "duckdb",
    ) -> str:
        """Plant the records of a run; without `seconds`, it has not ended."""
        run_id = str(uuid4())
        started = RunStarted(
            run_id=run_id,
            kind=kind,
            parent_run_id=parent,
            started_at=started_at,
            host=host or socket.gethostname(),
            process_id=process_id,
            process_started=process_started,
            user_name="loader",
            target=target,
            warehouse=warehouse,
            arguments=arguments,
            project_version=None,
            batch=None,
        )
        if seconds is not None:
            # First, since a monitor may be looking: without its end, it would have been killed.
            ended_at = started_at + timedelta(seconds=seconds)
            self.end(run_id, ended_at, seconds, status, message, has_nodes)
        write_records(self.places.runs, [started], started_at)
        return run_id

    def end(
        self,
        run_id: str,
        ended_at: datetime,
        seconds: float,
        status: str = "success",
        message: str | None = None,
        has_nodes: bool = False,
    ) -> None:
        ended = RunEnded(
            run_id=run_id,
            ended_at=ended_at,
            status=status,
            message=message,
            seconds=seconds,
            cpu_seconds=1.0,
            peak_mib=100.0,
            rows_landed=None,
            rows_quarantined=None,
            nodes_failed=0 if has_nodes else None,
        )
        write_records(self.places.runs, [ended], ended_at)

    def read_system(
        self, read_at: datetime, system: str = "brokerage", warning: str | None = None
    ) -> None:
        """Plant the record of an extraction of one feed of a system."""
        usual = system_read(str(uuid4()), read_at)
        read = replace(usual, system=system, unknown_columns=None, warning=warning)
        write_records(self.places.runs, [read], read_at)

    def own_process(self) -> dict[str, int]:
        """This process, as that of a run."""
        process = read_process(os.getpid())
        assert process
        return {"process_id": process.process_id, "process_started": process.started}

    def deliver(
        self, batch: int, at: datetime, day: date | None = None, **feeds: dict[str, object]
    ) -> None:
        """Plant the log of a batch. Each feed, `system__feed`, has the values of its line in the load log; `reasons` are those of its quarantined rows."""
        lake = Lake(str(self.folder / "lake"))
        # The historical load, of which nothing is planted.
        (self.folder / "lake/control/load_log/batch_id=1").mkdir(parents=True, exist_ok=True)
        for name, given in feeds.items():
            system, feed = name.split("__")
            values = dict(given)
            reasons = values.pop("reasons", [])
            files = lake.batch_files(system, feed, batch)
            line = {
                "batch_id": batch,
                "system": system,
                "feed": feed,
                "source_file": f"Batch{batch}/{feed}.txt",
                "status": "loaded",
                "sha256": "0" * 64,
                "file_bytes": 100,
                "rows_landed": values.get("rows_read", 0),
                "rows_quarantined": len(reasons),
                "loaded_at": at,
            } | values
            path = files.failure if line["status"] == "failed" else files.log
            lake.write(path, pa.Table.from_pylist([line], LOAD_LOG))
            if line["status"] != "failed":
                lake.remove(files.failure)
            rows = [
                {"batch_id": batch, "system": system, "feed": feed, "reason": reason}
                for reason in reasons
            ]
            if rows:
                lake.write(files.quarantine, pa.Table.from_pylist(rows, QUARANTINE))
        if day:
            dates = pa.table({"batch_id": pa.array([batch], pa.int32()), "batch_date": [day]})
            lake.write(lake.path("control", "batch_date", batch), dates)

    def publish(self, at: datetime, batch: int = 3, version: str = "batch-3") -> Path:
        """Plant a published version of one file, and make it the current one."""
        folder = self.places.published / version
        folder.mkdir(parents=True)
        write_version(folder, batch, at.replace(tzinfo=UTC))
        beside = self.places.published / "beside"
        beside.symlink_to(version)
        beside.replace(self.places.published / "current")
        return folder
