"""Fixtures that several test folders share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.postgres_server import PostgresServer, postgres_server

# Each test sets where it builds.
os.environ.pop("DBT_TARGET", None)
# Nobody reads the log of dbt, and it takes a tenth of a small build.
os.environ["DBT_LOG_LEVEL_FILE"] = "none"


# First: xdist reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file, and the files of one group, on one worker: they share expensive fixtures. The long ones begin, so that workers end together."""
    items.sort(key=lambda item: item.get_closest_marker("integration") is None)
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture(scope="session", autouse=True)
def _records_of_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests run is recorded in a folder of theirs; models, scores and erasures of the developer are not theirs."""
    os.environ["RUNS"] = str(tmp_path_factory.mktemp("runs"))
    os.environ["ERASURES"] = str(tmp_path_factory.mktemp("erasures"))
    for name in ("MODELS", "SCORES"):
        os.environ[name] = str(tmp_path_factory.mktemp("learn") / name.lower())


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated source folder of three batches, 17 MB; do not change it, copy it."""
    folder = tmp_path_factory.mktemp("small_dataset") / "sources"
    generate(Parameters(scale_factor=0.05), folder, workers=1)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A Postgres server, started when the first test asks for it; each test makes its own database with `new_database`."""
    with postgres_server() as server:
        yield server
