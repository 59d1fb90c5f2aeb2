"""What tests on Spark share: whether there is one, and a folder in which Spark and DuckDB build from the same lake.

Usage:
    if problem := missing_part():
        pytest.skip(problem)
    lane = SparkLane(folder, spark_folder, patch)
    lane.load(lane.spark)
    assert lane.build(lane.spark) == []

A process can have one Java process, which has one catalog open: all lanes of a process have the same folder of Spark, and empty it (fixture `spark_lane`).
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest

from scripts.load.run import LoadOptions, load
from scripts.warehouse.base import Warehouse
from scripts.warehouse.dbt import WITHOUT_FILES, DbtRun, Project
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.spark_warehouse import SparkWarehouse
from scripts.warehouse.workspace import Workspace

JAVA_VERSION = 17
RUNTIME = "iceberg-spark-runtime-3.5_2.12-*.jar"
WHEEL = "snowpark_connect_deps_iceberg"
# The least processor time for little data; and nothing listens where others could reach it.
SETTINGS = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_DRIVER_MEMORY": "1g",
    "SPARK_SHUFFLE_PARTITIONS": "1",
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
    " -Dderby.system.durability=test",
}
GREEN = ("success", "pass", "no-op")


def missing_part() -> str | None:
    """What tests on Spark need and this machine does not have."""
    java = shutil.which("java")
    if java is None:
        return "no Java"
    shown = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', shown)
    if found is None or int(found[1]) != JAVA_VERSION:
        return f"Java {found[1] if found else 'of an unknown version'} instead of {JAVA_VERSION}"
    if importlib.util.find_spec("pyspark") is None:
        return "no PySpark"
    return None if iceberg_runtime() else f"no runtime of Iceberg (package {WHEEL})"


def iceberg_runtime() -> Path | None:
    """The library of Iceberg that a Python package brings."""
    spec = importlib.util.find_spec(WHEEL)
    places = spec.submodule_search_locations or [] if spec else []
    return next((file for place in places for file in Path(place).glob(f"jars/{RUNTIME}")), None)


class SparkLane:
    """A folder with sources and a lake, and the warehouses that are built from it."""

    def __init__(self, folder: Path, spark_folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.spark = SparkWarehouse(str(spark_folder))
        self._patch = patch
        self._projects: dict[Target, Project] = {}
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        patch.setenv("SPARK_JARS", str(iceberg_runtime()))

    def on_duckdb(self, name: str) -> DuckDBWarehouse:
        """A warehouse in a file of the folder."""
        file = self.folder / name / "warehouse.duckdb"
        file.parent.mkdir(exist_ok=True)
        return DuckDBWarehouse(file)

    def enter(self, warehouse: Warehouse, **variables: str) -> None:
        """Let dbt, the loader and the commands of this process work on a warehouse; what dbt has parsed is for one engine."""
        workspace = Workspace(self.folder, warehouse)
        own = {"DBT_TARGET_PATH": str(self.folder / warehouse.target)}
        workspace = workspace.with_variables(**own, **variables)
        for name, value in workspace.environment.items():
            self._patch.setenv(name, value)

    def load(self, warehouse: Warehouse, *batches: int) -> None:
        """Load some batches, or all."""
        self.enter(warehouse)
        folders = str(self.folder / "sources"), str(self.folder / "lake")
        assert load(LoadOptions(*folders, batches, target=warehouse.target)).failures == []

    def project(self, warehouse: Warehouse) -> Project:
        """The dbt project, parsed once for each engine."""
        self.enter(warehouse)
        if warehouse.target not in self._projects:
            self._projects[warehouse.target] = Project()
        return self._projects[warehouse.target]

    def build(self, warehouse: Warehouse, *arguments: str) -> list[str]:
        """Build; returns what did not go well."""
        return problems(self.project(warehouse).run("build", *WITHOUT_FILES, *arguments))

    def empty_spark(self) -> None:
        """Remove everything from the catalog of Spark."""
        if not self.spark.exists():
            return
        with self.spark.opened() as query:
            for (schema,) in query("show schemas"):
                if schema != "default":
                    query(f"drop schema {schema} cascade")


def problems(run: DbtRun, accepted: Collection[str] = ()) -> list[str]:
    """What did not go well in a run of dbt, without nodes whose names are `accepted`."""
    assert run.outcome.result is not None, run.problem
    return [
        f"{node.name}: {node.status}: {node.message}"
        for node in run.nodes
        if node.status not in GREEN and node.name not in accepted
    ]
