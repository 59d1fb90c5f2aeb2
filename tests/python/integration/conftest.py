"""One built warehouse for all tests that only read it."""

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.workspace import Workspace


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small dataset, loaded and built with all tests. Files that use it belong to the xdist group `built`."""
    workspace = Workspace.on_duckdb(tmp_path_factory.mktemp("built"))
    generate(Parameters(scale_factor=0.02), workspace.sources)
    assert load(LoadOptions(str(workspace.sources), str(workspace.lake))).failures == []
    build = workspace.dbt("--log-level", "warn", "build")
    assert build.returncode == 0, build.stdout
    return workspace
