"""The command that builds what has moved: when it starts dbt, what it publishes, and its exit codes."""

from types import SimpleNamespace

import duckdb
import pytest
from typer.testing import CliRunner

from scripts import build
from scripts.history.recording import OpenRun
from scripts.publish.versions import PublishError
from scripts.warehouse import builder
from scripts.warehouse.changes import Changes
from scripts.warehouse.dbt import ProjectError


class FakeBuilder:
    """In place of dbt; fails in the step of that name."""

    fails_in = ""
    steps: list[str]
    manifest = "the project"

    def __init__(self, _: object) -> None:
        FakeBuilder.steps = []
        self._step("parse")

    def begin(self, *, is_full: bool, run: OpenRun) -> None:
        self._step("begin full" if is_full else "begin")

    def build_and_test(self, label: str) -> None:
        self._step(label)

    def finish(self) -> None:
        self._step("finish")

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name == self.fails_in:
            raise ProjectError(f"{name} failed")


@pytest.fixture(autouse=True)
def _news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_TARGET", "duckdb")
    monkeypatch.setattr(builder, "Builder", FakeBuilder)
    monkeypatch.setattr(FakeBuilder, "steps", [], raising=False)
    monkeypatch.setattr(build, "landed_since_last_build", lambda *_: None)
    monkeypatch.setattr(build, "publish", fake_publish)


def fake_publish(_: object, __: object, project: str | None) -> SimpleNamespace:
    FakeBuilder.steps.append(f"publish {project}")
    if FakeBuilder.fails_in == "publish":
        raise PublishError("the disk is full")
    return SimpleNamespace(summary=lambda _: "published: batch-0003")


def run(*arguments: str) -> tuple[int, str]:
    """Exit code, and what was printed."""
    app = build.typer.Typer()
    app.command()(build.main)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, " ".join(result.output.split())


def test_what_has_moved_is_built_tested_and_recorded() -> None:
    assert run() == (0, "published: batch-0003")
    assert FakeBuilder.steps == ["parse", "begin", "build", "finish", "publish the project"]


def test_dbt_does_not_start_when_nothing_has_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "landed_since_last_build", lambda *_: Changes({}, are_next=True))
    said = "Nothing has moved since the last green build. published: batch-0003"
    assert run() == (0, said)
    assert FakeBuilder.steps == ["publish None"]
    assert run("--full")[0] == 0
    assert FakeBuilder.steps[:4] == ["parse", "begin full", "build", "finish"]


def test_readers_keep_what_they_have_if_they_shall(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("--no-publish") == (0, "")
    monkeypatch.setattr(build, "landed_since_last_build", lambda *_: Changes({}, are_next=True))
    assert run("--no-publish") == (0, "Nothing has moved since the last green build.")
    assert "publish" not in " ".join(FakeBuilder.steps)


def test_a_build_that_cannot_be_published_stays_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeBuilder, "fails_in", "publish")
    assert run() == (3, "build: all is green, but not published: the disk is full")
    assert "finish" in FakeBuilder.steps


def test_how_many_versions_stay_is_checked_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEPT_VERSIONS", "0")
    assert run() == (
        2,
        "build: KEPT_VERSIONS=0: set it to a whole number of versions, at least 1",
    )
    assert FakeBuilder.steps == []
    assert run("--no-publish")[0] == 0


@pytest.mark.parametrize(
    ("step", "code"), [("parse", 2), ("begin", 2), ("build", 1), ("finish", 1)]
)
def test_red_and_unusable_are_told_apart(
    step: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeBuilder, "fails_in", step)
    assert run() == (code, f"build: {step} failed")
    assert FakeBuilder.steps[-1] == step


def test_a_warehouse_that_cannot_be_opened_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise duckdb.IOException("Could not set lock on file")

    monkeypatch.setattr(build, "landed_since_last_build", refuse)
    assert run() == (
        2,
        "build: Could not set lock on file; close the program that has the warehouse open",
    )
