"""What was kept long enough is shown and retired, may be loaded again without coming back, and a legal hold keeps it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from scripts.govern.erasure.lake import RETIRED
from scripts.govern.erasure.stores import Stores
from scripts.govern.register import Hold, Register
from scripts.govern.retention import Due, find_due, retire
from scripts.history.records import write_records
from scripts.load.contracts import Contracts, read_contracts
from scripts.load.lake import Lake
from scripts.load.run import CONTRACTS_FOLDER, LoadOptions, load
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import ROOT
from tests.python.run_records import run_started

TODAY = date(2026, 11, 30)
OLD, NEW = date(2025, 11, 29), date(2026, 11, 29)
RECORDS, QUARANTINE, PROSPECTS = "operations.run_started", "control.quarantine", "prospect.prospect"
CONTRACTS: Contracts = read_contracts(CONTRACTS_FOLDER)
Find = Callable[..., dict[str, Due]]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadOptions:
    """Two days of records, and a batch of prospects of three years ago with a line that cannot be read, loaded."""
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    for day in (OLD, NEW):
        record(tmp_path / "runs", day)
    batch = tmp_path / "sources" / "Batch1"
    batch.mkdir(parents=True)
    (batch / "Prospect.csv").write_text(
        f"DOE0017,Doe,Jane{',' * 19}\nPOE0018,Poe,John,too long,F{',' * 17}\n"
    )
    three_years_ago = datetime.combine(TODAY, datetime.min.time(), UTC) - timedelta(days=3 * 365)
    loaded = LoadOptions(
        str(tmp_path / "sources"),
        str(tmp_path / "lake"),
        feeds=("prospect",),
        with_apart=True,
        clock=lambda: three_years_ago.replace(tzinfo=None),
    )
    assert load(loaded).rows_quarantined == 1
    return loaded


def record(runs: Path, day: date) -> None:
    started = datetime.combine(day, datetime.min.time())
    begun = run_started(f"run of {day}", None, started)
    write_records(runs, [begun], started)


@pytest.fixture
def find(options: LoadOptions, tmp_path: Path) -> Find:
    def due(*holds: Hold) -> dict[str, Due]:
        stores = Stores(
            lake=Lake(options.lake),
            warehouse=DuckDBWarehouse(tmp_path / "warehouse.duckdb"),
            published=tmp_path / "published",
            shares=tmp_path / "shares",
            texts=(),
            erasures=tmp_path / "erasures",
        )
        register = replace(Register.read(ROOT / "governance"), holds=holds)
        found = find_due(stores, register, CONTRACTS, TODAY, lambda _: None)
        return {each.subject: each for each in found}

    return due


def rows(lake: str, feed: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"from read_parquet('{lake}/{feed}/*/*.parquet')").fetchall()


def test_records_of_old_days_are_retired_and_those_of_later_days_stay(
    find: Find, options: LoadOptions, tmp_path: Path
) -> None:
    due = find()[RECORDS]
    assert (due.count, due.why_kept) == (1, "")
    due.retire()
    assert len(rows(options.lake, "operations/run_started")) == 1
    assert [path.name for path in (tmp_path / "runs").glob("Batch*")] == [f"Batch{NEW:%Y%m%d}"]
    assert not list(Path(options.lake).glob(f"operations/*/batch_id={OLD:%Y%m%d}/run_started*"))
    assert RECORDS not in find()
    load(options)
    assert len(rows(options.lake, "operations/run_started")) == 1


def test_a_line_loses_its_text_and_still_counts(find: Find, options: LoadOptions) -> None:
    due = find()[QUARANTINE]
    assert (due.count, due.why_kept) == (1, "")
    due.retire()
    ((*_, reason, text, _),) = (row[:8] for row in rows(options.lake, "control/quarantine"))
    assert (reason, text) == (RETIRED, RETIRED)
    assert QUARANTINE not in find()
    again = load(options)
    assert (again.failures, again.feeds[0].is_unchanged) == ([], True)


def test_a_legal_hold_keeps_what_is_due(find: Find, tmp_path: Path) -> None:
    hold = Hold((), (), (RECORDS, QUARANTINE), "Compliance officer", "2026-01-01", "Court")
    kept = find(hold)
    reason = "legal hold since 2026-01-01, set by Compliance officer: Court"
    assert {kept[RECORDS].why_kept, kept[QUARANTINE].why_kept} == {reason}
    assert list(retire(kept.values(), tmp_path / "erasures")) == []


def test_each_feed_that_was_retired_has_a_record(find: Find, tmp_path: Path) -> None:
    found = find()
    records = [
        json.loads(path.read_text()) for path in retire(found.values(), tmp_path / "erasures")
    ]
    assert {(each["feed"], each["retired"]) for each in records} == {(RECORDS, 1), (QUARANTINE, 1)}
    assert find() == {}
