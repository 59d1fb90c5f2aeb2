"""A batch appears as a whole with the positions of all systems, or not at all; a folder of files is the system here."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from scripts.extract.__main__ import main
from scripts.extract.errors import ExtractError
from scripts.extract.run import ExtractOptions, extract
from scripts.extract.state import last_extraction, one_at_a_time, read_extraction
from scripts.history.records import SystemRead, read_records, read_runs
from scripts.load.sources import EXTRACTION
from tests.python.living import LivingWarehouse

SYSTEM = {"kind": "object_store", "address": "TEST_STORE"}
TABLE = {
    "thing": {
        "files": "Batch{batch}/*.txt",
        "columns": {"id": {"data_type": "bigint", "required": True}, "name": {}},
        "origin": {"objects": "*.txt"},
    }
}


@pytest.fixture
def store(warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of a store, with one file."""
    warehouse.declare(SYSTEM, TABLE)
    folder = warehouse.folder / "store"
    folder.mkdir()
    (folder / "a.txt").write_text("1|a\n")
    monkeypatch.setenv("TEST_STORE", f"file://{folder}")
    return folder


def command(warehouse: LivingWarehouse, *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, ["--sources", str(warehouse.sources), *arguments])


def said(result: Result) -> str:
    """What a command has said, whatever the width of the terminal."""
    return " ".join(result.output.split())


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".extract.lock"
    }


def test_what_is_new_becomes_the_next_batch_with_its_date(
    warehouse: LivingWarehouse, store: Path
) -> None:
    assert warehouse.extract().batch == 1
    (store / "b.txt").write_text("2|b\n")
    assert warehouse.extract().batch == 2
    assert [(row["batch_id"], row["id"]) for row in warehouse.landed("thing")] == [(1, 1), (2, 2)]
    assert (warehouse.sources / "Batch2" / "BatchDate.txt").read_text() == "2017-07-09\n"
    state = last_extraction(warehouse.sources)
    assert state is not None
    assert (state.batch, state.batch_date) == (2, date(2017, 7, 9))


def test_nothing_new_makes_no_batch(warehouse: LivingWarehouse, store: Path) -> None:
    warehouse.extract()
    before = everything(warehouse.sources)
    assert warehouse.extract().batch is None
    assert everything(warehouse.sources) == before


def test_a_batch_that_somebody_delivered_keeps_its_number(
    warehouse: LivingWarehouse, store: Path
) -> None:
    warehouse.extract()
    (warehouse.sources / "Batch2").mkdir()
    (warehouse.sources / "Batch2" / "c.txt").write_text("3|c\n")
    (store / "b.txt").write_text("2|b\n")
    assert warehouse.extract().batch == 3
    # What was read before is not read again.
    assert sorted(path.name for path in (warehouse.sources / "Batch3").glob("*.txt")) == [
        "BatchDate.txt",
        "b.txt",
    ]


def test_the_days_of_batches_must_rise(warehouse: LivingWarehouse, store: Path) -> None:
    options = warehouse.options()
    extract(options)
    (store / "b.txt").write_text("2|b\n")
    with pytest.raises(ExtractError, match="batch 1 is that of 2017-07-08, and days must rise"):
        extract(ExtractOptions(warehouse.sources, batch_date=options.batch_date))


def test_a_batch_folder_that_is_deleted_is_extracted_again(
    warehouse: LivingWarehouse, store: Path
) -> None:
    warehouse.extract()
    (store / "b.txt").write_text("2|b\n")
    warehouse.extract()
    before = everything(warehouse.sources / "Batch2")
    for path in (warehouse.sources / "Batch2").iterdir():
        path.unlink()
    (warehouse.sources / "Batch2").rmdir()
    assert warehouse.extract().batch == 2
    after = everything(warehouse.sources / "Batch2")
    assert before["b.txt"] == after["b.txt"]


def test_what_a_killed_extraction_has_left_is_no_batch(
    warehouse: LivingWarehouse, store: Path
) -> None:
    left = warehouse.sources / ".Batch1.partial"
    left.mkdir(parents=True)
    (left / "z.txt").write_text("9|z\n")
    assert warehouse.extract().batch == 1
    assert not left.exists()
    assert [row["id"] for row in warehouse.landed("thing")] == [1]


def test_a_batch_whose_making_again_was_killed_keeps_its_number_and_position(
    warehouse: LivingWarehouse, store: Path
) -> None:
    warehouse.extract()
    (store / "b.txt").write_text("2|b\n")
    warehouse.extract()
    before = everything(warehouse.sources / "Batch2")
    (warehouse.sources / "Batch2").rename(warehouse.sources / ".Batch2.before")
    (store / "c.txt").write_text("3|c\n")
    assert warehouse.extract().batch == 3
    assert everything(warehouse.sources / "Batch2") == before
    assert [row["id"] for row in warehouse.landed("thing")] == [1, 2, 3]


def test_a_failed_extraction_leaves_nothing(
    warehouse: LivingWarehouse, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "deeper").mkdir()
    warehouse.declare(SYSTEM, {"thing": TABLE["thing"] | {"origin": {"objects": "*/*.txt"}}})
    for folder in ("deeper", "other"):
        (store / folder).mkdir(exist_ok=True)
        (store / folder / "a.txt").write_text("1|a\n")
    with pytest.raises(ExtractError, match=r"would both be a\.txt of the batch"):
        warehouse.extract()
    assert everything(warehouse.sources) == {}


def test_one_extraction_at_a_time(warehouse: LivingWarehouse, store: Path) -> None:
    with (
        one_at_a_time(warehouse.sources),
        pytest.raises(ExtractError, match="another extraction is writing to this folder"),
    ):
        warehouse.extract()


def test_a_folder_that_cannot_be_written_is_told(warehouse: LivingWarehouse, store: Path) -> None:
    warehouse.sources.write_text("a file")
    result = command(warehouse)
    assert result.exit_code == 2
    assert "cannot be written" in result.output


def test_a_variable_that_is_not_set_is_named(
    warehouse: LivingWarehouse, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_STORE")
    result = command(warehouse)
    assert result.exit_code == 2
    assert "test: TEST_STORE is not set" in result.output


def test_a_system_that_no_contract_declares_is_refused(
    warehouse: LivingWarehouse, store: Path
) -> None:
    result = command(warehouse, "--system", "nothing")
    assert result.exit_code == 2
    assert "no contract declares such a system; there are test" in said(result)


def test_one_system_is_read_and_the_others_stay_where_they_were(
    warehouse: LivingWarehouse, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = TABLE["thing"] | {"required": False}
    other = thing | {"files": "Batch{batch}/*.csv", "origin": {"objects": "*.csv"}}
    warehouse.declare_all({"test": (SYSTEM, {"thing": thing}), "more": (SYSTEM, {"thing": other})})
    (store / "a.csv").write_text("7|g\n")
    warehouse.extract()
    (store / "b.csv").write_text("8|h\n")
    (store / "b.txt").write_text("2|b\n")
    options = warehouse.options()
    extract(replace(options, systems=("more",)))
    assert not (warehouse.sources / "Batch2" / "b.txt").exists()
    warehouse.extract()
    assert [(row["batch_id"], row["id"]) for row in warehouse.landed("thing")] == [(1, 1), (3, 2)]
    landed = [(row["batch_id"], row["id"]) for row in warehouse.landed("thing", "more")]
    assert landed == [(1, 7), (2, 8)]


def test_a_batch_that_lacks_what_the_loader_requires_is_told_of(
    warehouse: LivingWarehouse, store: Path
) -> None:
    thing = TABLE["thing"]
    other = thing | {"files": "Batch{batch}/*.csv", "origin": {"objects": "*.csv"}}
    warehouse.declare_all({"test": (SYSTEM, {"thing": thing}), "more": (SYSTEM, {"thing": other})})
    (store / "a.csv").write_text("7|g\n")
    (warning,) = extract(replace(warehouse.options(), systems=("test",))).warnings
    assert warning.startswith("batch 1 has no more.thing (Batch1/*.csv)")
    (store / "b.csv").write_text("8|h\n")
    (store / "b.txt").write_text("2|b\n")
    assert warehouse.extract().warnings == []


def test_a_folder_that_has_no_rename_is_refused(warehouse: LivingWarehouse, store: Path) -> None:
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, ["--sources", "s3://bucket/sources"])
    assert result.exit_code == 2
    assert "a folder of this machine" in said(result)


@pytest.mark.parametrize("content", ["", "{}", '{"batch": 1', "[]"])
def test_a_damaged_state_stops_the_extraction(
    content: str, warehouse: LivingWarehouse, store: Path
) -> None:
    warehouse.extract()
    (warehouse.sources / "Batch1" / EXTRACTION).write_text(content)
    with pytest.raises(ExtractError, match=r"\.extraction\.json: cannot be read: .*; restore"):
        warehouse.extract()


def test_dry_run_and_status_change_nothing(warehouse: LivingWarehouse, store: Path) -> None:
    assert "nothing was extracted yet" in said(command(warehouse, "--status"))
    result = command(warehouse, "--dry-run")
    assert result.exit_code == 0
    assert "1 objects that are new or have changed" in result.output
    assert not warehouse.sources.exists()
    assert command(warehouse, "--batch-date", "2017-07-07").exit_code == 0
    before = everything(warehouse.sources)
    assert "0 objects that are new" in said(command(warehouse, "--dry-run"))
    shown = said(command(warehouse, "--status"))
    assert "batch 1 of 2017-07-07 is the last one" in shown
    assert everything(warehouse.sources) == before


def test_an_extraction_is_in_the_run_history(
    warehouse: LivingWarehouse, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = warehouse.folder / "runs"
    monkeypatch.setenv("RUNS", str(runs))
    (store / "late.csv").write_text("")
    assert command(warehouse).exit_code == 0
    (run,) = read_runs(runs)
    assert (run.started.kind, run.ended and run.ended.status) == ("extract", "success")
    (record,) = read_records(runs, SystemRead)
    state = read_extraction(warehouse.sources / "Batch1")
    assert state is not None
    assert state.run_id == record.run_id == run.started.run_id
    assert (record.system, record.feed_name, record.batch_number) == ("test", "thing", 1)
    assert (record.files, record.bytes, record.retries) == (1, 4, 0)
    monkeypatch.delenv("TEST_STORE")
    assert command(warehouse, "--batch-date", "2222-02-02").exit_code == 2
    failed = read_runs(runs)[-1].ended
    assert failed is not None
    assert failed.status == "failed"
    assert "TEST_STORE is not set" in (failed.message or "")


@pytest.mark.parametrize(
    ("system", "origin", "problem"),
    [
        ({"kind": "fax", "address": "A"}, {}, "system kind 'fax' is not one of"),
        ({"kind": "stream"}, {}, "not the name of an environment variable"),
        (
            {"kind": "stream", "address": "kafka:9092"},
            {},
            "not the name of an environment variable",
        ),
        ({"kind": "stream", "address": "A", "more": 1}, {}, "system.more is unknown"),
        ({"kind": "stream", "address": "A"}, {}, "origin.topic is missing"),
        (
            {"kind": "stream", "address": "A"},
            {"topic": "t", "table": "t"},
            "origin.table is unknown",
        ),
        (
            {"kind": "api", "address": "A"},
            {"path": "p", "pages": "book"},
            "pages 'book' is not one of",
        ),
        ({"kind": "api", "address": "A"}, {"path": "p", "pages": "cursor"}, "origin.next"),
        (
            {"kind": "api", "address": "A"},
            {"path": "p", "pages": "offset"},
            "origin.total and origin.key",
        ),
        (
            {"kind": "api", "address": "A", "auth": {"kind": "bearer", "token": "s3cret"}},
            {"path": "p", "pages": "link"},
            "auth.token is 's3cret', not the name of an environment variable",
        ),
        ({"kind": "api", "address": "A", "auth": {"kind": "magic"}}, {}, "auth.kind is not one of"),
        (None, {"topic": "t"}, "its source declares no system"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_told(
    system: Any, origin: Any, problem: str, warehouse: LivingWarehouse
) -> None:
    warehouse.declare(system, {"thing": {"columns": {"id": {}}, "origin": origin}})
    result = command(warehouse)
    assert result.exit_code == 2
    assert problem in said(result)


@pytest.mark.parametrize(
    ("feed", "problem"),
    [
        ({"files": "Batch{batch}/*.txt"}, "without wildcards"),
        ({"files": "thing.txt"}, "files must begin with Batch{batch}"),
        ({"format": "xml", "record": "a", "delimiter": None}, "cannot be written as xml"),
    ],
)
def test_rows_need_one_file_in_a_format_that_is_written(
    feed: dict[str, Any], problem: str, warehouse: LivingWarehouse
) -> None:
    table = {"columns": {"id": {"path": "id"}}, "origin": {"topic": "t"}} | feed
    warehouse.declare({"kind": "stream", "address": "A"}, {"thing": table})
    result = command(warehouse)
    assert result.exit_code == 2
    assert problem in said(result)


def test_where_a_feed_comes_from_loads_nothing_again(
    warehouse: LivingWarehouse, store: Path
) -> None:
    before = warehouse.feed("thing").fingerprint
    warehouse.declare(SYSTEM, {"thing": TABLE["thing"] | {"origin": {"objects": "[a-z]*.txt"}}})
    assert warehouse.feed("thing").fingerprint == before
