"""The lake: a file is there completely or not at all."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.load import lake as lake_module
from scripts.load.lake import Lake, LakeError

SCHEMA = pa.schema({"id": pa.int64()})


def rows(*numbers: int) -> pa.Table:
    return pa.table({"id": pa.array(numbers, pa.int64())})


@pytest.fixture(params=["local", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    """A lake on disk, and one that is reached through fsspec."""
    uri = str(tmp_path / "lake") if request.param == "local" else "memory://lake"
    yield Lake(uri)
    memory = fsspec.filesystem("memory")
    if memory.exists("/lake"):
        memory.rm("/lake", recursive=True)


def read(lake: Lake, path: str) -> list[int]:
    with lake._filesystem.open(path, "rb") as stream:
        return list(pq.read_table(stream)["id"].to_pylist())


def files(lake: Lake) -> list[str]:
    return sorted(path.removeprefix(lake._root) for path in lake._filesystem.find(lake._root))


def test_a_written_file_holds_its_rows_and_its_footer(lake: Lake) -> None:
    path = lake.path("crm", "customer", 3)
    lake.write(path, rows(1, 2), {"contract": "x"})
    assert read(lake, path) == [1, 2]
    assert lake.footer(path) == {"contract": "x"}
    assert lake.exists(path)
    assert files(lake) == ["/crm/customer/batch_id=3/customer.parquet"]


def test_nothing_is_visible_before_the_commit(lake: Lake) -> None:
    path = lake.path("crm", "customer", 1)
    lake.write(path, rows(1))
    with lake.writer(path, SCHEMA) as writer:
        writer.write(rows(2))
        assert read(lake, path) == [1]
        writer.finish({})
        writer.publish()
    assert read(lake, path) == [2]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(lake: Lake) -> None:
    path = lake.path("crm", "customer", 1)
    lake.write(path, rows(1))
    with pytest.raises(ZeroDivisionError), lake.writer(path, SCHEMA) as writer:
        writer.write(rows(2))
        raise ZeroDivisionError
    assert read(lake, path) == [1]
    assert files(lake) == ["/crm/customer/batch_id=1/customer.parquet"]


def test_rows_are_written_in_whole_row_groups(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_module, "ROW_GROUP_ROWS", 10)
    path = lake.path("crm", "customer", 1)
    with lake.writer(path, SCHEMA) as writer:
        for start in range(0, 35, 7):
            writer.write(rows(*range(start, start + 7)))
        writer.finish({})
        writer.publish()
    assert read(lake, path) == list(range(35))
    with lake._filesystem.open(path, "rb") as stream:
        metadata = pq.read_metadata(stream)
    groups = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert groups == [10, 10, 10, 5]


def test_a_removed_file_is_gone_and_may_be_removed_again(lake: Lake) -> None:
    path = lake.path("crm", "customer", 1)
    lake.write(path, rows(1))
    lake.remove(path)
    lake.remove(path)
    assert not lake.exists(path)
    assert lake.footer(path) is None


def test_a_file_of_somebody_else_has_no_footer(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    path = Path(lake.path("crm", "customer", 1))
    path.parent.mkdir(parents=True)
    for content in (b"", b"PAR1", b"not parquet at all, but long enough to look at"):
        path.write_bytes(content)
        assert lake.footer(str(path)) is None
    pq.write_table(rows(1), path)
    assert lake.footer(str(path)) is None


def test_a_lake_is_locked_against_a_second_load(tmp_path: Path) -> None:
    uri = str(tmp_path)
    with Lake(uri).locked():
        message = "another load is writing to this lake; wait"
        with pytest.raises(LakeError, match=message), Lake(uri).locked():
            pass
    with Lake(uri).locked():
        pass


def test_a_lake_on_a_disk_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    message = "cannot be locked: No locks available; put the lake on a disk of this machine"
    with pytest.raises(LakeError, match=message), Lake(str(tmp_path)).locked():
        pass


def test_what_a_killed_load_left_is_removed_by_the_next(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    path = Path(lake.path("crm", "customer", 1))
    lake.write(str(path), rows(1))
    leftover = path.with_name(".customer.parquet.12345.tmp")
    leftover.write_bytes(b"half")
    foreign = path.with_name(".notes.tmp")
    foreign.write_bytes(b"kept")
    with lake.locked():
        lake.remove_leftovers()
    assert not leftover.exists()
    assert foreign.exists()
    assert read(lake, str(path)) == [1]


def test_a_lake_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    uri = str(tmp_path / "file" / "lake")
    with pytest.raises(LakeError, match="cannot be written: "), Lake(uri).locked():
        pass
    with pytest.raises(LakeError, match="nosuchscheme"):
        Lake("nosuchscheme://bucket")


def test_a_full_disk_is_an_error_that_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(str(tmp_path))
    path = lake.path("crm", "customer", 1)
    lake.write(path, rows(1))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    message = "cannot be written: No space left on device; the earlier file is unchanged"
    with pytest.raises(LakeError, match=message):
        lake.write(path, rows(2))
    assert read(lake, path) == [1]
    assert files(lake) == ["/crm/customer/batch_id=1/customer.parquet"]


def test_the_footer_is_plain_json_in_the_file(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    path = lake.path("crm", "customer", 1)
    lake.write(path, rows(1), {"files": [{"source_file": "M\u00fcller"}]})
    stored = pq.read_metadata(path).metadata[b"brokerage_warehouse.load"]
    assert json.loads(stored) == {"files": [{"source_file": "M\u00fcller"}]}
