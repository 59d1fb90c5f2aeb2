"""Which builds are recorded as green; dbt is replaced, its own runs are in the integration tests."""

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.cli.main import dbtRunnerResult
from rich.console import Console

from scripts.warehouse import builder as module
from scripts.warehouse.builder import Builder
from scripts.warehouse.changes import Changes, Landed, Work
from scripts.warehouse.dbt import DbtRun, Project, ProjectError
from scripts.warehouse.duckdb_warehouse import IN_MEMORY, DuckDBWarehouse

NOTHING = Work(frozenset(), frozenset())
LANDED: Landed = {("market", 2): "digest"}


@dataclass
class Runs:
    """What dbt was asked for, and the tests that are red."""

    work: Work = NOTHING
    red: set[str] = field(default_factory=set)
    commands: list[tuple[str, Any]] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    recorded_batches: Landed = field(default_factory=lambda: dict(LANDED))

    def run(self, command: str, *_: str, nodes: Any, listeners: Any) -> DbtRun:
        self.commands.append((command, nodes))
        failed = [
            SimpleNamespace(
                node=SimpleNamespace(name=name, resource_type="test", unique_id=f"test.{name}"),
                status="fail",
                message="",
                execution_time=0.0,
                timing=[],
                failures=1,
            )
            for name in self.red
            if command == "test"
        ]
        outcome = dbtRunnerResult(success=not failed, result=SimpleNamespace(results=failed))
        return DbtRun(command, outcome, 1.0, [], f"invocation {len(self.commands)}")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    runs = Runs()
    changes = Changes({"market": {2}}, are_next=True, landed=LANDED)
    monkeypatch.setattr(Project, "__init__", lambda _: None)
    monkeypatch.setattr(Project, "manifest", None)
    monkeypatch.setattr(module, "project_digest", lambda _: "digest")
    monkeypatch.setattr(module, "landed_since_last_build", lambda *_: changes)
    monkeypatch.setattr(module, "affected_work", lambda *_: runs.work)
    monkeypatch.setattr(module, "relations_digest", lambda _: "relations")
    monkeypatch.setattr(module, "recorded_batches", lambda _: runs.recorded_batches)
    monkeypatch.setattr(Builder, "run", lambda _, *given, **named: runs.run(*given, **named))
    monkeypatch.setattr(
        Builder,
        "run_operation",
        lambda _, __, **given: runs.recorded.append(
            " ".join(filter(None, (given["invocation"], given["accepted_tests"])))
        ),
    )
    return runs


@pytest.fixture
def builder(runs: Runs) -> Builder:
    return Builder(DuckDBWarehouse(IN_MEMORY))


def test_a_green_build_of_what_has_news_is_recorded(builder: Builder, runs: Runs) -> None:
    runs.work = Work(frozenset({"a_model"}), frozenset({"a_test"}))
    builder.begin()
    builder.build("build")
    builder.test("test")
    builder.finish()
    assert runs.commands == [("build", {"a_model"}), ("test", {"a_test"})]
    assert runs.recorded == ["invocation 1"]


def test_a_build_in_whose_beginning_files_landed_is_not_recorded(
    builder: Builder, runs: Runs
) -> None:
    runs.work = Work(frozenset({"a_model"}), frozenset())
    builder.begin()
    builder.build("build")
    runs.recorded_batches[("market", 3)] = "came between"
    builder.finish()
    assert runs.recorded == []


def test_a_full_build_leaves_the_choice_to_dbt(builder: Builder, runs: Runs) -> None:
    builder.begin(is_full=True)
    builder.build_and_test("build")
    assert runs.commands == [("build", None)]


def test_what_is_accepted_although_it_is_red_is_recorded_by_name(
    builder: Builder, runs: Runs
) -> None:
    runs.red = {"a_test"}
    builder.begin(is_full=True)
    builder.build("build")
    builder.test("test", {"a_test", "another"})
    builder.finish()
    assert runs.recorded == ["invocation 1 a_test"]


def test_a_build_of_which_a_step_was_red_is_not_recorded(builder: Builder, runs: Runs) -> None:
    builder.begin(is_full=True)
    builder.build("build")
    runs.red = {"a_test"}
    with pytest.raises(ProjectError, match="a_test"):
        builder.test("test")
    builder.finish()
    assert runs.recorded == []
    runs.red = set()
    builder.begin(is_full=True)
    builder.build("build")
    builder.test("test")
    builder.finish()
    assert runs.recorded == ["invocation 3"]


def test_a_build_that_had_nothing_to_do_is_not_recorded_under_an_earlier_one(
    builder: Builder, runs: Runs
) -> None:
    builder.begin(is_full=True)
    builder.build("build")
    builder.begin()
    builder.build("build")
    builder.finish()
    assert runs.recorded == []


def test_who_sees_a_red_test_is_told_where_its_rows_are(
    builder: Builder,
    runs: Runs,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "errors", Console(file=sys.stderr, soft_wrap=True))
    runs.work = Work(frozenset({"a_model"}), frozenset({"a_test"}))
    runs.red = {"a_test"}
    builder.begin()
    builder.build("build")
    assert "dbt show" not in capsys.readouterr().err
    with pytest.raises(ProjectError, match="test is red: a_test"):
        builder.test("test")
    assert "fail: a_test: \n  The rows of a test: dbt show" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "lines"),
    [(0, ["build: 1 of 2", "build: 2 of 2", ""]), (3600, ["build: 1 of 2", ""])],
)
def test_without_a_terminal_lines_say_how_far_a_build_is(
    seconds: int,
    lines: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "errors", Console(file=sys.stderr, soft_wrap=True))
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_LINES", seconds)
    with module._node_progress("build") as on_event:
        for index in (1, 2):
            data = SimpleNamespace(total=2, index=index)
            on_event(SimpleNamespace(info=SimpleNamespace(name="LogStartLine"), data=data))
    assert capsys.readouterr().err.splitlines()[: len(lines)] == lines


def test_the_project_is_judged_before_it_is_parsed(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is saved while it is parsed is then news for the next build.
    order: list[str] = []
    monkeypatch.setattr(Project, "__init__", lambda _: order.append("parsed"))
    monkeypatch.setattr(module, "project_digest", lambda _: order.append("judged") or "digest")
    Builder(DuckDBWarehouse(IN_MEMORY))
    assert order == ["judged", "parsed"]
