"""Batch by batch, all at once and rebuilt: the same rows in every table, for many days and for the official sample.

The same claim on a small world of three batches is in test_vault_replay.py, where CI makes it.

    pytest -m slow tests/python/integration/test_replay_equality.py
    OFFICIAL_SOURCES=/data/tpcdi pytest -m slow tests/python/integration/test_replay_equality.py
"""

import os
from functools import partial
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.batches import WITHOUT_TESTS, Project
from scripts.bench.measuring import apart
from scripts.fingerprint import Fingerprint, fingerprint_warehouse
from scripts.load.run import LoadOptions, load
from scripts.load.sources import SourceFolder

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
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


def fingerprints() -> dict[str, Fingerprint]:
    return fingerprint_warehouse(Path(os.environ["WAREHOUSE"]))


def replay(sources: Path, lake: str) -> None:
    project = Project()
    for batch in SourceFolder(str(sources)).batches:
        assert load(LoadOptions(str(sources), lake, batches=(batch,))).failures == []
        project.run("build", "build", *WITHOUT_TESTS)


def build(*arguments: str) -> None:
    Project().run("build", "build", *WITHOUT_TESTS, *arguments)


def test_batch_by_batch_at_once_and_rebuilt_are_the_same(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = str(tmp_path / "lake")
    folders = {"DBT_TARGET_PATH": "target", "DBT_LOG_PATH": "logs", "LAKE": "lake"}
    for name, folder in folders.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("DBT_TARGET", "duckdb")
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.chdir(ROOT)

    def begin_anew(name: str) -> None:
        """Another file of the same name, because the parsed project holds the name."""
        (tmp_path / name).mkdir()
        monkeypatch.setenv("WAREHOUSE", str(tmp_path / name / "warehouse.duckdb"))

    # Apart, because dbt keeps the warehouse open until its process ends.
    begin_anew("one_by_one")
    apart(partial(replay, sources, lake))
    one_by_one = fingerprints()
    assert sum(table.rows for table in one_by_one.values()) > 500_000

    apart(build)
    assert fingerprints() == one_by_one, "built again"
    apart(partial(build, "--full-refresh"))
    assert fingerprints() == one_by_one, "rebuilt"
    begin_anew("at_once")
    apart(build)
    assert fingerprints() == one_by_one, "at once"
