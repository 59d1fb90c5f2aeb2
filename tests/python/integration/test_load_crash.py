"""The loader may be killed at any moment, started twice or run out of disk: the lake stays right."""

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.fingerprint import fingerprint_lake
from scripts.load import run
from scripts.warehouse.fingerprints import Fingerprint
from tests.python.lake import query_lake

PROJECT = Path(__file__).parents[3]
KILLS = 10
# The systems with large files; the hundreds of small ones would only take time.
SYSTEMS = ("brokerage", "crm", "market", "prospect")

pytestmark = pytest.mark.integration


def start(
    sources: Path, lake: Path, *arguments: str, before: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "scripts.load", "--sources", str(sources), "--lake", str(lake)]
    command += [part for system in SYSTEMS for part in ("--feed", system)]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=PROJECT,
        preexec_fn=before,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def load(
    sources: Path, lake: Path, *arguments: str, before: Callable[[], None] | None = None
) -> tuple[int, str]:
    """Exit code and output of a whole load."""
    process = start(sources, lake, *arguments, before=before)
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def wait_for_lock(process: subprocess.Popen[str], lake: Path) -> None:
    """Wait until the process has begun to work; before this it only imports."""
    while not (lake / ".load.lock").exists():
        assert process.poll() is None
        time.sleep(0.002)


def kill_when(
    is_time: Callable[[], bool], process: subprocess.Popen[str], *, writing: Path | None = None
) -> bool:
    """Kill the process when it is time, and if a lake is named, while it writes a file there; whether it was still at work.

    The moment is what the process has done, not a number of seconds: how fast it is depends on what else runs.
    """
    while process.poll() is None:
        if is_time():
            process.send_signal(signal.SIGSTOP)
            if writing is None or leftovers(writing):
                process.send_signal(signal.SIGKILL)
            process.send_signal(signal.SIGCONT)
        time.sleep(0.002)
    process.communicate(timeout=60)
    return process.returncode == -signal.SIGKILL


def load_again(sources: Path, lake: Path) -> list[str]:
    """What goes wrong when the same is loaded once more, in this process."""
    return run.load(run.LoadOptions(str(sources), str(lake), feeds=SYSTEMS)).failures


def written(lake: Path) -> int:
    """The number of files that the lake holds."""
    return sum(1 for _ in lake.rglob("batch_id=*/*.parquet"))


def leftovers(lake: Path) -> list[Path]:
    return list(lake.rglob(".*.tmp"))


def load_times_per_batch(lake: Path) -> set[int]:
    """How many different load times the batches have, over all feeds."""
    counts = query_lake(
        "select count(distinct loaded_at) from read_parquet(?, union_by_name = true)"
        " where batch_id > 0 and source_row is not null group by batch_id",
        lake / "*" / "*" / "batch_id=*" / "*.parquet",
    )
    return {count for (count,) in counts}


@pytest.fixture(scope="module")
def unharmed(
    small_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Fingerprint], int]:
    """The fingerprints of an unharmed load, and the number of files that it writes."""
    lake = tmp_path_factory.mktemp("unharmed") / "lake"
    exit_code, output = load(small_dataset, lake)
    assert exit_code == 0, output
    fingerprints = fingerprint_lake(lake)
    assert sum(table.rows for table in fingerprints.values()) > 100_000
    assert load_times_per_batch(lake) == {1}
    assert load_again(small_dataset, lake) == []
    assert fingerprint_lake(lake) == fingerprints
    return fingerprints, written(lake)


def test_a_load_killed_at_ten_moments_and_started_again_gives_the_same_lake(
    small_dataset: Path, unharmed: tuple[dict[str, Fingerprint], int], tmp_path: Path
) -> None:
    fingerprints, files = unharmed
    killed = left_half = 0
    for kill in range(KILLS):
        lake = tmp_path / f"lake{kill}"
        process = start(small_dataset, lake)
        wait_for_lock(process, lake)
        killed += kill_when(
            lambda lake=lake, kill=kill: written(lake) >= files * kill // KILLS,
            process,
            writing=lake if kill % 2 else None,
        )
        left_half += bool(leftovers(lake))
        assert load_again(small_dataset, lake) == []
        assert fingerprint_lake(lake) == fingerprints
        assert load_times_per_batch(lake) == {1}
        assert leftovers(lake) == []
        shutil.rmtree(lake)
    # Most of the moments fall inside the load, and half of them into the writing of a file.
    assert killed > KILLS // 2
    assert left_half > 0


def test_one_lake_killed_again_and_again_ends_the_same(
    small_dataset: Path, unharmed: tuple[dict[str, Fingerprint], int], tmp_path: Path
) -> None:
    fingerprints, files = unharmed
    lake = tmp_path / "lake"
    for kill in range(2):
        process = start(small_dataset, lake, "--force")
        wait_for_lock(process, lake)
        assert kill_when(lambda kill=kill: written(lake) >= files * (1 + kill) // 3, process)
        (lake / ".load.lock").unlink()
    assert load_again(small_dataset, lake) == []
    assert fingerprint_lake(lake) == fingerprints
    assert load_times_per_batch(lake) == {1}


def test_a_second_load_at_the_same_time_is_turned_away(small_dataset: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    with (lake / ".load.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, output = load(small_dataset, lake)
    assert code == 2
    assert "another load is writing to this lake; wait for it to end" in output
    assert load_again(small_dataset, lake) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(small_dataset: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        code, output = load(small_dataset, tmp_path / "lake")
    finally:
        tmp_path.chmod(0o700)
    assert code == 2
    assert "cannot be written: Permission denied" in output


def test_a_full_disk_fails_what_does_not_fit_and_the_next_load_completes_it(
    small_dataset: Path, unharmed: tuple[dict[str, Fingerprint], int], tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    limit = 100_000

    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code, output = load(small_dataset, lake, before=no_large_files)
    assert code == 1
    assert "cannot be written: " in output
    assert "the earlier file is unchanged" in output
    assert leftovers(lake) == []
    partial = fingerprint_lake(lake)
    assert partial["brokerage.account"] == unharmed[0]["brokerage.account"]
    assert partial["brokerage.trade"] != unharmed[0]["brokerage.trade"]
    assert load_again(small_dataset, lake) == []
    assert fingerprint_lake(lake) == unharmed[0]
