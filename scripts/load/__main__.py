"""Load source files into the lake, and from there into Postgres if that is where dbt builds.

Usage:
    python -m scripts.load                                  all of data/sources into data/lake
    python -m scripts.load --sources /data/tpcdi --batch 1  the historical load only
    python -m scripts.load --feed brokerage.trade --force   one feed again
    python -m scripts.load --batch 3 --allow-repeated       batch 3, although it repeats what landed before
    python -m scripts.load --target postgres                also into the schema raw of the database that PGHOST,
                                                            PGPORT, PGUSER, PGPASSWORD and PGDATABASE name

Exit codes: 0 every feed landed (rows may be quarantined: see the summary), 1 a feed or file could
not be loaded, 2 nothing was loaded: wrong arguments, an unusable contract, a lake that is locked or
cannot be written; or Postgres failed, which leaves each feed and batch either old or new.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Annotated, NamedTuple

import typer
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from scripts.history.recording import OpenRun, recorded_run
from scripts.load.contracts import ContractError
from scripts.load.feeds import FeedResult
from scripts.load.files import allowances
from scripts.load.lake import LakeError
from scripts.load.options import AllowEmptyOption, AllowRepeatedOption, LakeOption, SourcesOption
from scripts.load.rows import Progress as OnBytes
from scripts.load.run import LoadOptions, LoadResult, load
from scripts.load.sources import SourceFolderError
from scripts.warehouse.settings import DEFAULTS, ConnectionSettings, PostgresError, Target
from scripts.warehouse.terminal import print_table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def main(
    sources: SourcesOption = DEFAULTS["SOURCES"],
    lake: LakeOption = DEFAULTS["LAKE"],
    batch: Annotated[
        list[int] | None, typer.Option(min=1, help="Only this batch; may be repeated.")
    ] = None,
    feed: Annotated[
        list[str] | None,
        typer.Option(help="Only this feed (brokerage.trade) or system (crm); may be repeated."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Load unchanged files again, too.")
    ] = False,
    allow_repeated: AllowRepeatedOption = False,
    allow_empty: AllowEmptyOption = False,
    workers: Annotated[int, typer.Option(min=1, help="Feeds loaded at the same time.")] = 2,
    memory: Annotated[int, typer.Option(min=64, help="Memory for all workers, in MiB.")] = 512,
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
) -> None:
    """Read source files by their contracts and land them, typed, in a Parquet lake.

    Nothing is lost: rows that violate their contract are quarantined with file, line and reason.
    Unchanged files are skipped; after an interruption, run the same command again.
    """
    options = LoadOptions(
        sources=sources,
        lake=lake,
        batches=tuple(batch or ()),
        feeds=tuple(feed or ()),
        force=force,
        allowances=allowances(repeated=allow_repeated, empty=allow_empty),
        workers=workers,
        memory_mib=memory,
        target=target,
        with_apart=not (batch or feed),
    )
    with recorded_run(
        "load", target, options.batches[0] if len(options.batches) == 1 else None
    ) as run:
        _load(options, run)


def _load(options: LoadOptions, run: OpenRun) -> None:
    started = time.perf_counter()
    try:
        with _progress_bar() as begin:
            result = load(
                options,
                lambda plan: begin(
                    "loading", sum(step.bytes for loads in plan for step in loads.steps)
                ),
                lambda total: begin("copying to Postgres", total),
            )
    except (ContractError, SourceFolderError, LakeError, PostgresError) as error:
        errors.print(f"load: {error}", style="red", markup=False)
        raise typer.Exit(2) from error
    run.rows_landed, run.rows_quarantined = result.rows_landed, result.rows_quarantined
    print_table(_summary(result, time.perf_counter() - started))
    if options.target == Target.POSTGRES:
        console.print(_postgres_summary(result), soft_wrap=True)
    for message in result.warnings:
        errors.print(f"load: warning: {message}", style="yellow", markup=False)
    for message in result.failures:
        errors.print(f"load: {message}", style="red", markup=False)
    if result.failures:
        run.message = "; ".join(result.failures)
        raise typer.Exit(1)


@contextmanager
def _progress_bar() -> Iterator[Callable[[str, int], OnBytes]]:
    """Yields a function that begins a progress bar, given its name and its number of bytes."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bar:

        def begin(description: str, total: int) -> OnBytes:
            task = bar.add_task(description, total=total)
            return lambda count: bar.advance(task, count)

        yield begin


def _postgres_summary(result: LoadResult) -> str:
    place = ConnectionSettings.from_environment().label
    if not result.copied:
        return f"Postgres {place} holds all of it already"
    rows = sum(copied.rows for copied in result.copied)
    return f"copied to Postgres {place}, schema raw: {rows:,} rows"


def _summary(result: LoadResult, seconds: float) -> Table:
    """One line per feed, all its batches together."""
    table = Table(
        title=f"loaded in {seconds:.1f} s",
        title_justify="left",
        show_footer=True,
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    rows = [
        _summary_row(label, list(results))
        for label, results in groupby(result.feeds, key=lambda result: result.feed.label)
    ]
    totals = [sum(numbers) for numbers in zip(*(row.numbers for row in rows), strict=True)]
    table.add_column("feed", "all feeds", no_wrap=True)
    table.add_column("batch", no_wrap=True)
    for name, total in zip(_NUMBERS, totals or [0] * len(_NUMBERS), strict=True):
        table.add_column(name, f"{total:,}", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for row in rows:
        numbers = (f"{number:,}" for number in row.numbers)
        table.add_row(row.label, row.batches, *numbers, row.remark)
    return table


# Columns of the summary.
_NUMBERS = ("files", "read", "landed", "quarantined")


class _SummaryRow(NamedTuple):
    label: str
    batches: str
    numbers: tuple[int, ...]
    remark: str


def _summary_row(label: str, results: list[FeedResult]) -> _SummaryRow:
    files = [file for result in results for file in result.files]
    remarks = {
        "failed": any(result.has_failed for result in results),
        "no file (optional)": any(file.status == "missing" for file in files),
        "unchanged": all(result.is_unchanged for result in results),
        "damaged in the lake, loaded again": any(result.was_damaged for result in results),
    }
    batches = [result.batch for result in results]
    return _SummaryRow(
        label,
        f"{batches[0]}-{batches[-1]}" if len(batches) > 1 else str(batches[0]),
        (
            sum(file.status == "loaded" for file in files),
            sum(file.rows_read for file in files),
            sum(file.rows_landed for file in files),
            sum(file.rows_quarantined for file in files),
        ),
        ", ".join(remark for remark, applies in remarks.items() if applies),
    )


if __name__ == "__main__":
    typer.run(main)
