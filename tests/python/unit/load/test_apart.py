"""What comes from a folder of its own lands apart from the sources: other batches, other logs, and never in their way."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sample_sources import CONTRACTS, Outcome, write_contract, write_sources

from scripts.load.contracts import ContractError, read_contracts
from scripts.load.lake import Lake
from scripts.load.run import LoadOptions, LoadResult, load
from tests.python.run_records import write_history

LATER = datetime(2027, 1, 1)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def loaded(folder: Path, **options: Any) -> LoadResult:
    sources, lake = str(write_sources(folder / "sources")), str(folder / "lake")
    return load(LoadOptions(sources, lake, with_apart=True, clock=lambda: LATER, **options))


def lake(folder: Path) -> Outcome:
    return Outcome(0, "", folder / "lake")


def test_records_land_by_day_with_logs_of_their_own(tmp_path: Path, runs: Path) -> None:
    write_history(runs)
    result = loaded(tmp_path)
    assert result.apart == []
    assert result.missing_batches == []
    found = lake(tmp_path)
    assert len(found.rows("operations.run_started")) == 21
    assert len(found.rows("operations.run_ended")) == 15
    assert len(found.rows("operations.node_run")) == 60
    days = {row["batch_id"] for row in found.rows("operations.load_log")}
    assert days == {20261128, 20261129, 20261130, 20261201}
    assert Lake(str(tmp_path / "lake")).batches() == [1, 2]
    assert {row["system"] for row in found.rows("control.load_log")}.isdisjoint({"operations"})


def test_a_day_that_grows_is_replaced_and_the_others_are_left_alone(
    tmp_path: Path, runs: Path
) -> None:
    write_history(runs, days=2)
    loaded(tmp_path)
    before = written(tmp_path)
    write_history(runs, days=3)
    assert loaded(tmp_path).apart == []
    changed = {path for path, time in written(tmp_path).items() if before.get(path) != time}
    assert {path.parent.name for path in changed} == {"batch_id=20261130", "batch_id=20261201"}
    assert len(lake(tmp_path).rows("operations.run_started")) == 21


def written(folder: Path) -> dict[Path, int]:
    files = (folder / "lake" / "operations").rglob("*.parquet")
    return {path: path.stat().st_mtime_ns for path in files}


def test_without_records_their_tables_are_there(tmp_path: Path, runs: Path) -> None:
    assert loaded(tmp_path).apart == []
    assert {contracts.logs for contracts in CONTRACTS.apart} == {"operations", "learn"}
    for contracts in CONTRACTS.apart:
        for name in ("load_log", "quarantine", *(feed.name for feed in contracts.feeds)):
            file = tmp_path / f"lake/{contracts.logs}/{name}/batch_id=0/{name}.parquet"
            assert file.is_file()


def test_what_is_wrong_with_records_is_told_and_keeps_nothing_out(
    tmp_path: Path, runs: Path
) -> None:
    write_history(runs, days=1)
    torn, *_ = (runs / "Batch20261128").glob("run_started-*.jsonl")
    torn.write_bytes(torn.read_bytes()[:30])
    (runs / "Batch20261128" / "notes.txt").write_text("")
    result = loaded(tmp_path)
    assert result.failures == []
    unknown, quarantined = result.warnings
    assert unknown.startswith("RUNS: Batch20261128/notes.txt: no contract names this file")
    assert quarantined.startswith("RUNS: 1 records violate their contract")
    found = lake(tmp_path)
    assert len(found.rows("operations.run_started")) == 6
    (row,) = found.rows("operations.quarantine")
    assert row["reason"].startswith("not JSON: ")
    assert found.rows("brokerage.trade")


def test_what_other_programs_keep_beside_the_batches_is_no_problem(
    tmp_path: Path, runs: Path
) -> None:
    write_history(runs, days=1)
    (runs / "access").mkdir()
    (runs / "access" / "2026-11-28.jsonl").write_text("{}\n")
    assert loaded(tmp_path).warnings == []


def test_a_folder_that_cannot_be_used_is_a_warning(tmp_path: Path, runs: Path) -> None:
    (runs / "nothing").mkdir(parents=True)
    result = loaded(tmp_path)
    assert result.failures == []
    (warning,) = result.warnings
    assert "RUNS: " in warning
    assert "no Batch1, Batch2" in warning


SOURCE: dict[str, Any] = {"name": "scores", "schema": "raw", "tables": []}


@pytest.mark.parametrize(
    ("folders", "problem"),
    [
        (("ELSEWHERE",), "folder 'ELSEWHERE' is not one of SOURCES, LAKE"),
        (("RUNS", "RUNS"), "RUNS is that of two sources"),
    ],
)
def test_a_folder_is_a_known_variable_of_one_source(
    folders: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    path = write_contract(tmp_path)
    sources = [
        SOURCE | {"name": f"s{number}", "config": {"meta": {"folder": folder}}}
        for number, folder in enumerate(folders)
    ]
    path.write_text(str({"sources": sources}))
    with pytest.raises(ContractError, match=problem):
        read_contracts(tmp_path)
