"""One built warehouse, and one that is published, for all tests that only read it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.postgres_server import PostgresServer
from scripts.publish.run import publish
from scripts.warehouse.changes import project_digest, relations_digest
from scripts.warehouse.dbt import Project
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.spark_lane import SparkLane, missing_part


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small dataset, loaded and built with all tests. Files that use it belong to the xdist group `built`."""
    workspace = Workspace.on_duckdb(tmp_path_factory.mktemp("built"))
    generate(Parameters(scale_factor=0.02), workspace.sources)
    assert load(LoadOptions(str(workspace.sources), str(workspace.lake))).failures == []
    build = workspace.dbt("--log-level", "warn", "build")
    assert build.returncode == 0, build.stdout
    return workspace


@pytest.fixture(scope="session")
def published_workspace(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The built warehouse, marked as `scripts.build` does, and published in the folder `published` beside it. Its environment is that of programs that read it."""
    folder = tmp_path_factory.mktemp("published")
    assert isinstance(built.warehouse, DuckDBWarehouse)
    warehouse = DuckDBWarehouse(folder / built.warehouse.file.name)
    shutil.copy2(built.warehouse.file, warehouse.file)
    places = {"PUBLISHED": str(folder / "published"), "RUNS": str(folder / "runs")}
    workspace = replace(built, warehouse=warehouse, variables=built.variables | places)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in built.environment.items():
            patch.setenv(name, value)
        project = Project().manifest
        marks = f"'{project_digest(ROOT)}', relations_digest = '{relations_digest(warehouse)}'"
        with duckdb.connect(str(warehouse.file)) as connection:
            connection.execute(f"update operations.last_build set project_digest = {marks}")
        publish(warehouse, folder / "published", project)
    return workspace


@pytest.fixture(scope="session")
def published_on_postgres(
    published_workspace: Workspace,
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Workspace]:
    """The same sources, loaded, built and published on Postgres; for slow tests."""
    folder = tmp_path_factory.mktemp("postgres")
    with PostgresWarehouse.on(postgres) as warehouse:
        places = {
            "SOURCES": str(published_workspace.sources),
            "PUBLISHED": str(folder / "published"),
            "RUNS": str(folder / "runs"),
        }
        workspace = replace(
            published_workspace, folder=folder, warehouse=warehouse, variables=places
        )
        for module in ("scripts.load", "scripts.build"):
            done = subprocess.run(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env=os.environ | workspace.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        yield workspace


@pytest.fixture(scope="session")
def spark_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all warehouses on Spark of this process: its Java process has one catalog."""
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def spark_lane(spark_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkLane]:
    """An empty folder, and an empty warehouse on Spark; skipped without Java, PySpark or the runtime of Iceberg."""
    if problem := missing_part():
        pytest.skip(f"Spark cannot be tested here: {problem}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        lane = SparkLane(tmp_path_factory.mktemp("spark_lane"), spark_folder, patch)
        lane.empty_spark()
        yield lane
