"""What a load or a command of dbt has done, as Dagster is told it.

Usage:
    for outcome in outcomes:
        yield from tell(context, batch, outcome)
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import dagster as dg

from scripts.load.contracts import Feed
from scripts.load.feeds import FeedResult
from scripts.load.run import LoadResult
from scripts.warehouse.dbt import NodeResult

# The loader writes them beside the feeds.
LOAD_TABLES = (("control", "load_log"), ("control", "quarantine"))

# The metadata of what is as it was before.
_NO_NEWS: Mapping[str, Any] = {"has_news": False}


@dataclass(frozen=True)
class Materialized:
    """An asset is what it should be after a batch."""

    key: dg.AssetKey
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Checked:
    """A data test has run."""

    key: dg.AssetCheckKey
    has_passed: bool
    severity: dg.AssetCheckSeverity
    description: str | None
    metadata: Mapping[str, Any]


Outcome = Materialized | Checked
Context = dg.OpExecutionContext | dg.AssetExecutionContext
Result = dg.MaterializeResult[Any] | dg.AssetCheckResult


def tell(context: Context, batch: int, outcome: Outcome) -> Iterator[Result]:
    """Tell what became of an asset or a check: as a result, if the step was to make it for this batch; otherwise as an event beside it."""
    asset = context if isinstance(context, dg.AssetExecutionContext) else None
    is_own = asset is not None and asset.partition_key == str(batch)
    if isinstance(outcome, Materialized):
        if asset and is_own and outcome.key in asset.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=outcome.key, metadata=outcome.metadata)
        else:
            context.log_event(
                dg.AssetMaterialization(
                    outcome.key, metadata=outcome.metadata, partition=str(batch)
                )
            )
    elif asset and is_own and outcome.key in asset.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            asset_key=outcome.key.asset_key,
            check_name=outcome.key.name,
            passed=outcome.has_passed,
            severity=outcome.severity,
            description=outcome.description,
            metadata=outcome.metadata,
        )
    else:
        # Its type is missing from the signature of `log_event`, which takes it all the same.
        evaluation: Any = dg.AssetCheckEvaluation(
            asset_key=outcome.key.asset_key,
            check_name=outcome.key.name,
            passed=outcome.has_passed,
            severity=outcome.severity,
            description=outcome.description,
            metadata=outcome.metadata,
        )
        context.log_event(evaluation)


def feed_key(feed: Feed) -> dg.AssetKey:
    """The asset of a feed."""
    return dg.AssetKey([feed.system, feed.name])


def loaded(
    result: LoadResult, batch: int, selected: AbstractSet[dg.AssetKey]
) -> Iterator[Materialized]:
    """What the lake holds of a batch after a load: nothing of a feed that failed; of one that does not come with the batch, nothing new."""
    feeds = {feed_key(feed.feed): feed for feed in result.feeds if feed.batch == batch}
    has_news = any(not feed.is_unchanged for feed in feeds.values())
    for key in sorted(selected):
        feed = feeds.get(key)
        if feed is None:
            is_of_all = tuple(key.path) in LOAD_TABLES
            yield Materialized(key, {"has_news": has_news and is_of_all})
        elif not feed.has_failed:
            yield Materialized(key, _feed_metadata(feed))


def _feed_metadata(feed: FeedResult) -> dict[str, Any]:
    files = feed.files
    return {
        "has_news": not feed.is_unchanged,
        "dagster/partition_row_count": sum(file.rows_landed for file in files),
        "rows_read": sum(file.rows_read for file in files),
        "rows_quarantined": sum(file.rows_quarantined for file in files),
        "file_bytes": sum(file.file_bytes for file in files),
        "seconds": round(sum(file.seconds for file in files), 3),
        "files": ", ".join(file.source_file for file in files),
    }


def built(key: dg.AssetKey, node: NodeResult | None) -> Materialized:
    """A table that dbt has built, or left as it was."""
    if node is None:
        return Materialized(key, _NO_NEWS)
    rows = {} if node.row_count is None else {"rows_written": node.row_count}
    return Materialized(key, {"has_news": True, "seconds": round(node.seconds, 3), **rows})


def checked(key: dg.AssetCheckKey, node: NodeResult) -> Checked:
    """A data test that dbt has run."""
    has_passed = node.status == "pass"
    is_warning = node.status == "warn"
    return Checked(
        key,
        has_passed,
        dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR,
        None if has_passed else node.message,
        {
            "seconds": round(node.seconds, 3),
            "failing_rows": node.row_count or 0,
            "rows": f"dbt show --output json -s {node.name}",
        },
    )
