"""Batch by batch, all at once and rebuilt: the same rows in every table, for many days and for the official sample.

The same claim on a small dataset of three batches is in test_incremental_heals.py, where CI makes it.

    pytest -m slow tests/python/integration/test_replay_equality.py
    OFFICIAL_SOURCES=/data/tpcdi pytest -m slow tests/python/integration/test_replay_equality.py
"""

import os
from functools import partial
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.load.sources import SourceFolder
from scripts.warehouse.dbt import WITHOUT_TESTS, Project
from scripts.warehouse.process import run_in_subprocess
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DAYS = 30


@pytest.fixture(params=["thirty_days", "official"])
def sources(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "official":
        folder = os.environ.get("OFFICIAL_SOURCES")
        if not folder:
            pytest.skip("OFFICIAL_SOURCES names no folder with the official sample")
        return Path(folder)
    generate(Parameters(scale_factor=0.02, incremental_batches=DAYS), tmp_path / "sources")
    return tmp_path / "sources"


def replay(workspace: Workspace, sources: Path) -> None:
    workspace.enter()
    project = Project()
    for batch in SourceFolder(str(sources)).batches:
        options = LoadOptions(str(sources), str(workspace.lake), batches=(batch,))
        assert load(options).failures == []
        project.run("build", *WITHOUT_TESTS).ensure_green()


def build(workspace: Workspace, *arguments: str) -> None:
    workspace.enter()
    Project().run("build", *WITHOUT_TESTS, *arguments).ensure_green()


def test_batch_by_batch_at_once_and_rebuilt_are_the_same(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    workspace = Workspace.on_duckdb(tmp_path)
    warehouse = workspace.warehouse
    # Each in a process of its own, because dbt keeps the warehouse open until its process ends.
    run_in_subprocess(partial(replay, workspace, sources))
    one_by_one = warehouse.fingerprints()
    assert sum(table.rows for table in one_by_one.values()) > 500_000

    run_in_subprocess(partial(build, workspace))
    assert warehouse.fingerprints() == one_by_one, "built again"
    run_in_subprocess(partial(build, workspace, "--full-refresh"))
    assert warehouse.fingerprints() == one_by_one, "rebuilt"
    warehouse.empty()
    run_in_subprocess(partial(build, workspace))
    assert warehouse.fingerprints() == one_by_one, "at once"
