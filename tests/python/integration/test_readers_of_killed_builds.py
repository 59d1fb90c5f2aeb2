"""Whoever reads what is published notices nothing of builds and publications that are killed at any moment."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.postgres_server import PostgresServer
from scripts.publish.manifest import Manifest
from scripts.publish.postgres_schemas import published_schema, read_published
from scripts.publish.tables import Reader
from scripts.publish.versions import CURRENT
from scripts.warehouse.base import Query
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
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


def version_of_files(published: Path) -> str:
    """What somebody finds in the files: the version, all of whose tables have the rows of its manifest."""
    folder = (published / CURRENT).resolve(strict=True)
    manifest = Manifest.read(folder)
    assert manifest is not None
    with duckdb.connect(str(folder / f"{Reader.ANALYST}.duckdb"), read_only=True) as connection:
        for name, table in manifest.tables.items():
            if name in manifest.readers[Reader.ANALYST].tables:
                ((rows,),) = connection.execute(f"select count(*) from {name}").fetchall()
                assert rows == table.rows, f"{folder.name}: {name}"
    return folder.name


def version_of_schemas(warehouse: PostgresWarehouse) -> str:
    """The same in the schemas of a server."""

    def look(query: Query, manifest: Manifest | None) -> str:
        assert manifest is not None
        for name, table in manifest.tables.items():
            layer, _, relation = name.partition(".")
            ((rows,),) = query(f"select count(*) from {published_schema(layer)}.{relation}")
            assert rows == table.rows, f"{manifest.version}: {name}"
        return manifest.version

    return read_published(warehouse, look)


def ensure_whole(published: Path) -> None:
    """A version has the files that its manifest names, as it names them; on a server it names none."""
    manifest = Manifest.read(published / CURRENT)
    assert manifest is not None
    for read in manifest.readers.values():
        if read.file:
            content = (published / CURRENT / read.file).read_bytes()
            assert hashlib.sha256(content).hexdigest() == read.sha256


@contextmanager
def reading(version: Callable[[], str]) -> Iterator[tuple[set[str], list[str]]]:
    """Somebody reads all the time; yields the versions that were seen, and what went wrong."""
    versions: set[str] = set()
    problems: list[str] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.wait(0.05):
            try:
                versions.add(version())
            except Exception as error:
                problems.append(repr(error))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield versions, problems
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize("target", [Target.DUCKDB, Target.POSTGRES])
def test_readers_never_fail_while_builds_are_killed(
    target: Target, postgres: PostgresServer, tmp_path: Path
) -> None:
    on_server = target is Target.POSTGRES
    with postgres.new_database() if on_server else nullcontext() as database:
        workspace = Workspace.on_duckdb(tmp_path)
        published = tmp_path / "published"
        look = partial(version_of_files, published)
        if database:
            warehouse = PostgresWarehouse(database)
            workspace = Workspace(tmp_path, warehouse).with_variables(PUBLISHED=str(published))
            look = partial(version_of_schemas, warehouse)
        generate(Parameters(scale_factor=0.02), workspace.sources, workers=1)
        options = LoadOptions(str(workspace.sources), str(workspace.lake), target=target)
        with patch.dict(os.environ, workspace.environment):
            load(options)
        kill_builds(workspace, published, look)


def kill_builds(workspace: Workspace, published: Path, version: Callable[[], str]) -> None:
    """Build, and kill builds, while somebody reads."""
    chance = random.Random(SEED)
    begun = time.monotonic()
    assert started_build(workspace).wait() == 0
    seconds = time.monotonic() - begun
    with reading(version) as (versions, problems):
        for _ in range(KILLS):
            build = started_build(workspace)
            # The end, in which it is published, is a small part of it: every second kill is there.
            after = chance.choice([chance.uniform(0, seconds), chance.uniform(0.8, 1) * seconds])
            time.sleep(after)
            os.killpg(build.pid, signal.SIGKILL)
            build.wait()
            ensure_whole(published)
            version()
        assert started_build(workspace).wait() == 0
        ensure_whole(published)
        time.sleep(1)
    assert problems == []
    assert len(versions) >= 2
