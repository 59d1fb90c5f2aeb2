"""Record a run while it is going on: when it begins, the nodes that dbt runs, and how it ends.

Usage:
    with recorded_run("build", target) as run:
        builder.begin(run=run)
        builder.build_and_test("build")

How it ends is read from what leaves the block: nothing, or the exit code 0, is a success; an error or another exit code a failure; Ctrl-C, SIGTERM and
what is no error (Dagster ends its runs so) stop it. A process that is killed with SIGKILL leaves the record of its beginning only.

A run that begins inside another one, in the same process or in one that it starts (PARENT_RUN_ID), names it as its parent. Records never disturb
the work: if they cannot be written, one line on stderr says so.
"""

import getpass
import hashlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import typer

from scripts.history.records import (
    NodeRun,
    Record,
    RecordError,
    RunEnded,
    RunStarted,
    SystemRead,
    write_records,
)
from scripts.warehouse.clock import utc_now
from scripts.warehouse.process import cpu_seconds, peak_mib
from scripts.warehouse.processes import process_started as process_started
from scripts.warehouse.settings import ROOT, ConnectionSettings, PostgresError, Target, setting
from scripts.warehouse.spark_warehouse import SparkWarehouse

if TYPE_CHECKING:
    from scripts.extract.state import SystemState

    # It takes seconds to import, and a run that finds nothing to do does not need it.
    from scripts.warehouse.dbt import DbtRun, NodeResult

# Names the run that started this process, for the runs that begin in it.
PARENT_RUN_ID = "PARENT_RUN_ID"
# Stands for the arguments of this process, and of those that it starts, where they are those of a program, or would tell who somebody is.
RUN_ARGUMENTS = "RUN_ARGUMENTS"

# As many characters as the contracts of the records allow.
_LONGEST_TEXT = 2000
_STOPPED_BY = (signal.SIGTERM, signal.SIGHUP)


@dataclass
class OpenRun:
    """A run that is going on; what is told here goes into the record of its end.

    Attributes:
        run_id: identifies it; a UUID.
        rows_landed: rows that it brought into the lake; None if it is not a load.
        rows_quarantined: rows that violated their contract; None if it is not a load.
        nodes_failed: nodes of dbt that were red; None if dbt did not run.
        message: what went wrong; None until something does.
    """

    run_id: str
    rows_landed: int | None = None
    rows_quarantined: int | None = None
    nodes_failed: int | None = None
    message: str | None = None
    _started: float = field(default_factory=time.perf_counter)
    _cpu_started: float = field(default_factory=cpu_seconds)

    def add_nodes(self, run: "DbtRun") -> None:
        """Record the nodes of a command of dbt that has ended."""
        nodes = [_node_run(self.run_id, run.invocation, node) for node in run.nodes]
        failed = sum(node.has_failed for node in run.nodes)
        self.nodes_failed = (self.nodes_failed or 0) + failed
        _write(nodes)

    def add_systems_read(self, systems: "Mapping[str, SystemState]") -> None:
        """Record what was read of living systems."""
        _write(
            [
                _system_read(self.run_id, name, feed, state)
                for name, state in systems.items()
                for feed in state.feeds
            ]
        )

    def ended(self, status: str, message: str | None) -> RunEnded:
        """The record of its end, now."""
        return RunEnded(
            run_id=self.run_id,
            ended_at=utc_now(),
            status=status,
            message=_one_line(self.message or message),
            seconds=round(time.perf_counter() - self._started, 3),
            cpu_seconds=round(cpu_seconds() - self._cpu_started, 3),
            peak_mib=round(peak_mib(), 1),
            rows_landed=self.rows_landed,
            rows_quarantined=self.rows_quarantined,
            nodes_failed=self.nodes_failed,
        )


# The runs of this process that have not ended, the inner ones last.
_open_runs: list[OpenRun] = []


@contextmanager
def recorded_run(kind: str, target: Target, batch: int | None = None) -> Iterator[OpenRun]:
    """Record a run: that it has begun before the block, and how it ended after it.

    Args:
        kind: `load`, `build`, `batches`, `publish` or another command.
        target: where dbt builds.
        batch: the number of the batch that it is about; None if it is about all.
    """
    run = OpenRun(str(uuid4()))
    parent = os.environ.get(PARENT_RUN_ID, "")
    _write([_run_started(run.run_id, parent, kind, target, batch)])
    _open_runs.append(run)
    os.environ[PARENT_RUN_ID] = run.run_id
    try:
        with _ended_by_signals():
            yield run
    except BaseException as error:
        _write([run.ended(*_outcome(error))])
        raise
    else:
        _write([run.ended("failed" if run.message else "success", None)])
    finally:
        _open_runs.remove(run)
        _restore(PARENT_RUN_ID, parent)


def _outcome(error: BaseException) -> tuple[str, str | None]:
    """Status and message of a run that something has left."""
    code = error.exit_code if isinstance(error, typer.Exit) else None
    if code == 0:
        return "success", None
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "stopped", str(error) or "stopped by SIGINT"
    if not isinstance(error, Exception | SystemExit):
        return "stopped", f"stopped by {type(error).__name__}"
    # A command says what is wrong and leaves with a code; what was wrong is the cause.
    cause = error.__cause__ if code is not None and error.__cause__ else error
    return "failed", f"exit code {code}" if cause is error and code else _text_of(cause)


def _text_of(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a signal that ends the process write first that its runs have ended; outside the main thread, or where somebody else handles it, nothing."""
    is_main = threading.current_thread() is threading.main_thread()
    ours = [
        number for number in _STOPPED_BY if is_main and signal.getsignal(number) == signal.SIG_DFL
    ]
    process = os.getpid()

    def stop(number: int, _: Any) -> None:
        if os.getpid() == process:
            name = signal.Signals(number).name
            for run in reversed(_open_runs):
                _write([run.ended("stopped", f"stopped by {name}")])
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _run_started(
    run_id: str, parent: str, kind: str, target: Target, batch: int | None
) -> RunStarted:
    return RunStarted(
        run_id=run_id,
        kind=kind,
        parent_run_id=_uuid(parent),
        started_at=utc_now(),
        host=socket.gethostname(),
        process_id=os.getpid(),
        process_started=process_started(os.getpid()) or 0,
        user_name=user_name(),
        target=target,
        warehouse=_warehouse(target),
        arguments=_one_line(_without_passwords(_arguments())) or "",
        project_version=project_version(),
        batch=batch,
    )


@cache
def project_version() -> str | None:
    """The commit of the project; None if it is not a clone, or there is no Git."""
    with suppress(OSError, subprocess.SubprocessError):
        command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return found.stdout.strip()
    return None


def _uuid(text: str) -> str | None:
    with suppress(ValueError):
        return str(UUID(text))
    return None


def user_name() -> str:
    """Who runs this process, as the system says."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run under a number that has no name.
        return str(os.getuid())


def _warehouse(target: Target) -> str:
    if target == Target.POSTGRES:
        try:
            return ConnectionSettings.from_environment().label
        except PostgresError:
            return "unknown"
    if target == Target.SPARK:
        return SparkWarehouse.from_environment().label
    return str(Path(setting("WAREHOUSE")).absolute())


def _arguments() -> str:
    return os.environ.get(RUN_ARGUMENTS) or shlex.join(sys.argv[1:])


def _without_passwords(text: str) -> str:
    """The text without what stands before the host in an address."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)


def _node_run(run_id: str, invocation: str, node: "NodeResult") -> NodeRun:
    return NodeRun(
        run_id=run_id,
        invocation=invocation,
        node_id=node.node_id,
        name=node.name,
        kind=node.kind,
        schema_name=node.schema or None,
        status=node.status,
        started_at=node.started_at,
        seconds=round(node.seconds, 3),
        row_count=node.row_count,
        message=_one_line(node.message),
        sql_digest=hashlib.sha256(node.sql.encode()).hexdigest() if node.sql else None,
    )


def _system_read(run_id: str, system: str, feed: str, state: "SystemState") -> SystemRead:
    count = state.feeds[feed]
    return SystemRead(
        run_id=run_id,
        system=system,
        feed_name=feed.partition(".")[2],
        batch_number=state.batch,
        read_at=state.read_at,
        rows_read=count.rows,
        system_rows=count.system_rows,
        files=count.files,
        bytes=count.bytes,
        retries=state.retries,
        lag_bytes=state.lag_bytes,
        lag_rows=state.lag_rows,
        unknown_columns=_one_line(", ".join(count.unknown)),
        warning=_one_line("; ".join(state.warnings)),
    )


def _write(records: Sequence[Record]) -> None:
    """Write records; if that fails, say so once, and go on."""
    folder = setting("RUNS")
    try:
        write_records(Path(folder), records, utc_now())
    except RecordError as error:
        if folder not in _reported:
            _reported.add(folder)
            # What is said may go to a file on the same full disk.
            with suppress(OSError):
                typer.secho(f"Runs are not recorded: {error}", fg="yellow", err=True)


# Folders about which this process has said that they cannot be written.
_reported: set[str] = set()


def _one_line(text: str | None) -> str | None:
    """The text in one line that is not too long; None if there is none."""
    line = " ".join((text or "").split())
    if len(line) > _LONGEST_TEXT:
        line = f"{line[: _LONGEST_TEXT - 3]}..."
    return line or None


def _restore(name: str, value: str) -> None:
    if value:
        os.environ[name] = value
    else:
        os.environ.pop(name, None)
