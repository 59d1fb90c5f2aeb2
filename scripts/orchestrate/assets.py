"""The assets of the warehouse: a feed each, as the loader lands it, and a model, seed or snapshot each, as dbt builds it; data tests are their checks.

A partition is a batch. That an asset is materialized for a batch means that it is what it should be after this batch: most have news, the others are
as before, and say so. A batch is loaded, built and validated as a whole, whatever is selected: with the functions of `scripts.load` and
`scripts.batches`, which know what has moved, keep batches in order, and record what is green.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._utils.interrupts import raise_interrupts_as
from dagster_dbt import DagsterDbtTranslator

from scripts.batches import BatchError, BatchRun, replay
from scripts.history.recording import recorded_run
from scripts.load.contracts import Contracts
from scripts.load.deliveries import delivery_of
from scripts.load.files import allowances
from scripts.load.lake import Lake
from scripts.load.run import LoadOptions, load, unlanded_batches
from scripts.load.sources import SourceFolder
from scripts.orchestrate.outcomes import (
    LOAD_TABLES,
    Context,
    Outcome,
    Result,
    built,
    checked,
    feed_key,
    loaded,
    tell,
)
from scripts.orchestrate.places import Places
from scripts.orchestrate.project import Manifest, OrchestrateError
from scripts.publish.run import publish
from scripts.publish.versions import NotGreenError
from scripts.warehouse.dbt import DbtRun
from scripts.warehouse.duckdb_warehouse import with_advice
from scripts.warehouse.engines import from_environment, passes_by_itself
from scripts.warehouse.settings import Target

PARTITIONS = "batches"
BATCHES = dg.DynamicPartitionsDefinition(name=PARTITIONS)
# One run at a time has it (dagster.yaml).
POOL = "warehouse"
# A run's tag: the digest of the files that it was for.
DELIVERY_TAG = "brokerage/delivery"
# Waits of half a minute, one, two, four and eight: longer than most builds that somebody runs by hand.
# Steps ask for it (`_failing`) and do not have it: Dagster would wait and try again also what somebody has ended.
RETRIES = dg.RetryPolicy(max_retries=5, delay=30, backoff=dg.Backoff.EXPONENTIAL)

PUBLISHED = dg.AssetKey("published")
# A batch a day, and an hour for its build.
FRESH = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=49), warn_window=timedelta(hours=25)
)

_BUILT = ("model", "seed", "snapshot")


class LoadConfig(dg.Config):
    """The switches of `python -m scripts.load`."""

    allow_repeated: bool = False
    allow_empty: bool = False
    force: bool = False


class BuildConfig(dg.Config):
    """The switches of `python -m scripts.batches`."""

    allow_rejected: bool = False
    full: bool = False


class Translator(DagsterDbtTranslator):
    """The names of assets are those of tables; groups are the layers, and of sources the systems."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`system/feed` or `schema/table`."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["alias"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The system of a source, the layer of a model; seeds and snapshots have groups of their own."""
        kind = dbt_resource_props["resource_type"]
        if kind == "source":
            return str(dbt_resource_props["source_name"])
        return str(dbt_resource_props["fqn"][1]) if kind == "model" else f"{kind}s"

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """As in dbt, without the SQL."""
        return str(dbt_resource_props["description"])


class WarehouseAssets:
    """The assets of a project.

    Args:
        manifest: of dbt.
        contracts: of all feeds.

    Attributes:
        feeds: the loader.
        tables: dbt.
        published: what readers see.
        every_batch: a job of all batches that are not finished.
    """

    def __init__(self, manifest: Manifest, contracts: Contracts) -> None:
        self._manifest = manifest
        self._contracts = contracts
        self._translator = Translator()
        self._keys = {
            unique_id: self._translator.get_asset_key(node)
            for unique_id, node in manifest["nodes"].items()
            if node["resource_type"] in _BUILT and node["config"]["materialized"] != "ephemeral"
        }
        self._depth = cache(self._find_depth)
        # Dagster wants to be told of a table after those that it reads.
        self._keys = {key: self._keys[key] for key in sorted(self._keys, key=self._depth)}
        self._checks = dict(self._check_specs())
        self.feeds = self._feeds()
        self.tables = self._tables()
        self.published = self._published()
        self.every_batch = self._every_batch()

    def _feeds(self) -> dg.AssetsDefinition:
        loaded = {(feed.system, feed.name) for feed in self._contracts.feeds} | set(LOAD_TABLES)
        specs = [
            self._spec(unique_id).replace_attributes(kinds={"parquet"})
            for unique_id, source in self._manifest["sources"].items()
            if (source["source_name"], source["name"]) in loaded
        ]

        @dg.multi_asset(
            name="load",
            specs=specs,
            can_subset=True,
            partitions_def=BATCHES,
            pool=POOL,
            description="Lands the files of a batch in the lake, typed by their contracts: `python -m scripts.load`.",
        )
        def load_feeds(
            context: dg.AssetExecutionContext, config: LoadConfig, places: Places
        ) -> Iterator[Result]:
            yield from self._load(context, config, places)

        return load_feeds

    def _tables(self) -> dg.AssetsDefinition:
        @dg.multi_asset(
            name="build",
            specs=[self._spec(unique_id) for unique_id in self._keys],
            check_specs=list(self._checks.values()),
            # Checks without news have no result, which only parts of an operation may.
            can_subset=True,
            partitions_def=BATCHES,
            pool=POOL,
            description="Builds and validates what a batch has moved: `python -m scripts.batches --batch`.",
        )
        def build_tables(
            context: dg.AssetExecutionContext, config: BuildConfig, places: Places
        ) -> Iterator[Result]:
            yield from self._build(context, config, places)

        return build_tables

    def _published(self) -> dg.AssetsDefinition:
        @dg.asset(
            key=PUBLISHED,
            group_name="published",
            deps=list(self._keys.values()),
            # It has no partitions: readers see one version, the last green batch.
            output_required=False,
            pool=POOL,
            freshness_policy=FRESH,
            description="Gives the last green batch to readers, all at once: `python -m scripts.publish`.",
        )
        def publish_tables(
            context: dg.AssetExecutionContext, places: Places
        ) -> Iterator[dg.MaterializeResult[Any]]:
            places.use()
            try:
                with _failing(context, kept=NotGreenError):
                    publication = publish(
                        from_environment(Target(places.target)), Path(places.published)
                    )
            except NotGreenError as error:
                # The batch was finished before, and dbt has run by itself since, or the project has changed.
                context.log.warning(str(error))
                return
            yield dg.MaterializeResult(
                metadata={
                    "version": publication.manifest.version,
                    "batch": publication.manifest.batch_id,
                    "has_news": publication.is_new,
                    "tables": len(publication.manifest.tables),
                }
            )

        return publish_tables

    def _every_batch(self) -> dg.JobDefinition:
        @dg.op(
            pool=POOL,
            out=dg.Out(dg.Nothing),
            description="Loads, builds and validates every batch that is not finished: `python -m scripts.batches`.",
        )
        def replay_batches(
            context: dg.OpExecutionContext, config: BuildConfig, places: Places
        ) -> None:
            places.use()
            with recorded_run("batches", Target(places.target)):
                for _ in self._replay(context, config, places, None, Path(places.published)):
                    pass

        @dg.job(name="every_batch", description="Every batch that is not finished, in order.")
        def every_batch() -> None:
            replay_batches()

        return every_batch

    def _spec(self, unique_id: str) -> dg.AssetSpec:
        return self._translator.get_asset_spec(self._manifest, unique_id, None)

    def _check_specs(self) -> Iterator[tuple[str, dg.AssetCheckSpec]]:
        """A check for each data test, at the table that it is about."""
        for unique_id, node in self._manifest["nodes"].items():
            if node["resource_type"] != "test":
                continue
            tables = self._tables_below(unique_id)
            if not tables:
                raise OrchestrateError(
                    f"{node['name']}: this test reads no model, so there is nothing in Dagster to show it at;"
                    " let it read a staging view instead of the source"
                )
            table = self._tested_table(node, tables)
            yield (
                unique_id,
                dg.AssetCheckSpec(
                    name=node["name"],
                    asset=self._keys[table],
                    additional_deps=[self._keys[other] for other in tables if other != table],
                    description=node["description"] or None,
                    metadata={"severity": node["config"]["severity"].lower()},
                ),
            )

    def _tested_table(self, test: Mapping[str, Any], tables: Sequence[str]) -> str:
        """Of the tables that a test reads, the one that it is declared at, or that its name begins with; otherwise the last in the lineage.

        The last one alone would not do: a test may name a table only to come after it.
        """
        declared_at: str | None = test.get("attached_node")
        named = [
            key
            for key in tables
            if test["name"].startswith(f"assert_{self._manifest['nodes'][key]['name']}__")
        ]
        if declared_at is not None and declared_at in tables:
            return declared_at
        return max(named or tables, key=self._depth)

    def _tables_below(self, unique_id: str) -> list[str]:
        """The tables and views that a node reads, through ephemeral models too; in a fixed order."""
        found: set[str] = set()
        for parent in self._manifest["nodes"][unique_id]["depends_on"].get("nodes", ()):
            if parent in self._keys:
                found.add(parent)
            elif parent in self._manifest["nodes"]:
                found.update(self._tables_below(parent))
        return sorted(found)

    def _find_depth(self, unique_id: str) -> int:
        """The length of the longest way from here to a source."""
        return 1 + max(map(self._depth, self._tables_below(unique_id)), default=0)

    def _load(
        self, context: dg.AssetExecutionContext, config: LoadConfig, places: Places
    ) -> Iterator[Result]:
        places.use()
        batch, target = int(context.partition_key), Target(places.target)
        if self._builds(context.run):
            self._tag_with_delivery(context, places, batch)
        selected = context.selected_asset_keys
        labels = {feed_key(feed): feed.label for feed in self._contracts.feeds}
        chosen = {label for key, label in labels.items() if key in selected}
        with _failing(context), recorded_run("load", target, batch) as run:
            # A change counts with the batch that landed first, so earlier ones do.
            earlier = unlanded_batches(SourceFolder(places.sources), Lake(places.lake), batch)
            options = LoadOptions(
                sources=places.sources,
                lake=places.lake,
                batches=(*earlier, batch),
                feeds=() if len(chosen) == len(labels) else tuple(chosen),
                force=config.force,
                allowances=allowances(repeated=config.allow_repeated, empty=config.allow_empty),
                target=target,
            )
            result = load(options)
            run.rows_landed, run.rows_quarantined = result.rows_landed, result.rows_quarantined
            run.message = "; ".join(result.failures) or None
        for warning in result.warnings:
            context.log.warning(warning)
        for number in (*earlier, batch):
            for outcome in loaded(result, number, selected):
                yield from tell(context, number, outcome)
        if result.failures:
            raise dg.Failure("; ".join(result.failures), allow_retries=False)

    def _build(
        self, context: dg.AssetExecutionContext, config: BuildConfig, places: Places
    ) -> Iterator[Result]:
        places.use()
        batch, target = int(context.partition_key), Target(places.target)
        self._tag_with_delivery(context, places, batch)
        with recorded_run("batches", target, batch):
            yield from self._replay(context, config, places, batch)

    def _replay(
        self,
        context: Context,
        config: BuildConfig,
        places: Places,
        only: int | None,
        published: Path | None = None,
    ) -> Iterator[Result]:
        """Replay one batch, or all that are not finished, and tell what became of each; publish them if a folder is given."""
        runs: list[DbtRun] = []
        batches = replay(
            places.sources,
            places.lake,
            Target(places.target),
            allow_rejected=config.allow_rejected,
            is_full=config.full,
            published=published,
            only=only,
            on_run=lambda _, run: runs.append(run),
        )
        # Closed whatever happens: it holds the lock of the lake.
        with _failing(context, lambda: runs), closing(batches):
            try:
                for done in _interruptible(batches):
                    context.log.info(_summary(done))
                    for outcome in self._outcomes(runs, is_green=True):
                        yield from tell(context, done.batch, outcome)
                    if done.publish_seconds:
                        context.log_event(
                            dg.AssetMaterialization(PUBLISHED, metadata={"batch": done.batch})
                        )
                    runs.clear()
            except BatchError as error:
                for outcome in self._outcomes(runs, is_green=False):
                    yield from tell(context, error.batch, outcome)
                raise

    def _outcomes(self, runs: Sequence[DbtRun], is_green: bool) -> Iterator[Outcome]:
        """The tests that dbt has run; and if the batch is green, all tables: they are what they should be, whether they had news or not."""
        nodes = {node.node_id: node for run in runs for node in run.nodes}
        if is_green:
            for unique_id, key in self._keys.items():
                yield built(key, nodes.get(unique_id))
        for unique_id, spec in self._checks.items():
            node = nodes.get(unique_id)
            if node and node.status != "skipped":
                yield checked(spec.key, node)

    def _builds(self, run: dg.DagsterRun) -> bool:
        """Whether a run does more than load."""
        selection = run.asset_selection
        return not selection or not selection.isdisjoint(self._keys.values())

    def _tag_with_delivery(
        self, context: dg.AssetExecutionContext, places: Places, batch: int
    ) -> None:
        """Write down at the run for which files it was: whoever started it, it need not be started for them again."""
        with _failing(context):
            delivery = delivery_of(batch, SourceFolder(places.sources), self._contracts)
        context.instance.add_run_tags(context.run.run_id, {DELIVERY_TAG: delivery.digest})


@contextmanager
def _failing(
    context: Context,
    runs: Callable[[], Sequence[DbtRun]] = list,
    kept: type[Exception] | tuple[()] = (),
) -> Iterator[None]:
    """Turn what goes wrong, unless it is `kept`, into one line that says what to do, and try again later only if that may help."""
    try:
        yield
    except kept:
        raise
    except Exception as error:
        problem = with_advice(error)
        reds = [node.message for run in runs() for node in run.nodes if node.has_failed]
        failure = dg.Failure(problem, allow_retries=False)
        # What is red because the database went away is not wrong.
        if not all(map(passes_by_itself, reds or [problem])):
            raise failure from error
        failure.__cause__ = error
        raise dg.RetryRequested(
            RETRIES.max_retries, RETRIES.calculate_delay(context.retry_number + 1)
        ) from failure


class EndedByDagster(KeyboardInterrupt):
    """The run is to end: somebody has ended it, or it has taken too long."""

    def __str__(self) -> str:
        return "stopped by Dagster"


def _interruptible(batches: Iterator[BatchRun]) -> Iterator[BatchRun]:
    """The batches. While one is worked at, the end of the run is an interrupt as of Ctrl-C, for which dbt cancels its queries; Dagster's own it does not know."""
    while True:
        with raise_interrupts_as(EndedByDagster):
            done = next(batches, None)
        if done is None:
            return
        yield done


def _summary(run: BatchRun) -> str:
    if run.was_finished:
        return f"batch {run.batch} was finished before"
    return (
        f"batch {run.batch} is green: {run.landed:,} rows in the lake, {run.quarantined:,} quarantined;"
        f" messages {run.messages}, audit {run.checks}"
    )
