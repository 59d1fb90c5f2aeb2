"""What is written down of what readers see, and what must not be seen."""

import csv
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import typer
from typer.testing import CliRunner

from scripts.history.records import VisibleRows, read_records
from scripts.publish import watch
from scripts.publish.watch import Watch, problems
from scripts.warehouse.workspace import ROOT

LOOK = [
    VisibleRows("a", "w", datetime(2026, 11, 30), "batch-0001", 1, "DimTrade", 10, None),
    VisibleRows("a", "w", datetime(2026, 11, 30), "batch-0001", 1, "FactWatches", 20, 20),
]


def later(seconds: int, version: str = "batch-0001", trades: int = 10) -> list[VisibleRows]:
    at = LOOK[0].observed_at + timedelta(seconds=seconds)
    first, second = (
        replace(record, run_id=str(seconds), observed_at=at, version=version) for record in LOOK
    )
    return [replace(first, row_count=trades), second]


def looks(runs: Path) -> list[str]:
    return list(dict.fromkeys(record.run_id for record in read_records(runs, VisibleRows)))


def test_a_look_is_written_if_it_is_news_or_the_last_one_is_old(tmp_path: Path) -> None:
    looker = Watch(tmp_path)
    for seen in ([], LOOK, later(5), later(10, "batch-0002", 11), later(20, "batch-0002", 11)):
        assert looker.add(seen) == []
    assert looker.add(later(300, "batch-0002", 11)) == []
    assert sorted(looks(tmp_path)) == ["10", "300", "a"]
    assert set(read_records(tmp_path, VisibleRows)) >= set(LOOK)
    assert not looker.has_problems


def test_fewer_rows_than_before_are_told(tmp_path: Path) -> None:
    looker = Watch(tmp_path)
    looker.add(LOOK)
    assert looker.add(later(5, "batch-0002", 9)) == ["batch-0002: DimTrade has 9 rows, 10 before"]
    assert looker.has_problems


def test_whether_readers_cannot_read_or_nothing_can_be_written_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise duckdb.IOException("no such file")

    app = typer.Typer()
    app.command()(watch.main)
    (tmp_path / "a file").touch()
    monkeypatch.setenv("RUNS", str(tmp_path / "a file"))
    monkeypatch.setattr(watch, "visible_rows", lambda *_: LOOK)
    done = CliRunner().invoke(app, ["--looks", "1"])
    assert done.exit_code == 2
    assert done.output.startswith(f"watch: what was seen cannot be written down: {tmp_path}")
    monkeypatch.setattr(watch, "visible_rows", fail)
    done = CliRunner().invoke(app, ["--looks", "1"])
    assert (done.exit_code, done.output) == (2, "watch: readers cannot read: no such file\n")


def test_rows_of_a_fact_without_their_dimensions_are_told() -> None:
    torn = [LOOK[0], replace(LOOK[1], joined_row_count=17)]
    said = "batch-0001: 3 rows of FactWatches do not find all their dimensions"
    assert list(problems([], torn)) == [said]
    assert list(problems(LOOK, LOOK)) == []


def test_the_tables_of_the_audit_are_counted() -> None:
    counts = (ROOT / "scripts" / "publish" / "visible_rows.sql").read_text()
    counted = re.findall(r"'(\w+)'", counts)
    with (ROOT / "seeds" / "quality" / "validated_tables.csv").open() as rows:
        audited = {
            row["message_source"]: row["is_joined"] == "true" for row in csv.DictReader(rows)
        }
    assert sorted(counted) == sorted(audited)
    joined = re.findall(r"'(\w+)',\n\s+count\(\*\),\n\s+count\(\*\) filter", counts)
    assert sorted(joined) == sorted(name for name, is_joined in audited.items() if is_joined)
