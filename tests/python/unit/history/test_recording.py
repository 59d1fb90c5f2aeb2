"""The records that runs leave: how each way to end is recorded, and that records never disturb the work."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from scripts.history import recording
from scripts.history.recording import RUN_ARGUMENTS, recorded_run
from scripts.history.records import NodeRun, RecordedRun, read_records, read_runs
from scripts.warehouse.dbt import DbtRun, NodeResult
from scripts.warehouse.processes import process_started
from scripts.warehouse.settings import Target, environment_variable

WORK = """
import os, signal, sys
from scripts.history.recording import recorded_run
from scripts.warehouse.settings import Target
# Who is started by nohup ignores SIGHUP, and so do all whom they start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
with recorded_run("batches", Target.DUCKDB), recorded_run("build", Target.DUCKDB, 2):
    os.kill(os.getpid(), signal.Signals[sys.argv[1]])
    signal.pause()
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the records."""
    monkeypatch.setenv("RUNS", str(tmp_path))
    monkeypatch.delenv(recording.PARENT_RUN_ID, raising=False)
    return tmp_path


def the_run(runs: Path) -> RecordedRun:
    (run,) = read_runs(runs)
    return run


def work(name: str) -> "subprocess.CompletedProcess[str]":
    """Send a signal to a process that has two runs, one in the other."""
    command = [sys.executable, "-c", WORK, name]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_arguments_that_tell_who_somebody_is_are_not_recorded(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["govern", "erase", "--prospect", "PIPERANN"])
    with environment_variable(RUN_ARGUMENTS, "erase"), recorded_run("erase", Target.DUCKDB):
        pass
    assert the_run(runs).started.arguments == "erase"
    assert RUN_ARGUMENTS not in os.environ


def test_a_run_is_recorded_before_its_work_and_after_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE", "here.duckdb")
    monkeypatch.setattr(sys, "argv", ["load", "--sources", "s3://key:secret@bucket/a b"])
    with recorded_run("load", Target.DUCKDB, 3) as open_run:
        begun = the_run(runs)
        assert begun.ended is None
        open_run.rows_landed, open_run.rows_quarantined = 5, 1
    started, ended = the_run(runs).started, the_run(runs).ended
    assert started == begun.started
    assert (started.kind, started.target, started.batch) == ("load", "duckdb", 3)
    assert started.warehouse == str(Path.cwd() / "here.duckdb")
    assert started.arguments == "--sources 's3://***@bucket/a b'"
    assert (started.process_id, started.parent_run_id) == (os.getpid(), None)
    assert started.process_started == process_started(os.getpid())
    assert ended is not None
    assert (ended.status, ended.message) == ("success", None)
    assert (ended.rows_landed, ended.rows_quarantined, ended.nodes_failed) == (5, 1, None)
    assert ended.peak_mib > 1
    assert ended.ended_at >= started.started_at
    assert started.started_at.tzinfo is None


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (typer.Exit(0), "success", None),
        (typer.Exit(1), "failed", "exit code 1"),
        (SystemExit(2), "failed", "2"),
        (ValueError("two\n lines"), "failed", "two lines"),
        (ValueError(), "failed", "ValueError"),
        (KeyboardInterrupt(), "stopped", "stopped by SIGINT"),
        (KeyboardInterrupt("ended\nby a person"), "stopped", "ended by a person"),
        (typer.Abort(), "stopped", "stopped by SIGINT"),
        (GeneratorExit(), "stopped", "stopped by GeneratorExit"),
    ],
)
def test_what_leaves_the_run_says_how_it_ended(
    runs: Path, error: BaseException, status: str, message: str | None
) -> None:
    with pytest.raises(type(error)), recorded_run("load", Target.DUCKDB):
        raise error
    ended = the_run(runs).ended
    assert ended is not None
    assert (ended.status, ended.message) == (status, message)


def test_the_cause_of_an_exit_code_is_the_message(runs: Path) -> None:
    def fail() -> None:
        raise typer.Exit(2) from OSError("x" * 3000)

    with pytest.raises(typer.Exit), recorded_run("load", Target.DUCKDB):
        fail()
    ended = the_run(runs).ended
    assert ended is not None and ended.message is not None
    assert len(ended.message) == 2000
    assert ended.message.endswith("x...")


def test_a_run_inside_another_one_names_it_in_other_processes_too(runs: Path) -> None:
    inside = "from scripts.history.recording import *\nwith recorded_run('load', 'duckdb'): pass"
    with recorded_run("batches", Target.DUCKDB) as parent:
        with recorded_run("build", Target.DUCKDB):
            pass
        subprocess.run([sys.executable, "-c", inside], check=True)
    with recorded_run("publish", Target.DUCKDB):
        pass
    parents = {run.started.kind: run.started.parent_run_id for run in read_runs(runs)}
    assert parents == {
        "batches": None,
        "build": parent.run_id,
        "load": parent.run_id,
        "publish": None,
    }


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_process_and_is_recorded(runs: Path, name: str) -> None:
    assert work(name).returncode == -signal.Signals[name]
    found = {run.started.kind: run.ended for run in read_runs(runs)}
    assert found.keys() == {"batches", "build"}
    for ended in found.values():
        assert ended is not None
        assert (ended.status, ended.message) == ("stopped", f"stopped by {name}")


def test_a_killed_process_leaves_runs_that_have_not_ended(runs: Path) -> None:
    assert work("SIGKILL").returncode == -signal.SIGKILL
    assert [run.ended for run in read_runs(runs)] == [None, None]


def test_handlers_of_signals_are_as_before(runs: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with recorded_run("load", Target.DUCKDB):
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
    with recorded_run("load", Target.DUCKDB):
        pass
    assert signal.getsignal(signal.SIGTERM) == before


def test_work_goes_on_without_records(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "file").write_text("")
    monkeypatch.setenv("RUNS", str(runs / "file"))
    with recorded_run("load", Target.DUCKDB):
        done = True
    assert done
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Runs are not recorded: ")
    assert "set RUNS to a folder that can be written" in lines[0]


def test_nodes_are_recorded_with_each_command_of_dbt(runs: Path) -> None:
    def node(name: str, status: str) -> NodeResult:
        return NodeResult(
            name, "marts", "model", status, "bad\n", 1.5, "select 1", f"m.{name}", None, 3
        )

    with recorded_run("build", Target.DUCKDB) as run:
        run.add_nodes(FakeRun("one", [node("a", "success"), node("b", "error")]))
        run.add_nodes(FakeRun("two", [node("a", "success")]))
    nodes = list(read_records(runs, NodeRun))
    assert sorted((node.invocation, node.name, node.status) for node in nodes) == [
        ("one", "a", "success"),
        ("one", "b", "error"),
        ("two", "a", "success"),
    ]
    assert {(node.run_id, node.message, node.row_count) for node in nodes} == {
        (run.run_id, "bad", 3)
    }
    assert all(len(node.sql_digest or "") == 64 for node in nodes)
    ended = the_run(runs).ended
    assert ended is not None
    assert ended.nodes_failed == 1


class FakeRun(DbtRun):
    """A command of dbt with the given results."""

    def __init__(self, invocation: str, nodes: list[NodeResult]) -> None:
        object.__setattr__(self, "invocation", invocation)
        object.__setattr__(self, "_nodes", nodes)

    @property
    def nodes(self) -> list[NodeResult]:
        nodes: list[NodeResult] = self._nodes  # type: ignore[attr-defined]
        return nodes
