"""Batches that Dagster starts: from a dropped folder to what readers see, and what is said when it goes wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from scripts.load.contracts import Contracts, read_contracts
from scripts.load.run import CONTRACTS_FOLDER
from scripts.monitor.state import STATE_FILE
from scripts.orchestrate.definitions import definitions
from scripts.orchestrate.places import Places
from scripts.orchestrate.sensors import DELIVERY_TAG, tell_about_failures
from scripts.warehouse.workspace import Workspace
from tests.python.dropping import drop_batch

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

CONTRACTS: Contracts = read_contracts(CONTRACTS_FOLDER)


@pytest.fixture(scope="module")
def manifest(built: Workspace) -> dict:
    """What dbt has written when it built."""
    return json.loads((built.target / "manifest.json").read_text())


class Orchestra:
    """An instance of Dagster and an empty workspace, whose files come one batch after the other."""

    def __init__(self, instance: dg.DagsterInstance, workspace: Workspace, manifest: dict) -> None:
        self.instance = instance
        self.workspace = workspace
        self.definitions = definitions(manifest, CONTRACTS)
        self.cursor: str | None = None

    def look(self) -> dg.RunRequest | str:
        """A tick of the sensor: what it starts, or why nothing."""
        sensor = self.definitions.resolve_sensor_def("new_batches")
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"places": Places.from_environment()},
        ) as context:
            result = sensor(context)
        if isinstance(result, dg.SkipReason):
            return str(result.skip_message)
        self.cursor = result.cursor
        for request in result.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions("batches", list(request.partition_keys))
        return (
            result.run_requests[0] if result.run_requests else str(result.skip_reason.skip_message)
        )

    def run(self, batch: int, config: dict | None = None, **tags: str) -> dg.ExecuteInProcessResult:
        """Run the job of a batch to its end."""
        return self.definitions.resolve_job_def("batch").execute_in_process(
            partition_key=str(batch),
            instance=self.instance,
            tags=tags,
            run_config=config,
            raise_on_error=False,
        )

    def checks_of(self, run_id: str) -> list[dg.AssetCheckEvaluation]:
        """What Dagster remembers of the checks of a run."""
        found = self.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        return [entry.dagster_event.asset_check_evaluation_data for entry in found]

    def start(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Run what the sensor asks for."""
        return self.run(int(request.partition_key or 0), **request.tags)


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory, manifest: dict) -> Iterator[Orchestra]:
    with orchestra_in(tmp_path_factory.mktemp("orchestra"), manifest) as orchestra:
        yield orchestra


@contextmanager
def orchestra_in(folder: Path, manifest: dict) -> Iterator[Orchestra]:
    workspace = Workspace.on_duckdb(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        patch.setenv("SOURCES", str(workspace.sources))
        patch.setenv("PUBLISHED", str(workspace.folder / "published"))
        with dg.DagsterInstance.ephemeral() as instance:
            yield Orchestra(instance, workspace, manifest)


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    return str(failed.step_failure_data.user_failure_data.description)


def test_every_feed_and_table_is_an_asset_and_every_data_test_a_check(manifest: dict) -> None:
    graph = definitions(manifest, CONTRACTS).resolve_asset_graph()
    nodes = manifest["nodes"].values()
    feeds = {f"{feed.system}/{feed.name}" for feed in CONTRACTS.feeds}
    tables = {
        f"{node['schema']}/{node['alias']}"
        for node in nodes
        if node["resource_type"] in ("model", "seed", "snapshot")
        and node["config"]["materialized"] != "ephemeral"
    }
    made = {key.to_user_string() for key in graph.materializable_asset_keys}
    assert made == feeds | tables | {"control/load_log", "control/quarantine", "published"}
    tests = [node["name"] for node in nodes if node["resource_type"] == "test"]
    assert sorted(key.name for key in graph.asset_check_keys) == sorted(tests)
    assert len(tests) > 600


def test_a_check_is_shown_at_the_table_that_its_name_begins_with(manifest: dict) -> None:
    """A singular test may read other tables, too, and some only to come after them."""
    graph = definitions(manifest, CONTRACTS).resolve_asset_graph()
    tables = {key.path[-1] for key in graph.materializable_asset_keys if len(key.path) == 2}
    shown = {key.name: key.asset_key.path[-1] for key in graph.asset_check_keys}
    claims = [(name, *name.removeprefix("assert_").split("__", 1)) for name in shown]
    named = {
        name: table for name, table, *_ in claims if name.startswith("assert_") and table in tables
    }
    assert shown["assert_rejected_rows__there_are_none"] == "rejected_rows"
    assert len(named) > 5
    assert {name: shown[name] for name in named} == named


def test_assets_carry_layers_descriptions_and_columns(manifest: dict) -> None:
    graph = definitions(manifest, CONTRACTS).resolve_asset_graph()
    trade = graph.get(dg.AssetKey(["marts", "dim_trade"]))
    assert trade.group_name == "marts"
    assert trade.description.startswith("One row per")
    columns = trade.metadata["dagster/column_schema"].columns
    assert all(column.description and column.type != "?" for column in columns)
    feed = graph.get(dg.AssetKey(["brokerage", "trade"]))
    assert feed.group_name == "brokerage"
    assert {key.path[0] for key in feed.child_keys} == {"staging"}


def test_a_dropped_batch_is_built_and_published_once_it_is_complete(
    orchestra: Orchestra, built: Workspace
) -> None:
    assert "no Batch1, Batch2" in str(orchestra.look())
    drop_batch(built.sources, orchestra.workspace.sources, 1)
    late = orchestra.workspace.sources / "Batch1" / "Trade.txt"
    content = late.read_bytes()
    late.unlink()
    assert "batch 1 is not complete: brokerage.trade (Batch1/Trade.txt) not there" in str(
        orchestra.look()
    )
    late.write_bytes(content)
    assert "batch 1 is complete" in str(orchestra.look())
    request = orchestra.look()
    assert isinstance(request, dg.RunRequest)
    result = orchestra.start(request)
    assert result.success
    assert orchestra.look() == "all batches are green, the last one is 1"
    materialized = {event.asset_key for event in result.get_asset_materialization_events()}
    assert materialized == set(
        orchestra.definitions.resolve_asset_graph().materializable_asset_keys
    )
    checks = result.get_asset_check_evaluations()
    assert len(checks) > 600
    assert all(check.passed or check.severity == dg.AssetCheckSeverity.WARN for check in checks)
    current = orchestra.workspace.folder / "published" / "current" / "manifest.json"
    assert json.loads(current.read_text())["batch_id"] == 1


def test_a_broken_file_is_red_says_which_and_is_started_again_when_it_is_corrected(
    orchestra: Orchestra, built: Workspace
) -> None:
    drop_batch(built.sources, orchestra.workspace.sources, 2)
    file = orchestra.workspace.sources / "Batch2" / "Trade.txt"
    content = file.read_bytes()
    file.write_bytes(b"this is not a file of trades\n" * 100)
    orchestra.look()
    request = orchestra.look()
    assert isinstance(request, dg.RunRequest)
    result = orchestra.start(request)
    assert not result.success
    assert "brokerage.trade of batch 2: Batch2/Trade.txt" in failure_of(result)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert "batch 2 is red" in str(orchestra.look())
    # The monitor is told, and remembers it.
    context = dg.build_run_status_sensor_context(
        sensor_name="tell_about_failures",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=orchestra.instance,
        dagster_run=orchestra.instance.get_run_by_id(result.run_id),
    )
    tell_about_failures(context.for_run_failure())
    assert "Batch2/Trade.txt" in (orchestra.workspace.runs / STATE_FILE).read_text()
    file.write_bytes(content)
    orchestra.look()
    again = orchestra.look()
    assert isinstance(again, dg.RunRequest)
    assert again.run_key != request.run_key


def test_a_red_test_is_a_failed_check_and_nothing_is_published(
    orchestra: Orchestra, built: Workspace
) -> None:
    file = orchestra.workspace.sources / "Batch2" / "WatchHistory.txt"
    lines = file.read_text().splitlines()
    flag, number, customer, _, at, action = lines[0].split("|")
    assert action == "ACTV"
    file.write_text(
        "\n".join([f"{flag}|{int(number) + 10**6}|{customer}|NOBODY|{at}|{action}", *lines]) + "\n"
    )
    current = orchestra.workspace.folder / "published" / "current"
    version = current.readlink()
    orchestra.look()
    request = orchestra.look()
    assert isinstance(request, dg.RunRequest)
    result = orchestra.start(request)
    assert not result.success
    red = [check for check in orchestra.checks_of(result.run_id) if not check.passed]
    errors = [check for check in red if check.severity == dg.AssetCheckSeverity.ERROR]
    assert [check.check_name for check in errors] == ["assert_rejected_rows__there_are_none"]
    assert "correct it" in failure_of(result)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert current.readlink() == version
    trade = dg.AssetKey(["marts", "dim_trade"])
    assert orchestra.instance.get_materialized_partitions(trade) == {"1"}
    run = orchestra.instance.get_run_by_id(result.run_id)
    assert run and run.tags[DELIVERY_TAG] == request.tags[DELIVERY_TAG]


@pytest.mark.slow
def test_batches_in_another_order_and_twice_give_the_rows_of_one_build(
    built: Workspace, manifest: dict, tmp_path: Path
) -> None:
    with orchestra_in(tmp_path, manifest) as orchestra:
        for batch in (1, 2, 3):
            drop_batch(built.sources, orchestra.workspace.sources, batch)
        orchestra.look()
        third = orchestra.run(3)
        assert third.success
        partitions = {
            event.partition
            for event in third.get_asset_materialization_events()
            if event.asset_key != dg.AssetKey("published")
        }
        assert partitions == {"1", "2", "3"}, "those before come first"
        for batch in (2, 1, 3):
            assert orchestra.run(batch).success
        assert orchestra.workspace.warehouse.fingerprints() == built.warehouse.fingerprints()
        assert orchestra.look() == "all batches are green, the last one is 3"


def test_no_step_is_tried_again_by_dagster_itself(manifest: dict) -> None:
    """It would wait, and try again, also what somebody has ended; steps ask for it."""
    found = definitions(manifest, CONTRACTS)
    jobs = [found.resolve_job_def(name) for name in ("batch", "every_batch")]
    steps = [node for job in jobs for node in job.nodes]
    assert len(steps) == 4
    assert all(node.retry_policy is None for node in steps)
    assert all(node.definition.retry_policy is None for node in steps)
