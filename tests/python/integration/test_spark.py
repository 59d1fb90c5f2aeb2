"""One generated dataset on Spark and DuckDB, as an operator builds it: every table has the same rows after each step (that Postgres has them, too, is what
test_engines_agree.py is for).

The history by `scripts.batches`; a batch after a gap, which is red, because the audit misses the batch between; that batch, late, by `scripts.build`; both commands
again with nothing new; then all at once. Everything runs in one Java process. Without Java 17, PySpark or the runtime of Iceberg, it is skipped.

    make spark-test
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts import batches, build
from scripts.publish.run import publish
from scripts.publish.versions import Versions
from scripts.warehouse.base import Warehouse
from scripts.warehouse.dbt import DbtRun
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from tests.python.compared_engines import NEVER_FILLED, differing_tables, layers
from tests.python.spark_lane import SparkLane

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# What arrives, one after the other: the second daily batch comes before the first one, which is late.
LATE = "batch 2, late"
ARRIVALS = {"history": 1, "batch 3": 3, LATE: 2}
# The steps that have news, and one that has none.
STEPS = (*ARRIVALS, "nothing new")
MODELS_AND_SEEDS = ("--resource-type", "model", "--resource-type", "seed")
UNIT_TESTS = ("--resource-type", "unit_test")
# When it was published, and the key that is made of it, are those of the build.
PUBLISHED_PROSPECTS = """
    (
        select
            agency_id,
            is_customer,
            marketing_nameplate,
            sk_update_date_id,
            published_to is null as is_current,
            row_number() over (partition by agency_id order by published_from) as period
        from snapshots.prospects_published
    ) as published
"""
PROSPECTS = "snapshots.prospects_published"
# Tables of which nothing may be written if there is nothing new: appended to, merged, replaced.
AT_REST = ("raw_vault.nhl_trade", "marts.dim_trade", "marts.dim_customer")


@dataclass
class Replay:
    """What building step by step came to.

    Attributes:
        on_duckdb: the warehouse in a file, after the last step.
        differences: tables that differ, each with some rows, by step.
        red: the tests that were red in `scripts.batches`, on DuckDB and on Spark, by step.
        periods: number of periods of published prospects, by step.
        trades: number of trades, by step.
        commits: number of times that each of some tables was written to, by step.
        was_at_rest: before the last step, nothing was to be built.
    """

    on_duckdb: DuckDBWarehouse
    differences: dict[str, dict[str, str]] = field(default_factory=dict)
    red: dict[str, list[set[str]]] = field(default_factory=dict)
    periods: dict[str, int] = field(default_factory=dict)
    trades: dict[str, int] = field(default_factory=dict)
    commits: dict[str, dict[str, int]] = field(default_factory=dict)
    was_at_rest: bool = False


def arrive(lane: SparkLane, batch: int) -> None:
    """The files of a batch come into the folder of the sources."""
    for path in (lane.folder / "delivered").iterdir():
        belongs = path.name == f"Batch{batch}" or path.name.startswith(f"Batch{batch}_")
        if belongs or not path.name.startswith("Batch"):
            place = lane.folder / "sources" / path.name
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, place)


def run_batches(lane: SparkLane, warehouse: Warehouse, published: Path | None) -> set[str]:
    """As `python -m scripts.batches`; returns the names of tests that are red."""
    folders = str(lane.folder / "sources"), str(lane.folder / "lake")
    red: set[str] = set()

    def note(_: int, run: DbtRun) -> None:
        red.update(node.name for node in run.nodes if node.has_failed)

    with suppress(batches.BatchError):
        for _ in batches.replay(*folders, warehouse.target, published=published, on_run=note):
            pass
    return red


def run_build(lane: SparkLane, warehouse: Warehouse) -> None:
    """As `python -m scripts.load` and `python -m scripts.build`."""
    lane.load(warehouse)
    build.main(warehouse.target, full=False, no_publish=warehouse is not lane.spark)


@pytest.fixture(scope="module")
def replay(spark_lane: SparkLane) -> Replay:
    """Both warehouses, built step by step."""
    lane = spark_lane
    generate(Parameters(scale_factor=0.01), lane.folder / "delivered", workers=1)
    (lane.folder / "sources").mkdir()
    replay = Replay(lane.on_duckdb("replay"))
    for step in STEPS:
        if step in ARRIVALS:
            arrive(lane, ARRIVALS[step])
        for warehouse in (replay.on_duckdb, lane.spark):
            published = lane.folder / "published" if warehouse is lane.spark else None
            lane.enter(warehouse, PUBLISHED=str(published), KEPT_VERSIONS="1")
            if step == "nothing new" and warehouse is lane.spark:
                replay.was_at_rest = build.has_nothing_new(warehouse)
            if step in (LATE, "nothing new"):
                run_build(lane, warehouse)
            if step != LATE:
                red = run_batches(lane, warehouse, published)
                replay.red.setdefault(step, []).append(red)
        look(replay, lane, step)
    return replay


def look(replay: Replay, lane: SparkLane, step: str) -> None:
    """Note what both warehouses hold after a step."""
    replay.differences[step] = differing_tables(replay.on_duckdb, lane.spark)
    one, other = (
        warehouse.fingerprints({PROSPECTS: PUBLISHED_PROSPECTS})[PROSPECTS]
        for warehouse in (replay.on_duckdb, lane.spark)
    )
    if one != other:
        replay.differences[step][PROSPECTS] = f"{one} and {other}"
    replay.periods[step] = one.rows
    ((replay.trades[step],),) = replay.on_duckdb.query("select count(*) from marts.dim_trade")
    replay.commits[step] = {
        table: lane.spark.query(f"select count(*) from {table}.snapshots")[0][0]
        for table in AT_REST
    }


@pytest.mark.parametrize("step", STEPS)
def test_every_table_has_the_same_rows_on_spark_and_duckdb(replay: Replay, step: str) -> None:
    report = [f"{table}: {what}" for table, what in replay.differences[step].items()]
    assert not report, "\n".join(report)


def test_each_table_has_rows_and_the_snapshot_has_several_periods(replay: Replay) -> None:
    tables = layers(replay.on_duckdb)
    assert {name for name, table in tables.items() if not table.rows} == NEVER_FILLED
    assert replay.periods["history"] < replay.periods["batch 3"] < replay.periods[LATE]


def test_a_batch_after_a_gap_is_red_for_the_same_reasons_and_all_others_are_green(
    replay: Replay,
) -> None:
    on_duckdb, on_spark = replay.red["batch 3"]
    assert "assert_audit_results__every_check_is_ok" in on_duckdb
    assert on_spark == on_duckdb
    assert replay.red["history"] == replay.red["nothing new"] == [set(), set()]


def test_without_news_nothing_is_written(replay: Replay) -> None:
    assert replay.was_at_rest
    assert replay.commits["nothing new"] == replay.commits[LATE]
    assert all(
        replay.commits["history"][table] < replay.commits["batch 3"][table] for table in AT_REST
    )


def test_published_versions_are_tags_that_go_with_them(
    spark_lane: SparkLane, replay: Replay
) -> None:
    folder, query = spark_lane.folder / "published", spark_lane.spark.query
    first, second = Versions(folder).names()
    for version, step in ((first, "history"), (second, LATE)):
        trades = query(f"select count(*) from marts.dim_trade version as of '{version}'")
        assert trades == [(replay.trades[step],)]
    assert replay.trades["history"] < replay.trades[LATE]
    # As if another build had been green.
    query("update operations.last_build set invocation_id = 'another'")
    project = spark_lane.project(spark_lane.spark).manifest
    third = publish(spark_lane.spark, folder, project, keep=1).manifest.version
    assert Versions(folder).names() == [second, third]
    tags = "select name from marts.dim_trade.refs where type = 'TAG' order by name"
    assert query(tags) == [(second,), (third,)]


def test_unit_tests_pass_on_spark(spark_lane: SparkLane, replay: Replay) -> None:
    assert spark_lane.build(spark_lane.spark, *UNIT_TESTS) == []


def test_all_at_once_has_the_same_rows(spark_lane: SparkLane, replay: Replay) -> None:
    assert spark_lane.build(spark_lane.spark, *MODELS_AND_SEEDS, "--full-refresh") == []
    assert differing_tables(replay.on_duckdb, spark_lane.spark) == {}
