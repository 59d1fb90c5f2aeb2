"""Whoever reads what is published notices nothing of builds and publications that are killed at any moment."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.publish.manifest import Manifest
from scripts.publish.tables import Reader
from scripts.publish.versions import CURRENT
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KILLS = int(os.environ.get("BUILD_KILLS", "30"))
SEED = 2026


def started_build(workspace: Workspace) -> "subprocess.Popen[bytes]":
    """Everything is built, tested and published, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.build", "--full"],
        cwd=ROOT,
        env=os.environ | workspace.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def is_whole(version: Path) -> bool:
    """Whether a version has the files that its manifest names, as it names them."""
    manifest = Manifest.read(version)
    assert manifest is not None
    return all(
        hashlib.sha256((version / str(read.file)).read_bytes()).hexdigest() == read.sha256
        for read in manifest.readers.values()
    )


@contextmanager
def reading(published: Path) -> Iterator[tuple[set[str], list[str]]]:
    """Somebody reads all the time; yields the versions that were seen, and what went wrong."""
    versions: set[str] = set()
    problems: list[str] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.wait(0.05):
            try:
                folder = (published / CURRENT).resolve(strict=True)
                manifest = Manifest.read(folder)
                assert manifest is not None
                with duckdb.connect(
                    str(folder / f"{Reader.ANALYST}.duckdb"), read_only=True
                ) as connection:
                    for name, table in manifest.tables.items():
                        if name in manifest.readers[Reader.ANALYST].tables:
                            ((rows,),) = connection.execute(
                                f"select count(*) from {name}"
                            ).fetchall()
                            assert rows == table.rows, f"{folder.name}: {name}"
                versions.add(folder.name)
            except Exception as error:
                problems.append(repr(error))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield versions, problems
    finally:
        is_over.set()
        thread.join()


def test_readers_never_fail_while_builds_are_killed(tmp_path: Path) -> None:
    workspace = Workspace.on_duckdb(tmp_path)
    generate(Parameters(scale_factor=0.02), workspace.sources, workers=1)
    load(LoadOptions(str(workspace.sources), str(workspace.lake)))
    chance = random.Random(SEED)
    begun = time.monotonic()
    assert started_build(workspace).wait() == 0
    seconds = time.monotonic() - begun
    published = tmp_path / "published"
    with reading(published) as (versions, problems):
        for _ in range(KILLS):
            build = started_build(workspace)
            # The end, in which it is published, is a small part of it: every second kill is there.
            after = chance.choice([chance.uniform(0, seconds), chance.uniform(0.8, 1) * seconds])
            time.sleep(after)
            os.killpg(build.pid, signal.SIGKILL)
            build.wait()
            assert is_whole(published / CURRENT)
        assert started_build(workspace).wait() == 0
        assert is_whole(published / CURRENT)
        time.sleep(1)
    assert problems == []
    assert len(versions) >= 2
