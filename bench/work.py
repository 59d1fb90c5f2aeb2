"""The pieces of work that are measured, each to be done in a separate process.

The tools are imported by the functions that need them: every process imports this module, and the memory of one tool
must not be counted for another.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.warehouse.workspace import Workspace

if TYPE_CHECKING:
    from brokerage_sources.generate.run import Dataset
    from scripts.load.contracts import Feed
    from scripts.publish.versions import Versions
    from scripts.warehouse.dbt import NodeResult

WORKERS = 2
_POLICY = Path(__file__).with_name("trades.yml")
# Everything that data tests look at.
MODELS = ("build", *(f"--resource-type={kind}" for kind in ("model", "seed", "snapshot")))


@dataclass(frozen=True)
class Size:
    """Rows and bytes that a piece of work processed."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class BatchTimes:
    """The cost of one batch of a replay.

    Attributes:
        load: seconds of the load.
        build: seconds of dbt's run of all models, its own start included.
        models: seconds that dbt reports for each model, by `schema.model`.
    """

    load: float
    build: float
    models: dict[str, float]


@dataclass(frozen=True)
class DayTimes:
    """The cost of one batch that was loaded, built and validated, in seconds."""

    load: float
    build: float
    validate: float


def generate_dataset(workspace: Workspace, scale: float, incremental_batches: int = 2) -> "Dataset":
    """Generate the source files of a dataset, replacing an earlier one."""
    from brokerage_sources.generate.parameters import Parameters
    from brokerage_sources.generate.run import generate

    parameters = Parameters(scale_factor=scale, incremental_batches=incremental_batches)
    return generate(parameters, workspace.sources, workers=WORKERS, force=True)


def copy_files(workspace: Workspace) -> Size:
    """The copy floor: read every file and write it once as Parquet, with nothing but DuckDB.

    Delimited files are read with the columns and types of their contracts, the others as lines of text. There are no
    checks, no line numbers and no quarantine.
    """
    import duckdb

    from scripts.load.sources import SourceFolder

    sources = SourceFolder(str(workspace.sources))
    rows = size = 0
    with duckdb.connect(config={"threads": WORKERS}) as connection:
        for feed in _feeds():
            for batch in filter(feed.comes_in, sources.batches):
                files = sources.files_of(feed, batch)
                relation = _relation(feed, batch, [file.path for file in files])
                copied = connection.execute(
                    f"copy (select * from {relation}) to '{workspace.folder}/floor.parquet'"
                    " (format parquet, compression zstd)"
                ).fetchall()
                rows += copied[0][0]
                size += sum(file.bytes for file in files)
    return Size(rows, size)


def load_all(workspace: Workspace, format: str | None = None) -> Size:
    """Load every batch of the feeds of one format, or of all, whether or not they are loaded already."""
    feeds = tuple(feed.label for feed in _feeds(format)) if format else ()
    return _load(workspace, feeds=feeds, force=True)


def load_new(workspace: Workspace) -> Size:
    """Load what is not loaded yet."""
    return _load(workspace)


def run_dbt(workspace: Workspace, *arguments: str) -> int:
    """Run dbt in this process; returns the number of nodes that ran.

    Raises:
        ProjectError: dbt could not start, or a node failed.
    """
    return len(_run_dbt(workspace, *arguments))


def replay(workspace: Workspace) -> list[BatchTimes]:
    """Load and run one batch after the other."""
    from scripts.load.sources import SourceFolder

    return [_run_batch(workspace, batch) for batch in SourceFolder(str(workspace.sources)).batches]


def run_batches(workspace: Workspace, *, is_published: bool = False) -> list[DayTimes]:
    """Load, build and validate each batch that is not finished, as `make batches` does; publish it, if that is asked for.

    Raises:
        BatchError: a batch is not green.
    """
    from scripts import batches
    from scripts.warehouse.settings import setting

    workspace.enter()
    runs = batches.replay(
        str(workspace.sources),
        str(workspace.lake),
        workspace.warehouse.target,
        published=Path(setting("PUBLISHED")) if is_published else None,
    )
    return [
        DayTimes(run.load_seconds, run.build_seconds, run.validate_seconds)
        for run in runs
        if not run.was_finished
    ]


def published_batches(workspace: Workspace) -> list[str]:
    """The published versions that are kept, in the order of their batches."""
    versions = _published(workspace)
    return sorted(path.name for path in versions.folder.glob("batch-*"))


def copy_trades(workspace: Workspace, version: str) -> int:
    """What a dump is compared with: DuckDB alone writes the same columns of a published version as Parquet; returns the number of rows."""
    import duckdb

    from scripts.share.policies import read_share

    (table,) = read_share(_POLICY).tables.values()
    file = _published(workspace).folder / version / "analyst.duckdb"
    with duckdb.connect(str(file), read_only=True, config={"threads": WORKERS}) as connection:
        ((rows,),) = connection.execute(
            f"copy (select {', '.join(table.columns)} from {table.table})"
            f" to '{workspace.folder}/trades.parquet' (format parquet)"
        ).fetchall()
    return int(rows)


def share_trades(workspace: Workspace, version: str) -> tuple[int, int]:
    """Build a share of the trades from a published version; returns the rows of the dump, and of what has changed."""
    from scripts.serve.published import open_published
    from scripts.share.build import LIMITS, build
    from scripts.share.policies import read_share
    from scripts.share.rules import read_rules

    workspace.enter()
    share = read_share(_POLICY)
    with closing(
        open_published(workspace.warehouse.target, limits=LIMITS, keeps_types=True)
    ) as published:
        index = build(
            share,
            read_rules(),
            published,
            version=version,
            today=share.approved_on,
            shares=workspace.folder / "shares",
        ).index
    changes = index.resource("trades", "changes")
    return index.rows, changes.rows if changes else 0


def explain_slowest(workspace: Workspace, count: int) -> dict[str, str]:
    """Run all models, then the queries of the slowest again; returns their plans by `schema.model`.

    The plans are those of the first build of a model: all batches at once.
    """
    models = [node for node in _run_dbt(workspace, *MODELS) if node.kind == "model"]
    models.sort(key=lambda node: node.seconds, reverse=True)
    explain = workspace.warehouse.explain
    with workspace.warehouse.opened() as query:
        plans = {_label(node): query(f"{explain} {node.sql}") for node in models[:count]}
    return {name: "\n".join(str(line[-1]) for line in plan) for name, plan in plans.items()}


def _run_batch(workspace: Workspace, batch: int) -> BatchTimes:
    started = time.perf_counter()
    _load(workspace, batches=(batch,))
    loaded = time.perf_counter()
    nodes = _run_dbt(workspace, *MODELS)
    built = time.perf_counter()
    models = {_label(node): node.seconds for node in nodes}
    return BatchTimes(loaded - started, built - loaded, models)


def _published(workspace: Workspace) -> "Versions":
    from scripts.publish.versions import Versions
    from scripts.warehouse.settings import setting

    workspace.enter()
    return Versions(Path(setting("PUBLISHED")))


def _load(workspace: Workspace, **options: Any) -> Size:
    """Load into the lake, and from there to where dbt builds."""
    from scripts.load.run import LoadOptions, load

    workspace.enter()
    target = workspace.warehouse.target
    result = load(
        LoadOptions(str(workspace.sources), str(workspace.lake), target=target, **options)
    )
    if result.failures:
        raise RuntimeError("; ".join(result.failures))
    files = [file for feed in result.feeds for file in feed.files]
    return Size(sum(file.rows_read for file in files), sum(file.file_bytes for file in files))


def _run_dbt(workspace: Workspace, *arguments: str) -> "list[NodeResult]":
    from scripts.warehouse.dbt import run_dbt

    workspace.enter()
    run = run_dbt(*arguments)
    run.ensure_green()
    return run.nodes


def _label(node: "NodeResult") -> str:
    return f"{node.schema}.{node.name}"


def _feeds(format: str | None = None) -> "list[Feed]":
    from scripts.load.contracts import read_contracts
    from scripts.load.run import CONTRACTS_FOLDER

    feeds = read_contracts(CONTRACTS_FOLDER).feeds
    return [feed for feed in feeds if format in (None, feed.format)]


def _relation(feed: "Feed", batch: int, files: list[str]) -> str:
    """The call that reads the files; text that is not delimited is one column, with a delimiter that never occurs."""
    if feed.format == "delimited":
        columns = {column.name: column.data_type for column in feed.layout(batch)}
        delimiter, quote, skip = feed.delimiter, feed.quote or "", feed.header_lines
    else:
        columns, delimiter, quote, skip = {"line": "varchar"}, "\x01", "", 0
    return (
        f"read_csv({files}, columns = {columns}, delim = '{delimiter}', quote = '{quote}',"
        f" escape = '{quote}', header = false, skip = {skip}, auto_detect = false)"
    )
