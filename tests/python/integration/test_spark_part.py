"""The smallest part of the project that shows each difference between Spark and DuckDB: what macros/cross_db has a macro for.

It reads the lake of the warehouse that other tests share, the history first and then the rest, and is compared with that warehouse. All models, batch by batch,
are in test_spark.py. Without Java 17, PySpark or the runtime of Iceberg, it is skipped.

    pytest tests/python/integration/test_spark_part.py
"""

import shutil
from dataclasses import dataclass
from typing import Any

import pytest

from scripts.warehouse.dbt import WITHOUT_FILES, Project
from scripts.warehouse.settings import ROOT
from scripts.warehouse.workspace import Workspace
from tests.python.compared_engines import differing_tables, layers
from tests.python.spark_lane import SparkLane, problems

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.xdist_group("built")]

# Times of day and contracts; a merge, days and periods of a year; lists; ordered texts, row values and a seed; hashes in the order of their sources.
MODELS = (
    "+dim_time",
    "+bv_daily_price__fifty_two_weeks",
    "+bv_account__crm_completed",
    "+bv_prospect__history",
    "hub_prospect",
)
MODELS_AND_SEEDS = ("--resource-type", "model", "--resource-type", "seed")
# What the vault has and the lake has not, and the other way round; fixtures of rows, of SQL, of lists, and of what is in an incremental table.
TESTS = (
    "assert_reference_time__rebuilt_from_vault",
    "assert_market_daily_market__rebuilt_from_vault",
    "bv_daily_price__fifty_two_weeks__the_anniversary_is_excluded",
    "bv_account__crm_completed__absent_keeps_and_empty_clears",
    "sat_prospect__prospect__keeps_changes_and_returns",
)
# What the second build brings.
LATER_BATCHES = ("batch_id=2", "batch_id=3")
VALUES = (ROOT / "tests" / "python" / "cross_db.sql").read_text()


@dataclass
class Part:
    """What was built on Spark.

    Attributes:
        problems: what did not go well.
        tables: the names of the tables.
        differences: those that are not the same on DuckDB, each with some rows.
        values: what macros give on Spark and on DuckDB.
    """

    problems: list[str]
    tables: set[str]
    differences: dict[str, str]
    values: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def part(spark_lane: SparkLane, built: Workspace) -> Part:
    lake = spark_lane.folder / "lake"
    spark = spark_lane.project(spark_lane.spark)
    build = ("build", *WITHOUT_FILES, "--select", *MODELS, *MODELS_AND_SEEDS)
    shutil.copytree(built.lake, lake, ignore=shutil.ignore_patterns(*LATER_BATCHES))
    found = problems(spark.run(*build))
    shutil.copytree(built.lake, lake, dirs_exist_ok=True)
    found += problems(spark.run(*build))
    found += problems(spark.run("test", *WITHOUT_FILES, "--select", *TESTS))
    tables = set(layers(spark_lane.spark))
    differences = {
        name: what
        for name, what in differing_tables(built.warehouse, spark_lane.spark).items()
        if name in tables
    }
    values = spark.query(VALUES)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in built.environment.items():
            patch.setenv(name, value)
        return Part(found, tables, differences, (values, Project().query(VALUES)))


def test_models_and_tests_are_green(part: Part) -> None:
    assert part.problems == []
    names = {table.partition(".")[2] for table in part.tables}
    assert names >= {model.strip("+") for model in MODELS}


def test_every_table_has_the_same_rows_as_on_duckdb(part: Part) -> None:
    report = [f"{table}: {what}" for table, what in part.differences.items()]
    assert not report, "\n".join(report)


def test_macros_give_the_same_values_as_on_duckdb(part: Part) -> None:
    on_spark, on_duckdb = part.values
    assert len(on_duckdb) == 6
    assert on_spark == on_duckdb
