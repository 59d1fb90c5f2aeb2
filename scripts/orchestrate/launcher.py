"""Each run of Dagster in a process of its own, which certainly ends when the run does.

Dagster's own launcher asks a run to stop and believes that it does. A process that hangs in the engine, or is stopped, does not; then its run counts as
ended, the warehouse stays locked, and the next run fails. Here the process, with all that it has started, is asked, and killed if it does not
answer. The process is written down at the run, so any process of Dagster can end it, also after a restart, and see that it has gone.

Usage, in dagster.yaml:
    run_launcher:
      module: scripts.orchestrate.launcher
      class: ProcessRunLauncher
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData, serialize_value

from scripts.history.recording import RUN_ARGUMENTS, process_started
from scripts.warehouse.workspace import ROOT

# The tag that names the process of a run: its number, and when it started.
PROCESS_TAG = "brokerage/process"
# What a process gets to write down that it was stopped, before it is killed.
SECONDS_TO_END = 10.0


@dataclass(frozen=True)
class Worker:
    """The process of a run, the first of its group; its number alone would mean another process some day."""

    process_id: int
    started: int

    @classmethod
    def of(cls, run: dg.DagsterRun) -> Self | None:
        """As written down at the run; None if it has not been launched."""
        try:
            process_id, started = run.tags[PROCESS_TAG].split()
            return cls(int(process_id), int(started))
        except (KeyError, ValueError):
            return None

    def tag(self) -> str:
        """To be written down at the run."""
        return f"{self.process_id} {self.started}"

    def is_alive(self) -> bool:
        """Whether it is there: a zombie, which nobody has waited for, is not."""
        return process_started(self.process_id) == self.started and not _is_zombie(self.process_id)

    def end(self) -> None:
        """End it and everything that it has started: ask, wait for it, and kill what is left."""
        self._signal(signal.SIGTERM, self.is_alive)
        self._signal(signal.SIGKILL, self._members)

    def _signal(self, number: int, is_left: Callable[[], object]) -> None:
        if not self._members():
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process_id, number)
        deadline = time.monotonic() + SECONDS_TO_END
        while is_left() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _members(self) -> list[int]:
        """The processes of its group that are there; its number is not given to another one while there are any."""
        if process_started(self.process_id) not in (self.started, None):
            return []
        found = {int(path.name): _status(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
        group = str(self.process_id)
        return [
            number
            for number, status in found.items()
            if status and status[2] == group and status[0] != "Z"
        ]


class ProcessRunLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Launches runs as processes of this machine."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inst_data = inst_data

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """See `ConfigurableClass`."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """See `ConfigurableClass`: there is nothing to configure."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """See `ConfigurableClass`."""
        return cls(inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        """See `RunLauncher`."""
        run = context.dagster_run
        origin = context.job_code_origin
        if origin is None:
            raise dg.DagsterInvariantViolationError(f"run {run.run_id} does not say from where")
        arguments = ExecuteRunArgs(
            job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref()
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "api", "execute_run", serialize_value(arguments)],
            cwd=ROOT,
            env=os.environ | {RUN_ARGUMENTS: f"job {run.job_name}"},
            stdin=subprocess.DEVNULL,
            # A group of its own: it can be ended as a whole, and Ctrl-C at the terminal is not for it.
            start_new_session=True,
        )
        # So that it does not stay a zombie; it goes on if this process ends.
        threading.Thread(target=process.wait, daemon=True).start()
        worker = Worker(process.pid, process_started(process.pid) or 0)
        self._instance.add_run_tags(run.run_id, {PROCESS_TAG: worker.tag()})
        self._instance.report_engine_event(
            f"Started process {process.pid}.", run, cls=self.__class__
        )

    def terminate(self, run_id: str) -> bool:
        """See `RunLauncher`. Returns when the process has gone."""
        run = self._instance.get_run_by_id(run_id)
        worker = Worker.of(run) if run else None
        if run is None or run.is_finished or worker is None:
            return False
        self._instance.report_run_canceling(run)
        worker.end()
        ended = self._instance.get_run_by_id(run_id)
        if ended and not ended.is_finished:
            self._instance.report_run_canceled(
                ended, f"Process {worker.process_id} did not answer, and was killed."
            )
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """See `RunLauncher`."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """See `RunLauncher`."""
        worker = Worker.of(run)
        if worker is None:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, "it has no process yet")
        if worker.is_alive():
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED, f"process {worker.process_id} has gone: killed, or out of memory"
        )


def _is_zombie(process_id: int) -> bool:
    status = _status(process_id)
    return bool(status) and status[0] == "Z"


def _status(process_id: int) -> list[str]:
    """State, parent, group and what else the kernel says of a process; nothing if it is not there."""
    with suppress(OSError):
        status = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
        # The name of the command, in parentheses, may hold anything.
        return status.rpartition(")")[2].split()
    return []
