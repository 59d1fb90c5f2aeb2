"""One generated dataset on Spark and DuckDB: every table has the same rows (that Postgres has them, too, is what test_engines_agree.py is for).

A part, which shows each difference between the engines, is built batch by batch; then all models at once. Everything runs in one Java process. Without Java 17, PySpark or the
runtime of Iceberg, it is skipped.

    make spark-test
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.base import Warehouse
from scripts.warehouse.dbt import WITHOUT_FILES, Project
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.settings import LOADED_SCHEMA, Target
from scripts.warehouse.spark_warehouse import SparkError, SparkWarehouse
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.compared_engines import NEVER_FILLED, differing_tables, layers

pytestmark = [pytest.mark.integration, pytest.mark.slow]

JAVA_VERSION = 17
RUNTIME = "iceberg-spark-runtime-3.5_2.12-*.jar"
WHEEL = "snowpark_connect_deps_iceberg"
# Each macro of macros/cross_db that gives rows: hashes and lists, times of day, differences of days, periods of a year, ordered texts.
PART = (
    "+dim_time",
    "+bv_daily_price__fifty_two_weeks",
    "+bv_account__crm_completed",
    "+bv_prospect__history",
)
# The least processor time for little data; and nothing listens where others could reach it.
SETTINGS = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_DRIVER_MEMORY": "1g",
    "SPARK_SHUFFLE_PARTITIONS": "1",
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
    " -Dderby.system.durability=test",
}
MODELS_AND_SEEDS = ("--resource-type", "model", "--resource-type", "seed")


def missing_part() -> str | None:
    """What these tests need and this machine does not have."""
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


class Engines:
    """A folder with sources and a lake, and the warehouses that are built from it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.spark = SparkWarehouse(str(folder / "spark"))
        self._patch = patch
        self._projects: dict[Target, Project] = {}

    def on_duckdb(self, name: str) -> DuckDBWarehouse:
        """A warehouse in a file of the folder."""
        return DuckDBWarehouse(self.folder / name / "warehouse.duckdb")

    def enter(self, warehouse: Warehouse) -> None:
        """Let dbt and the loader of this process work on a warehouse; what dbt has parsed is for one engine."""
        workspace = Workspace(self.folder, warehouse)
        workspace = workspace.with_variables(DBT_TARGET_PATH=str(self.folder / warehouse.target))
        for name, value in workspace.environment.items():
            self._patch.setenv(name, value)

    def load(self, warehouse: Warehouse, *batches: int) -> None:
        """Load some batches, or all."""
        self.enter(warehouse)
        folders = str(self.folder / "sources"), str(self.folder / "lake")
        assert load(LoadOptions(*folders, batches, target=warehouse.target)).failures == []

    def build(self, warehouse: Warehouse, *arguments: str) -> list[str]:
        """Build; returns what did not go well."""
        self.enter(warehouse)
        if isinstance(warehouse, DuckDBWarehouse):
            warehouse.file.parent.mkdir(exist_ok=True)
        if warehouse.target not in self._projects:
            self._projects[warehouse.target] = Project()
        run = self._projects[warehouse.target].run("build", *WITHOUT_FILES, *arguments)
        assert run.outcome.result is not None, run.problem
        return [
            f"{node.name}: {node.message}"
            for node in run.nodes
            if node.status not in ("success", "pass", "no-op")
        ]

    def empty_spark(self) -> None:
        """Remove everything from the catalog of Spark."""
        with self.spark.opened() as query:
            schemas = {name.partition(".")[0] for name in self.spark.relations(query)}
            for schema in (*schemas, LOADED_SCHEMA):
                query(f"drop schema if exists {schema} cascade")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    if problem := missing_part():
        pytest.skip(f"Spark cannot be tested here: {problem}")
    folder = tmp_path_factory.mktemp("spark")
    generate(Parameters(scale_factor=0.01), folder / "sources", workers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        patch.setenv("SPARK_JARS", str(iceberg_runtime()))
        yield Engines(folder, patch)


@dataclass
class Stage:
    """What a build on Spark came to: what was not green, and the tables that differ from those of another engine, each with some rows."""

    problems: list[str]
    differences: dict[str, str]


@pytest.fixture(scope="module")
def part(engines: Engines) -> dict[str, Stage]:
    """A part of the project, batch by batch."""
    on_duckdb = engines.on_duckdb("part")
    selected = ("--select", *PART)
    stages: dict[str, Stage] = {}
    for name, batches in {"history": (1,), "batch 3": (3,)}.items():
        engines.load(engines.spark, *batches)
        assert engines.build(on_duckdb, *selected, *MODELS_AND_SEEDS) == []
        problems = engines.build(engines.spark, *selected, *MODELS_AND_SEEDS)
        stages[name] = Stage(problems, differing_tables(on_duckdb, engines.spark))
    found = layers(engines.spark)
    assert {name.partition(".")[2] for name in found} >= {name.strip("+") for name in PART}
    assert all(table.rows for table in found.values()), "a table without rows proves nothing"
    return stages


@pytest.mark.parametrize("stage", ["history", "batch 3"])
def test_a_part_is_green_on_spark_and_has_the_same_rows_batch_by_batch(
    part: dict[str, Stage], stage: str
) -> None:
    assert part[stage].problems == []
    report = [f"{table}: {what}" for table, what in part[stage].differences.items()]
    assert not report, "\n".join(report)


def test_every_table_has_the_same_rows_on_spark_and_duckdb(engines: Engines) -> None:
    engines.load(engines.spark)
    with suppress(SparkError):
        engines.empty_spark()
    on_duckdb = engines.on_duckdb("everything")
    assert engines.build(engines.spark, *MODELS_AND_SEEDS) == []
    assert engines.build(on_duckdb, *MODELS_AND_SEEDS) == []
    assert {name for name, table in layers(on_duckdb).items() if not table.rows} == NEVER_FILLED
    differences = differing_tables(on_duckdb, engines.spark)
    assert not differences, "\n".join(f"{table}: {what}" for table, what in differences.items())
