"""Replay the batches as they came: load one, build, then the next.

Usage:
    python -m scripts.batches                      every batch of data/sources
    python -m scripts.batches --from 3             go on after a crash, or when a new batch has arrived
    python -m scripts.batches --sources /data/tpcdi

dbt runs in this process, so that it is started and the project parsed once. Exit codes: 0 all green, 1 a load or a build failed (the replay
stops there; the same command with `--from` goes on), 2 wrong arguments.
"""

import time
from dataclasses import dataclass
from typing import Annotated

import typer
from dbt.cli.main import dbtRunner
from rich import box
from rich.console import Console
from rich.table import Table

from scripts.load.connection import PostgresError
from scripts.load.contracts import ContractError
from scripts.load.lake import LakeError
from scripts.load.run import LoadOptions, LoadResult, Target, load
from scripts.load.sources import SourceFolder, SourceFolderError

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class BatchRun:
    """What one batch took: rows landed and quarantined, seconds of the load and of the build."""

    batch: int
    landed: int
    quarantined: int
    load_seconds: float
    build_seconds: float


def main(
    sources: Annotated[
        str, typer.Option(envvar="SOURCES", help="Folder with Batch1, Batch2, ...; path or URI.")
    ] = "data/sources",
    lake: Annotated[
        str, typer.Option(envvar="LAKE", help="Where the Parquet files go; path or URI.")
    ] = "data/lake",
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
    first: Annotated[int, typer.Option("--from", min=1, help="Begin with this batch.")] = 1,
) -> None:
    """Replay the batches one by one: load, build with all tests, next."""
    try:
        batches = [batch for batch in SourceFolder(sources).batches if batch >= first]
        runs = replay(sources, lake, batches, target)
    except (ContractError, SourceFolderError, LakeError, PostgresError, BatchError) as error:
        errors.print(f"batches: {error}", style="red", markup=False)
        raise typer.Exit(1 if isinstance(error, BatchError) else 2) from error
    console.print(_table(runs))


class BatchError(Exception):
    """A batch did not load or build; the message says which and how to go on."""


def replay(
    sources: str, lake: str, batches: list[int], target: Target = Target.DUCKDB
) -> list[BatchRun]:
    """Load and build the batches in the given order.

    Raises:
        BatchError: a file cannot be read, or the build is not green; later batches are not begun.
    """
    dbt = dbtRunner()
    return [
        _run_batch(dbt, LoadOptions(sources, lake, batches=(batch,), target=target))
        for batch in batches
    ]


def _run_batch(dbt: dbtRunner, options: LoadOptions) -> BatchRun:
    (batch,) = options.batches
    console.print(f"batch {batch}")
    started = time.perf_counter()
    loaded = load(options)
    if loaded.failures:
        raise BatchError(_how_to_go_on(batch, "; ".join(loaded.failures)))
    built_from = time.perf_counter()
    if not dbt.invoke(["--log-level", "warn", "build", "--target", options.target]).success:
        raise BatchError(_how_to_go_on(batch, "the build is not green, see above"))
    return BatchRun(
        batch,
        _sum_rows(loaded, "rows_landed"),
        _sum_rows(loaded, "rows_quarantined"),
        built_from - started,
        time.perf_counter() - built_from,
    )


def _how_to_go_on(batch: int, problem: str) -> str:
    return f"batch {batch}: {problem}; when it is put right, go on with --from {batch}"


def _sum_rows(loaded: LoadResult, attribute: str) -> int:
    return sum(getattr(file, attribute) for feed in loaded.feeds for file in feed.files)


def _table(runs: list[BatchRun]) -> Table:
    table = Table(box=box.SIMPLE)
    for name in ("batch", "landed", "quarantined", "load s", "build s"):
        table.add_column(name, justify="right")
    for run in runs:
        table.add_row(
            str(run.batch),
            f"{run.landed:,}",
            f"{run.quarantined:,}",
            f"{run.load_seconds:.1f}",
            f"{run.build_seconds:.1f}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
