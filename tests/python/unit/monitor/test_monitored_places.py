"""Checks of places fire on the fault, are silent on its healthy brother, and are over when it is."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from planted import NOW, Planted

from scripts.monitor.checks import places
from scripts.warehouse.processes import read_process

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reads")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def warehouse(planted: Planted) -> Path:
    import duckdb

    duckdb.connect(str(planted.places.warehouse)).close()
    return planted.places.warehouse


@pytest.mark.parametrize("how", ["reads", "writes"])
def test_a_program_that_holds_the_warehouse_is_named_until_it_closes_it(
    planted: Planted, warehouse: Path, how: str
) -> None:
    later = NOW + timedelta(minutes=6)
    command = [sys.executable, "-c", HOLD, str(warehouse), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == b"ready\n"
        assert planted.checks(NOW) == []
        (alert,) = planted.look(later).active
        assert alert.finding.check == "warehouse_held"
        assert f"by process {holder.pid} ({how}): {Path(sys.executable).name}" in alert.finding.what
    assert [over.finding.check for over in planted.look(later).over] == ["warehouse_held"]


def test_a_recorded_build_may_hold_the_warehouse(planted: Planted, warehouse: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(warehouse), "writes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == b"ready\n"
        process = read_process(holder.pid)
        assert process
        planted.run(
            NOW - timedelta(minutes=5),
            seconds=None,
            process_id=process.process_id,
            process_started=process.started,
        )
        planted.checks(NOW)
        assert planted.checks(NOW + timedelta(minutes=6)) == []


def test_the_monitor_does_not_open_the_warehouse(planted: Planted, warehouse: Path) -> None:
    warehouse.chmod(0)
    content_read = warehouse.stat().st_atime_ns
    assert planted.checks() == []
    assert warehouse.stat().st_atime_ns == content_read


def use_disk(monkeypatch: pytest.MonkeyPatch, free: float, files: float = 1.0) -> None:
    """A disk of 100 GB and a million files, of which these shares are free."""
    blocks, inodes = 25_000_000, 1_000_000
    free_blocks, free_inodes = int(blocks * free), int(inodes * files)
    status = os.statvfs_result(
        (4000, 4000, blocks, free_blocks, free_blocks, inodes, free_inodes, free_inodes, 0, 255)
    )
    monkeypatch.setattr(places.os, "statvfs", lambda _: status)


@pytest.mark.parametrize(
    ("free", "files", "expected"),
    [
        (0.5, 1.0, None),
        (0.11, 1.0, None),
        (0.09, 1.0, "warning"),
        (0.02, 1.0, "critical"),
        (0.5, 0.04, "warning"),
    ],
)
def test_a_nearly_full_disk_is_told_once_for_all_that_is_on_it(
    planted: Planted,
    monkeypatch: pytest.MonkeyPatch,
    free: float,
    files: float,
    expected: str | None,
) -> None:
    use_disk(monkeypatch, free, files)
    limits = {"disk": {"free_share": 0.1, "free_files_share": 0.05}}
    alerts = planted.look(**limits).active
    assert [alert.finding.severity for alert in alerts] == ([expected] if expected else [])
    for alert in alerts:
        assert alert.finding.check == "disk_full"
        assert alert.finding.subject == "warehouse, lake, published, runs"
    use_disk(monkeypatch, 0.5)
    assert planted.checks(**limits) == []


def test_a_tenth_of_a_huge_disk_is_much(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    use_disk(monkeypatch, 0.09)
    limits = {"disk": {"free_share": 0.1, "free_bytes": 5_000_000_000, "free_files_share": 0.05}}
    assert planted.checks(**limits) == []


def test_nothing_published_is_silent(planted: Planted) -> None:
    planted.run(NOW - timedelta(hours=5), has_nodes=True)
    assert planted.checks() == []


def test_a_version_older_than_the_last_green_build_is_stale_after_a_while(
    planted: Planted,
) -> None:
    planted.publish(NOW - timedelta(hours=3))
    planted.run(NOW - timedelta(minutes=20), has_nodes=True)
    assert planted.checks() == []
    later = NOW + timedelta(minutes=20)
    (alert,) = planted.look(later).active
    assert alert.finding.check == "published_stale"
    assert "version batch-3 of 2026-11-30 06:00:00 is still published" in alert.finding.what
    planted.publish(NOW, version="batch-4")
    assert planted.checks(later) == []


def test_a_version_published_by_the_build_itself_is_not_stale(planted: Planted) -> None:
    planted.run(NOW - timedelta(hours=3), seconds=3600, has_nodes=True)
    planted.publish(NOW - timedelta(hours=2, minutes=5))
    assert planted.checks() == []


def test_builds_that_had_nothing_to_do_need_no_new_version(planted: Planted) -> None:
    planted.publish(NOW - timedelta(hours=3))
    planted.run(NOW - timedelta(hours=2))
    assert planted.checks() == []


def test_batches_whose_builds_had_work_need_a_new_version(planted: Planted) -> None:
    planted.publish(NOW - timedelta(hours=3))
    parent = planted.run(NOW - timedelta(hours=2), kind="batches")
    planted.run(NOW - timedelta(hours=2), parent=parent, has_nodes=True)
    assert planted.checks() == ["published_stale"]


def test_a_red_build_needs_no_new_version(planted: Planted) -> None:
    planted.publish(NOW - timedelta(hours=3))
    planted.run(NOW - timedelta(hours=2), has_nodes=True, status="failed")
    assert planted.checks() == ["run_failed"]


def test_an_old_version_is_stale_without_any_run(planted: Planted) -> None:
    planted.publish(NOW - timedelta(days=3, hours=23))
    assert planted.checks() == []
    assert planted.checks(NOW + timedelta(hours=2)) == ["published_stale"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda version: (version / "manifest.json").unlink(),
        lambda version: (version / "manifest.json").write_text('{"version": '),
        lambda version: (version / "manifest.json").write_text("[]"),
        lambda version: (version / "manifest.json").write_text('{"version": "1"}'),
        lambda version: (version / "analyst.duckdb").unlink(),
        lambda version: (version / "analyst.duckdb").write_bytes(b"1"),
        lambda version: version.rename(version.with_name("moved")),
    ],
)
def test_a_version_that_is_not_whole_is_told_until_it_is(planted: Planted, damage) -> None:
    version = planted.publish(NOW - timedelta(hours=1))
    assert planted.checks() == []
    damage(version)
    assert planted.checks() == ["published_broken"]
    planted.publish(NOW, version="batch-4")
    look = planted.look()
    assert (look.active, len(look.over)) == ([], 1)
