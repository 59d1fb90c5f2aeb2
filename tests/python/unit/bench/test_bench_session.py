"""A session measures what was asked for, keeps it at once, and continues when a part fails."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench.__main__ import main
from bench.parts import ENGINE_PARTS, Bench, Options
from bench.results import FILES, read_results
from bench.session import Job, Session, plan


def _options(folder: Path) -> Options:
    return Options(repeat=2, days=2, memory_limit="1GB", slowest=5, profiles=folder / "profiles")


def test_a_part_that_needs_only_one_scale_is_measured_at_that_one() -> None:
    jobs = list(plan([3, 1], ["duckdb"], ["floor", "start", "build", "limited"]))
    assert jobs == [
        Job(1, FILES, "floor"),
        Job(1, "duckdb", "start"),
        Job(1, "duckdb", "build"),
        Job(3, FILES, "floor"),
        Job(3, "duckdb", "build"),
        Job(3, "duckdb", "limited"),
    ]


def test_a_part_that_fails_is_kept_as_failed_and_the_next_one_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(bench: Bench) -> None:
        raise ValueError("no luck")

    def working(bench: Bench) -> None:
        bench.figures["name"] = bench.workspace.warehouse.target

    monkeypatch.setitem(ENGINE_PARTS, "load", broken)
    monkeypatch.setitem(ENGINE_PARTS, "build", working)
    jobs = list(plan([0.01], ["duckdb"], ["generate", "floor", "load", "build"]))
    assert Session(jobs, _options(tmp_path), tmp_path).run() == [
        "scale 0.01, duckdb, load: no luck"
    ]
    results = read_results(tmp_path)
    assert results.find(0.01, "duckdb", "load") is None
    built, floor = results.find(0.01, "duckdb", "build"), results.find(0.01, FILES, "floor")
    assert built is not None
    assert built.figures == {"name": "duckdb"}
    assert floor is not None
    assert len(floor.steps["copy floor"]) == 2
    generated = results.find(0.01, FILES, "generate")
    assert generated is not None
    # The floor reads all source files: every byte but those of control files that no contract names.
    assert 0.9 < floor.figures["bytes"] / generated.figures["bytes"] <= 1


def test_without_a_dataset_every_part_of_its_scale_is_kept_as_failed(tmp_path: Path) -> None:
    jobs = list(plan([-1], [], ["floor", "formats"]))
    failures = Session(jobs, _options(tmp_path), tmp_path).run()
    assert [failure.partition(": no dataset: ")[0] for failure in failures] == [
        "scale -1, files, floor",
        "scale -1, files, formats",
    ]
    assert [result.failure is None for result in read_results(tmp_path).all] == [False, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scales", "1,large"], "numbers such as 1,3,10"),
        (["--engines", "oracle"], "'oracle' is none of duckdb"),
        (["--parts", "everything"], "'everything' is none of generate, floor"),
        (["--parts", "limited", "--engines", "postgres"], "none of these parts is measured"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_allowed(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    app = typer.Typer()
    app.command()(main)
    shown = CliRunner().invoke(app, [*arguments, "--results", str(tmp_path)])
    assert shown.exit_code == 2
    assert message in shown.output
