"""A run ends when Dagster says so, with all its processes, and the next one goes."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._daemon.monitoring.run_monitoring import monitor_started_run
from hanging import hanging
from working import working

from scripts.history.recording import process_started
from scripts.history.records import read_runs
from scripts.orchestrate import launcher, server
from scripts.orchestrate.launcher import ProcessRunLauncher, Worker
from scripts.orchestrate.server import CONFIGURATION

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "SECONDS_TO_END", 2.0)


def wait_for(what: str, is_so: Callable[[], object]) -> None:
    """Wait for something that takes seconds, also on a machine that is busy."""
    deadline = time.monotonic() + 300
    while not is_so():
        assert time.monotonic() < deadline, f"waited five minutes in vain until {what}"
        time.sleep(0.05)


def is_there(process_id: int) -> bool:
    worker = Worker(process_id, process_started(process_id) or 0)
    return worker.is_alive()


@pytest.fixture
def deaf() -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    yield process
    process.kill()
    process.wait()


def worker_of(process: "subprocess.Popen[str]") -> Worker:
    return Worker(process.pid, process_started(process.pid) or 0)


def test_a_process_that_ignores_the_request_is_killed(deaf: "subprocess.Popen[str]") -> None:
    worker_of(deaf).end()
    assert deaf.wait() == -signal.SIGKILL


def test_what_a_process_has_started_is_killed_also_if_it_ends_itself_when_it_is_asked() -> None:
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {DEAF!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        worker = worker_of(process)
        assert len(worker._members()) == 2
        worker.end()
        assert worker._members() == []
        assert process.wait() == -signal.SIGTERM


def test_a_process_that_is_stopped_is_killed(deaf: "subprocess.Popen[str]") -> None:
    os.kill(deaf.pid, signal.SIGSTOP)
    worker_of(deaf).end()
    assert deaf.wait() == -signal.SIGKILL


def test_another_process_with_the_same_number_is_left_alone(deaf: "subprocess.Popen[str]") -> None:
    other = Worker(deaf.pid, (process_started(deaf.pid) or 0) - 1)
    assert not other.is_alive()
    other.end()
    assert deaf.poll() is None


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with the configuration of the project."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(CONFIGURATION.read_text())
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


@pytest.fixture(autouse=True)
def job_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the process of the run, which does not have the path of pytest."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def start(instance: dg.DagsterInstance, definition: dg.JobDefinition = hanging, **tags: str) -> str:
    """Launch a run of a job, without the queue; returns its id."""
    job = dg.reconstructable(definition)
    run = instance.create_run_for_job(
        job.get_definition(), tags=tags, job_code_origin=job.get_python_origin()
    )
    instance.launch_run(run.run_id, workspace=None)
    return run.run_id


def look(instance: dg.DagsterInstance, run_id: str) -> None:
    """What the daemon does every ten seconds."""
    record = instance.get_run_record_by_id(run_id)
    monitor_started_run(instance, None, record, logging.getLogger())


def status(instance: dg.DagsterInstance, run_id: str) -> str:
    return instance.get_run_by_id(run_id).status.value


@pytest.fixture
def hanging_run(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, list[int]]]:
    """A run that hangs, and may take one second; its id and its processes."""
    told = tmp_path / "processes"
    monkeypatch.setenv("HANG_IN", str(told))
    run_id = start(instance, **{"dagster/max_runtime": "1"})
    wait_for("the run hangs", lambda: told.exists() or instance.get_run_by_id(run_id).is_finished)
    processes = [int(number) for number in told.read_text().split()]
    monkeypatch.delenv("HANG_IN")
    yield run_id, processes
    for process_id in filter(is_there, processes):
        os.kill(process_id, signal.SIGKILL)


def test_a_run_that_takes_too_long_is_red_its_processes_are_gone_and_the_next_one_goes(
    instance: dg.DagsterInstance, hanging_run: tuple[str, list[int]]
) -> None:
    run_id, processes = hanging_run
    assert all(map(is_there, processes))
    record = instance.get_run_record_by_id(run_id)
    wait_for("its time is over", lambda: time.time() - record.start_time > 1)
    look(instance, run_id)
    assert not any(map(is_there, processes))
    assert status(instance, run_id) == "FAILURE"
    said = [event.message for event in instance.all_logs(run_id)]
    assert any("Exceeded maximum runtime of 1 seconds" in message for message in said)
    following = start(instance)
    wait_for("the next run ends", lambda: instance.get_run_by_id(following).is_finished)
    assert status(instance, following) == "SUCCESS"


def test_a_run_whose_process_was_killed_is_red_at_the_next_look(
    instance: dg.DagsterInstance, hanging_run: tuple[str, list[int]]
) -> None:
    run_id, processes = hanging_run
    os.kill(processes[0], signal.SIGKILL)
    wait_for("the process is gone", lambda: not is_there(processes[0]))
    run = instance.get_run_by_id(run_id)
    health = ProcessRunLauncher.check_run_worker_health(instance.run_launcher, run)
    assert health.status == WorkerStatus.FAILED
    look(instance, run_id)
    assert status(instance, run_id) == "FAILURE"


def test_a_run_that_somebody_ends_in_the_page_is_canceled_and_gone(
    instance: dg.DagsterInstance, hanging_run: tuple[str, list[int]]
) -> None:
    run_id, processes = hanging_run
    assert instance.run_launcher.terminate(run_id)
    assert not any(map(is_there, processes))
    assert status(instance, run_id) == "CANCELED"
    assert not instance.run_launcher.terminate(run_id)


def test_a_run_that_is_ended_is_recorded_as_stopped_and_not_tried_again(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, runs = tmp_path / "at_work", tmp_path / "runs"
    monkeypatch.setenv("HANG_IN", str(at_work))
    monkeypatch.setenv("RUNS", str(runs))
    monkeypatch.setattr(launcher, "SECONDS_TO_END", 60.0)
    run_id = start(instance, working)
    wait_for("it works", lambda: at_work.exists() or instance.get_run_by_id(run_id).is_finished)
    assert instance.run_launcher.terminate(run_id)
    assert status(instance, run_id) == "CANCELED"
    retries = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY)
    assert list(retries) == []
    recorded = read_runs(runs)
    assert {run.started.arguments for run in recorded} == {"job working"}
    found = {run.started.kind: run.ended for run in recorded}
    assert {kind: (ended.status, ended.message) for kind, ended in found.items() if ended} == {
        "batches": ("stopped", "stopped by Dagster"),
        "build": ("stopped", "stopped by Dagster"),
    }


def test_runs_that_end_with_dagster_count_as_ended(
    instance: dg.DagsterInstance,
    hanging_run: tuple[str, list[int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id, processes = hanging_run
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    server._end_runs()
    assert not any(map(is_there, processes))
    assert status(instance, run_id) == "CANCELED"


def test_where_processes_cannot_be_followed_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_PROCESSES", tmp_path / "stat")
    with pytest.raises(server.OrchestrateError, match="on Linux only"):
        server.serve(tmp_path / "home", 3000)
    assert not (tmp_path / "home").exists()
