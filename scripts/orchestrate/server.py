"""Dagster on this machine: its web server, and the daemon that runs sensors, schedules and the queue.

Usage:
    serve(instance_folder(), port=3000)     until Ctrl-C or SIGTERM, which end everything that it has started, runs too

Everything that runs is a descendant of this process: one whose parent has gone is given to it by the kernel, so at the end nothing is left.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dagster import DagsterInstance

from scripts.orchestrate.project import OrchestrateError, current_manifest
from scripts.warehouse.files import open_locked
from scripts.warehouse.ports import PortError, bound_socket
from scripts.warehouse.processes import tree_of
from scripts.warehouse.workspace import ROOT

HOST = "127.0.0.1"
# Of the instance; copied into its folder at each start.
CONFIGURATION = Path(__file__).with_name("dagster.yaml")
_CODE = ("-m", "scripts.orchestrate.location")
# Runs write down that they were stopped, then everything is killed.
_SECONDS_TO_END = 15.0
_SECONDS_TO_START = 180.0
# What a look of a sensor may take; Dagster gives it a minute.
SECONDS_OF_A_TICK = 180
_PROCESSES = Path("/proc/self/stat")
# Of Linux: orphans among the descendants become children (prctl.h).
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def serve(folder: Path, port: int) -> None:
    """Run Dagster until a signal ends it.

    Args:
        folder: of its instance; it is made if it is not there.
        port: of the web server, on the loopback interface.

    Raises:
        OrchestrateError: this is not Linux, it is running already, the port is taken, the project cannot be read, or a process has ended by itself.
    """
    if not _PROCESSES.exists():
        raise OrchestrateError(
            "Dagster is run on Linux only: runs are followed in /proc, which is not here; start `python -m scripts.batches` with cron"
        )
    with _only_one(folder):
        _check_free(port)
        os.environ.update(
            DAGSTER_HOME=str(folder),
            DAGSTER_DISABLE_TELEMETRY="1",
            DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS=str(SECONDS_OF_A_TICK),
        )
        print("Reading the project.", flush=True)
        current_manifest(folder)
        # Before web server and daemon do it at the same moment: then the tables of a new instance would be made twice.
        with DagsterInstance.from_config(str(folder)):
            pass
        _run(port)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Make the folder ready, and keep a second one out: two daemons on one instance would start everything twice."""
    path = folder / ".lock"
    try:
        lock = open_locked(path)
        shutil.copyfile(CONFIGURATION, folder / "dagster.yaml")
    except BlockingIOError as error:
        raise OrchestrateError(
            f"Dagster is running already for {folder} (process {path.read_text().strip()});"
            " open its page, or end it first"
        ) from error
    except OSError as error:
        raise OrchestrateError(
            f"{folder}: {error.strerror}; set DAGSTER_HOME to a folder that can be written"
        ) from error
    with lock:
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _check_free(port: int) -> None:
    try:
        bound_socket(HOST, port).close()
    except PortError as error:
        raise OrchestrateError(
            f"port {port} {error}; set PORT to another one, or end the program that has it"
        ) from error


def _run(port: int) -> None:
    """Start both processes, and end everything when a signal comes or one of them has ended."""
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: received.append(number))
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    web = ("dagster_webserver", "--host", HOST, "--port", str(port), *_CODE)
    started = {
        name: _start(command)
        for name, command in (("web server", web), ("daemon", ("dagster._daemon", "run", *_CODE)))
    }
    try:
        deadline, is_up = time.monotonic() + _SECONDS_TO_START, False
        while not received:
            for name, process in started.items():
                if process.poll() is not None:
                    raise OrchestrateError(
                        f"the {name} of Dagster has ended by itself ({process.returncode}); see its messages above"
                    )
            if not is_up and _answers(port):
                is_up = True
                print(f"Dagster is on http://{HOST}:{port}. Ctrl-C ends it.", flush=True)
            if not is_up and time.monotonic() > deadline:
                raise OrchestrateError(
                    "the web server of Dagster does not answer; see its messages above"
                )
            time.sleep(0.2)
        print("Ending Dagster.", flush=True)
    finally:
        try:
            # First those that start runs.
            _end(list(started.values()))
            _end_runs()
        finally:
            _end_descendants()


def _end(processes: "Sequence[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _SECONDS_TO_END
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        time.sleep(0.1)


def _end_runs() -> None:
    """End runs as somebody does in the page: they count as ended, not as failed, and start again with Dagster."""
    # Imported where it is needed: it takes seconds.
    import dagster as dg

    going_on = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=going_on)):
            instance.run_launcher.terminate(run.run_id)


def _start(command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        # Ctrl-C at the terminal is for this process, which ends the others in order.
        start_new_session=True,
        # If this process is killed, both end.
        preexec_fn=lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),
    )


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def _end_descendants() -> None:
    """Ask all processes below this one to end, wait, and kill what is left."""
    for number, seconds in ((signal.SIGTERM, _SECONDS_TO_END), (signal.SIGKILL, 5.0)):
        for process_id in _descendants():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process_id, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            _reap()
            if not _descendants():
                return
            time.sleep(0.1)


def _descendants() -> list[int]:
    """The numbers of all processes below this one."""
    return [process.process_id for process in tree_of(os.getpid())[1:]]


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _prctl(option: int, value: int) -> None:
    """Set an attribute of this process; only Linux has them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
