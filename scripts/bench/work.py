"""The pieces of work that are measured, each to be done in a process of its own.

The tools are imported by the functions that need them: every process imports this module, and the memory of one tool
must not count for another.
"""

import os
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunResult

    from brokerage_sources.generate.run import Dataset
    from scripts.load.contracts import Feed

WORKERS = 2
# Everything that data tests look at.
MODELS = ("build", *(f"--resource-type={kind}" for kind in ("model", "seed", "snapshot")))


@dataclass(frozen=True)
class Place:
    """Where things are: source files, lake and dbt's target below one folder; variables that lead to the warehouse."""

    folder: Path
    environment: dict[str, str]

    def with_variables(self, **variables: str) -> "Place":
        """The same place, with these variables too."""
        return replace(self, environment=self.environment | variables)

    @property
    def sources(self) -> Path:
        """The source files."""
        return self.folder / "sources"

    @property
    def lake(self) -> Path:
        """The lake."""
        return self.folder / "lake"

    @property
    def target(self) -> Path:
        """What dbt has parsed and compiled."""
        return self.folder / "target"


@dataclass(frozen=True)
class Size:
    """Rows and bytes that a piece of work went through."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class BatchTimes:
    """What one batch of a replay took.

    Attributes:
        load: seconds of the load.
        build: seconds of dbt's run of all models, its own start included.
        models: seconds that dbt reports for each model, by `schema.model`.
    """

    load: float
    build: float
    models: dict[str, float]


def generate_world(place: Place, scale: float, incremental_batches: int = 2) -> "Dataset":
    """Generate the source files of a world, in place of an earlier one."""
    from brokerage_sources.generate.parameters import Parameters
    from brokerage_sources.generate.run import generate

    parameters = Parameters(scale_factor=scale, incremental_batches=incremental_batches)
    return generate(parameters, place.sources, workers=WORKERS, force=True)


def copy_files(place: Place) -> Size:
    """The copy floor: read every file and write it once as Parquet, with nothing but DuckDB.

    Delimited files are read with the columns and types of their contracts, the others as lines of text. There are no
    checks, no line numbers, no place for what does not fit.
    """
    import duckdb

    from scripts.load.sources import SourceFolder

    sources = SourceFolder(str(place.sources))
    rows = size = 0
    with duckdb.connect(config={"threads": WORKERS}) as connection:
        for feed in _feeds():
            for batch in filter(feed.comes_in, sources.batches):
                files = sources.files_of(feed, batch)
                relation = _relation(feed, batch, [file.path for file in files])
                copied = connection.execute(
                    f"copy (select * from {relation}) to '{place.folder}/floor.parquet'"
                    " (format parquet, compression zstd)"
                ).fetchall()
                rows += copied[0][0]
                size += sum(file.bytes for file in files)
    return Size(rows, size)


def load_all(place: Place, format: str | None = None) -> Size:
    """Load every batch of the feeds of one format, or of all, whether or not they are loaded already."""
    feeds = tuple(feed.label for feed in _feeds(format)) if format else ()
    return _load(place, feeds=feeds, force=True)


def load_new(place: Place) -> Size:
    """Load what is not loaded yet."""
    return _load(place)


def run_dbt(place: Place, *arguments: str) -> int:
    """Run dbt in this process; returns the number of nodes that ran.

    Raises:
        RuntimeError: dbt could not start, or a node failed.
    """
    return len(_run_dbt(place, *arguments))


def replay(place: Place) -> list[BatchTimes]:
    """Load and run one batch after the other."""
    from scripts.load.sources import SourceFolder

    return [_run_batch(place, batch) for batch in SourceFolder(str(place.sources)).batches]


def explain_slowest(place: Place, count: int, explain: str) -> dict[str, str]:
    """Run all models, then the queries of the slowest once more; returns their plans by `schema.model`.

    The plans are those of the first build of a model: all batches at once.
    """
    from dbt.adapters.factory import get_adapter_by_type
    from dbt.artifacts.resources.types import NodeType

    results = [
        result for result in _run_dbt(place, *MODELS) if result.node.resource_type is NodeType.Model
    ]
    results.sort(key=lambda result: result.execution_time, reverse=True)
    adapter: Any = get_adapter_by_type(place.environment["DBT_TARGET"])  # type: ignore[no-untyped-call]
    plans = {}
    with adapter.connection_named("explain"):
        for result in results[:count]:
            node: Any = result.node
            _, plan = adapter.execute(f"{explain} {node.compiled_code}", fetch=True)
            plans[_model(result)] = "\n".join(str(row[-1]) for row in plan.rows)
    return plans


def _run_batch(place: Place, batch: int) -> BatchTimes:
    started = time.perf_counter()
    _load(place, batches=(batch,))
    loaded = time.perf_counter()
    results = _run_dbt(place, *MODELS)
    built = time.perf_counter()
    models = {_model(result): result.execution_time for result in results}
    return BatchTimes(loaded - started, built - loaded, models)


def _load(place: Place, **options: Any) -> Size:
    """Load into the lake, and from there to where dbt builds."""
    from scripts.load.run import LoadOptions, Target, load

    os.environ.update(place.environment)
    target = Target(place.environment.get("DBT_TARGET", Target.DUCKDB))
    result = load(LoadOptions(str(place.sources), str(place.lake), target=target, **options))
    if result.failures:
        raise RuntimeError("; ".join(result.failures))
    files = [file for feed in result.feeds for file in feed.files]
    return Size(sum(file.rows_read for file in files), sum(file.file_bytes for file in files))


def _run_dbt(place: Place, *arguments: str) -> "list[RunResult]":
    from dbt.cli.main import dbtRunner

    folders = {"LAKE": place.lake, "DBT_TARGET_PATH": place.target, "DBT_LOG_PATH": place.folder}
    os.environ.update({name: str(folder) for name, folder in folders.items()})
    os.environ.update(place.environment | {"DO_NOT_TRACK": "1"})
    # What `ls` lists is not for the one who waits for figures.
    with redirect_stdout(StringIO()):
        ran = dbtRunner().invoke(["--log-level", "error", *arguments])
    if ran.exception is not None:
        raise RuntimeError(f"dbt {arguments[0]}: {ran.exception}") from ran.exception
    results: list[RunResult] = list(getattr(ran.result, "results", []))
    if not ran.success:
        bad = ("error", "fail", "runtime error")
        names = [result.node.name for result in results if result.status in bad]
        raise RuntimeError(f"dbt {arguments[0]} is not green: {', '.join(names)}")
    return results


def _model(result: "RunResult") -> str:
    return f"{result.node.schema}.{result.node.name}"


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
