"""The page says what the results say, and survives whatever is missing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.page import exponent, write_page
from bench.results import FILES, Result, median_of, read_results, save
from scripts.warehouse.process import Run

MACHINE = {"processor": "a processor", "cores": "2"}


def _result(scale: float, engine: str, part: str, **content: object) -> Result:
    result = Result(scale, engine, part, "2026-11-21T10:00:00+00:00", "abc1234", MACHINE)
    return replace(result, **content)


def _runs(*seconds: float) -> list[Run]:
    return [Run(second, second, 100) for second in seconds]


def _dataset(scale: float) -> list[Result]:
    """Everything about one scale, ten seconds of build for one of floor, growing with the scale."""
    replay = {
        "load": [scale, 0.1, 0.1],
        "build": [9 * scale, 1, 1],
        "models": {"raw_vault.hub": [2 * scale, 0.2, 0.2], "marts.dim": [6 * scale, 0.2, 0.6]},
        "tables": {"raw_vault.hub": 1000},
    }
    size = {"rows": 100, "bytes": 2**20}
    modules = {"modules": {"crm": {"bytes": 2**20, "cpu_seconds": 0.5}}}
    return [
        _result(scale, FILES, "generate", steps={"generate": _runs(2)}, figures=size | modules),
        _result(scale, FILES, "floor", steps={"copy floor": _runs(scale)}, figures=size),
        _result(scale, FILES, "formats", steps={"xml": _runs(scale)}, figures={"xml": size}),
        _result(
            *(scale, "duckdb", "load"),
            steps={"load": _runs(2 * scale)},
            figures=size | {"lake_bytes": 2**20},
        ),
        _result(
            *(scale, "duckdb", "build"),
            steps={"build": _runs(9 * scale, 10 * scale, 30 * scale)},
            figures={"tables": {"raw_vault.hub": 1000}, "bytes": 3 * 2**20, "nodes": 7},
        ),
        _result(scale, "duckdb", "replay", steps={"replay": _runs(20)}, figures=replay),
    ]


def _page(tmp_path: Path, results: list[Result]) -> str:
    for result in results:
        save(tmp_path / "results", result)
    write_page(tmp_path / "page.md", read_results(tmp_path / "results"), slowest=1)
    return (tmp_path / "page.md").read_text()


def _row(page: str, *cells: str) -> list[str]:
    """The one row that begins with these cells."""
    (row,) = re.findall(rf"^\| {re.escape(' | '.join(cells))} \|(.*)\|$", page, flags=re.M)
    return [cell.strip() for cell in row.split("|")]


def test_ratios_are_of_medians_and_of_the_floor_of_the_same_scale(tmp_path: Path) -> None:
    page = _page(tmp_path, [*_dataset(1), *_dataset(3)])
    ratios = page.partition("## Ratios")[2].partition("##")[0]
    for scale in ("1", "3"):
        load, build, both, models, *_ = _row(ratios, f"duckdb, {scale}")
        assert (load, build, both, models) == ("2.0", "10.0", "12.0", "-")


def test_a_later_batch_is_compared_with_the_first_in_model_seconds(tmp_path: Path) -> None:
    page = _page(tmp_path, _dataset(1))
    assert _row(page, "duckdb, 1", "1", "2") == ["0.10", "0.40", "1.10", "0.05"]
    assert _row(page, "duckdb, 1", "1", "3") == ["0.10", "0.80", "1.10", "0.10"]


def test_growth_is_shown_for_each_batch_of_the_replay(tmp_path: Path) -> None:
    page = _page(tmp_path, [*_dataset(1), *_dataset(10)])
    assert _row(page, "duckdb", "models of batch 1") == ["1 to 10", "1.00"]
    assert _row(page, "duckdb", "models of batch 3") == ["1 to 10", "0.00"]


def test_engines_are_compared_where_both_were_measured(tmp_path: Path) -> None:
    postgres = [
        replace(
            result,
            engine="postgres",
            steps={name: _runs(4 * median_of(runs).seconds) for name, runs in result.steps.items()},
            figures=result.figures | {"build": [54, 3, 7]},
        )
        for result in _dataset(3)
        if result.engine == "duckdb" and result.part in ("load", "replay")
    ]
    page = _page(tmp_path, [*_dataset(1), *_dataset(3), *postgres])
    compared = page.partition("## Postgres / DuckDB")[2].partition("##")[0]
    assert _row(compared, "3") == ["4.0", "-", "2.0", "3.0", "7.0"]
    assert "| 1 |" not in compared


def test_the_slowest_models_come_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    page = _page(tmp_path, _dataset(1))
    assert _row(page, "duckdb, 1", "marts.dim") == ["a view", "6.00", "0.20", "-"]
    assert "raw_vault.hub" not in page


def test_many_days_and_little_memory_say_of_how_many_runs_they_are_the_median(
    tmp_path: Path,
) -> None:
    days = {
        "load": [5, *[0.5] * 9],
        "build": [9, 1, *[1.5] * 8],
        "validate": [7, *[2] * 6, *[4] * 3],
    }
    steps = {"days": _runs(20, 21), "load, nothing new": _runs(1.25), "nothing new": _runs(3)}
    page = _page(
        tmp_path,
        [
            *_dataset(1),
            _result(0.1, "duckdb", "days", steps=steps, figures=days),
            _result(
                *(1, "duckdb", "limited"),
                steps={"build": _runs(11, 12, 90)},
                figures={"limit": "1GB"},
            ),
        ],
    )
    assert _row(page, "duckdb, 0.1", "2", "9") == ["4.00", "4.00", "1.00", "1.25", "3.00"]
    assert "--scales 0.1 --engines duckdb --parts days --repeat 2 --days 9" in page
    assert _row(page, "duckdb, 1", "3", "1GB") == ["12.0", "100", "10.0", "100"]


def test_a_day_is_compared_with_the_history_and_with_a_day_of_the_scale_before(
    tmp_path: Path,
) -> None:
    def daily(scale: float) -> Result:
        figures = {
            "load": [3 * scale, 0.2, 0.4],
            "build": [10 * scale, 2 * scale, 2 * scale],
            "validate": [4 * scale, scale, scale],
        }
        steps = {step: _runs(30 * scale) for step in ("batch 1", "batch 2", "batch 3")}
        steps["nothing new"] = _runs(1.5, 1.5, 9)
        return _result(scale, "duckdb", "daily", steps=steps, figures=figures)

    page = _page(tmp_path, [*_dataset(1), daily(1), daily(10)])
    ratios, _, batches = page.partition("## What a day costs")[2].partition(
        "## Load, build, validate"
    )
    assert _row(ratios, "duckdb, 1") == ["0.19", "0.50", "-", "1.50"]
    assert _row(ratios, "duckdb, 10") == ["0.18", "0.50", "9.18", "1.50"]
    assert _row(batches, "duckdb, 1", "1", "1") == ["3.00", "10.0", "4.00", "30.0", "30.0", "100"]
    assert _row(batches, "duckdb, 10", "1", "3") == [
        "0.40",
        "20.0",
        "10.0",
        "300.0",
        "300.0",
        "100",
    ]
    assert _row(batches, "duckdb, 1", "3", "nothing new") == ["-", "-", "-", "1.50", "1.50", "100"]


def test_a_failed_part_is_named_and_the_others_stay(tmp_path: Path) -> None:
    broken = _result(1, "duckdb", "models", failure="dbt build is not green:\ndim_trade | x")
    page = _page(tmp_path, [*_dataset(1), broken])
    assert _row(page, "duckdb, 1", "models") == ["dbt build is not green: dim_trade \\", "x"]
    assert "build with all tests" in page


def test_one_part_alone_makes_a_page(tmp_path: Path) -> None:
    page = _page(tmp_path, [_result(1, FILES, "floor", steps={"copy floor": _runs(1)})])
    assert "| files, 1 | copy floor |" in page


def test_two_scales_make_a_plot_that_is_the_same_every_time(tmp_path: Path) -> None:
    page = _page(tmp_path, [*_dataset(1), *_dataset(3)])
    (picture,) = re.findall(r"!\[Steps\]\((.*)\)", page)
    once = (tmp_path / picture).read_bytes()
    assert b"<svg" in once
    _page(tmp_path, [])
    assert (tmp_path / picture).read_bytes() == once


def test_the_exponent_of_a_power_is_its_power() -> None:
    assert exponent([(1, 5), (3, 15), (10, 50)]) == pytest.approx(1)
    assert exponent([(1, 2), (10, 200)]) == pytest.approx(2)


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ValueError, match=r"other\.json: not a result"):
        read_results(tmp_path)


def test_a_share_is_compared_with_a_plain_copy(tmp_path: Path) -> None:
    steps = {"plain copy": _runs(3, 3, 9), "first version": _runs(4), "next version": _runs(12)}
    share = _result(1, "duckdb", "share", steps=steps, figures={"rows": 1234, "changed": 5})
    page = _page(tmp_path, [*_dataset(1), share])
    assert _row(page, "duckdb, 1", "plain copy") == ["3", "1,234", "3.00", "3.00", "100", "1.00"]
    assert _row(page, "duckdb, 1", "first version")[-1] == "0.75"
    assert _row(page, "duckdb, 1", "next version")[-1] == "0.25"
