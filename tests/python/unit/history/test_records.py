from datetime import UTC, datetime

import pytest

from scripts.history.records import (
    RecordError,
    RunEnded,
    RunStarted,
    read_records,
    read_runs,
    write_records,
)

AT = datetime(2026, 11, 30, 23, 59, 59, 5)


def started(run_id="a", at=AT, **values):
    defaults = {
        "kind": "load",
        "parent_run_id": None,
        "host": "host",
        "process_id": 1,
        "process_started": 2,
        "user_name": "ann",
        "target": "duckdb",
        "warehouse": "w",
        "arguments": '--feed "x"\n',
        "project_version": None,
        "batch": None,
    }
    return RunStarted(run_id=run_id, started_at=at, **defaults | values)


def ended(run_id="a", at=AT):
    return RunEnded(run_id, at, "success", None, 1.5, 1.0, 100.0, 5, 0, None)


def test_a_record_is_read_as_it_was_written(tmp_path):
    file = write_records(tmp_path, [started()], AT)
    assert file == tmp_path / "Batch20261130" / "run_started-a.jsonl"
    assert list(read_records(tmp_path, RunStarted)) == [started()]


def test_a_run_that_ended_the_next_day_has_ended(tmp_path):
    tomorrow = datetime(2026, 12, 1)
    write_records(tmp_path, [started()], AT)
    write_records(tmp_path, [started("b")], AT)
    write_records(tmp_path, [ended(at=tomorrow)], tomorrow)
    assert [(run.started.run_id, run.ended) for run in read_runs(tmp_path)] == [
        ("a", ended(at=tomorrow)),
        ("b", None),
    ]


def test_a_torn_line_is_named_with_its_file(tmp_path):
    file = write_records(tmp_path, [started()], AT)
    file.write_text(file.read_text()[:20])
    with pytest.raises(RecordError, match=r"run_started-a.jsonl, line 1: .*delete the file"):
        read_runs(tmp_path)


def test_no_folder_has_no_runs(tmp_path):
    assert read_runs(tmp_path / "none") == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="set RUNS"):
        write_records(tmp_path / "file", [started()], datetime.now(UTC))
