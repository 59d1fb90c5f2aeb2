"""Which builds are recorded as green; dbt is replaced, its own runs are in the integration tests."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.cli.main import dbtRunnerResult

from scripts.warehouse import builder as module
from scripts.warehouse.builder import Builder
from scripts.warehouse.changes import Changes, Work
from scripts.warehouse.dbt import DbtRun, Project, ProjectError
from scripts.warehouse.duckdb_warehouse import IN_MEMORY, DuckDBWarehouse

NOTHING = Work(frozenset(), frozenset())


@dataclass
class Runs:
    """What dbt was asked for, and the tests that are red."""

    work: Work = NOTHING
    red: set[str] = field(default_factory=set)
    commands: list[tuple[str, Any]] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)

    def run(self, command: str, *_: str, nodes: Any, listeners: Any) -> DbtRun:
        self.commands.append((command, nodes))
        failed = [
            SimpleNamespace(
                node=SimpleNamespace(name=name, resource_type="test"),
                status="fail",
                message="",
                execution_time=0.0,
            )
            for name in self.red
            if command == "test"
        ]
        outcome = dbtRunnerResult(success=not failed, result=SimpleNamespace(results=failed))
        return DbtRun(command, outcome, 1.0, [], f"invocation {len(self.commands)}")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    runs = Runs()
    changes = Changes({"market": {2}}, are_next=True)
    monkeypatch.setattr(Project, "__init__", lambda _: None)
    monkeypatch.setattr(Project, "manifest", None)
    monkeypatch.setattr(module, "project_digest", lambda _: "digest")
    monkeypatch.setattr(module, "landed_since_last_build", lambda *_: changes)
    monkeypatch.setattr(module, "affected_work", lambda *_: runs.work)
    monkeypatch.setattr(module, "relation_count", lambda _: 7)
    monkeypatch.setattr(Builder, "run", lambda _, *given, **named: runs.run(*given, **named))
    monkeypatch.setattr(
        Builder, "run_operation", lambda _, __, **given: runs.recorded.append(given["invocation"])
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


def test_a_full_build_leaves_the_choice_to_dbt(builder: Builder, runs: Runs) -> None:
    builder.begin(is_full=True)
    builder.build_and_test("build")
    assert runs.commands == [("build", None)]


def test_what_is_accepted_although_it_is_red_is_not_recorded(builder: Builder, runs: Runs) -> None:
    builder.begin(is_full=True)
    builder.build("build")
    runs.red = {"a_test"}
    with pytest.raises(ProjectError, match="a_test"):
        builder.test("test")
    builder.test("test", {"a_test"})
    builder.finish()
    assert runs.recorded == []
    runs.red = set()
    builder.begin(is_full=True)
    builder.build("build")
    builder.test("test")
    builder.finish()
    assert runs.recorded == ["invocation 4"]


def test_a_build_that_had_nothing_to_do_is_not_recorded_under_an_earlier_one(
    builder: Builder, runs: Runs
) -> None:
    builder.begin(is_full=True)
    builder.build("build")
    builder.begin()
    builder.build("build")
    builder.finish()
    assert runs.recorded == []
