from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.history.records import (
    RecordError,
    RunEnded,
    RunStarted,
    compact_finished_days,
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


def test_the_files_of_a_day_that_is_over_are_put_together(tmp_path):
    write_records(tmp_path, [started()], AT)
    write_records(tmp_path, [started("b")], AT)
    write_records(tmp_path, [ended()], AT)
    compact_finished_days(tmp_path, AT.date() + timedelta(days=1))
    day = tmp_path / "Batch20261130"
    assert len(list(day.iterdir())) == 3, "a run may still end yesterday by its clock"
    compact_finished_days(tmp_path, AT.date() + timedelta(days=2))
    assert sorted(path.name for path in day.iterdir()) == [
        "run_ended-a.jsonl",
        "run_started-day.jsonl",
    ]
    assert [run.started.run_id for run in read_runs(tmp_path)] == ["a", "b"]


def test_an_interrupted_compaction_is_finished_by_the_next(tmp_path, monkeypatch):
    for name in "abc":
        write_records(tmp_path, [started(name)], AT)
    later = AT.date() + timedelta(days=2)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compact_finished_days(tmp_path, later)
    assert [run.started.run_id for run in read_runs(tmp_path)] == ["a", "b", "c"]
    compact_finished_days(tmp_path, later)
    assert [record.run_id for record in read_records(tmp_path, RunStarted)] == ["a", "b", "c"]


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_torn_record_stays_what_it_is(tmp_path):
    for name in "ab":
        file = write_records(tmp_path, [started(name)], AT)
    file.write_bytes(file.read_bytes()[:20])
    compact_finished_days(tmp_path, AT.date() + timedelta(days=9))
    whole, torn = (tmp_path / "Batch20261130" / "run_started-day.jsonl").read_bytes().splitlines()
    assert whole.decode() == started("a").as_line()
    assert len(torn) == 20


def test_records_that_move_while_they_are_read_are_read_again(tmp_path, monkeypatch):
    for name in "abc":
        write_records(tmp_path, [started(name)], AT)
    read, moves = Path.read_text, []

    def read_after_compaction(file, **options):
        if not moves:
            moves.append(file)
            compact_finished_days(tmp_path, AT.date() + timedelta(days=2))
        return read(file, **options)

    monkeypatch.setattr(Path, "read_text", read_after_compaction)
    assert [run.started.run_id for run in read_runs(tmp_path)] == ["a", "b", "c"]
    assert not moves[0].exists()


def test_records_that_vanish_again_and_again_are_told_of(tmp_path, monkeypatch):
    write_records(tmp_path, [started()], AT)

    def vanished(*_, **__):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "read_text", vanished)
    with pytest.raises(RecordError, match="vanish while they are read; try again"):
        read_runs(tmp_path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda file: file.write_bytes(b"\xff\n"), "not UTF-8; delete the file"),
        (lambda file: (file.unlink(), file.mkdir()), "Is a directory; read it as the user"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, damage, said):
    file = write_records(tmp_path, [started()], AT)
    damage(file)
    with pytest.raises(RecordError, match=f"{file}: {said}"):
        read_runs(tmp_path)


def test_what_killed_processes_have_left_goes_with_the_day(tmp_path):
    file = write_records(tmp_path, [started()], AT)
    left = file.with_name(f".{file.name}.4711")
    left.write_text("{")
    compact_finished_days(tmp_path, AT.date() + timedelta(days=1))
    assert left.exists(), "it may just be written"
    compact_finished_days(tmp_path, AT.date() + timedelta(days=2))
    assert list(file.parent.iterdir()) == [file]
