"""Extract from living systems: what is new in each of them becomes the next batch, as files that the loader reads.

Usage:
    python -m scripts.extract                            all systems that the contracts declare, into data/sources
    python -m scripts.extract --system brokerage         one of them
    python -m scripts.extract --batch-date 2026-11-30    the batch is that of this day; without it, of today (UTC)
    python -m scripts.extract --dry-run                  what there is to read; reads and changes nothing
    python -m scripts.extract --status                   how far each system was read; asks none of them
    python -m scripts.extract --again 3                  the files of batch 3 again, from what the systems said then

Where the systems are, and who asks, is in the environment; the contracts name the variables (docs/extract.md). A batch appears as a whole, with the
positions of all systems, or not at all; after an interruption, run the same command again.

Exit codes: 0 there is a new batch, or nothing new, 2 nothing was extracted: a system cannot be read, is not what its contract says, or wrong arguments.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from scripts.extract.errors import ExtractError
from scripts.extract.run import ExtractOptions, ExtractResult, extract, extract_again, pending
from scripts.extract.state import SystemState, last_extraction
from scripts.history.recording import OpenRun, recorded_run
from scripts.load.contracts import ContractError
from scripts.load.options import SourcesOption
from scripts.warehouse.settings import DEFAULTS, Target, setting
from scripts.warehouse.terminal import print_table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def main(
    sources: SourcesOption = DEFAULTS["SOURCES"],
    system: Annotated[
        list[str] | None, typer.Option(help="Only this system; may be repeated.")
    ] = None,
    batch_date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day of the batch; today (UTC) if not given."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what there is to read; change nothing.")
    ] = False,
    again: Annotated[
        int | None,
        typer.Option(min=1, help="Make the files of this batch again, from what was kept."),
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help="Show how far each system was read; ask none.")
    ] = False,
) -> None:
    """Read what is new in every system into the next batch of the source folder."""
    try:
        options = ExtractOptions(
            _local(sources),
            tuple(system or ()),
            batch_date.date() if batch_date else None,
        )
        if status:
            _show_status(options.sources)
        elif dry_run:
            _show_pending(options)
        elif again:
            with recorded_run("extract", Target(setting("DBT_TARGET")), again):
                _extract_again(options.sources, again)
        else:
            with recorded_run("extract", Target(setting("DBT_TARGET"))) as run:
                _extract(options, run)
    except (ContractError, ExtractError) as error:
        errors.print(f"extract: {error}", style="red", markup=False)
        raise typer.Exit(2) from error


def _local(sources: str) -> Path:
    """The folder of the batches: a batch appears by a rename, which an object store has not."""
    if "://" in sources:
        raise ExtractError(
            f"{sources}: batches are extracted into a folder of this machine; set SOURCES (or --sources) to one"
        )
    return Path(sources).expanduser()


def _extract(options: ExtractOptions, run: OpenRun) -> None:
    result = extract(
        ExtractOptions(options.sources, options.systems, options.batch_date, run.run_id)
    )
    run.add_systems_read(result.systems)
    if result.batch is None:
        console.print("nothing is new in any system: no batch")
    else:
        print_table(_summary(result))
    for message in result.warnings:
        errors.print(f"extract: warning: {message}", style="yellow", markup=False)


def _extract_again(sources: Path, batch: int) -> None:
    feeds = extract_again(sources, batch)
    console.print(f"batch {batch}: made again: {', '.join(feeds) or 'nothing'}")


def _summary(result: ExtractResult) -> Table:
    table = _table(f"extracted batch {result.batch}")
    for name in ("feed", "files", "rows", "the system counts", "MiB", "retries"):
        table.add_column(name, justify="left" if name == "feed" else "right", no_wrap=True)
    for state in result.systems.values():
        read = [(label, count) for label, count in state.feeds.items() if count.files]
        for index, (label, count) in enumerate(read):
            table.add_row(
                label,
                f"{count.files:,}",
                f"{count.rows:,}" if count.rows else "",
                "" if count.system_rows is None else f"{count.system_rows:,}",
                f"{count.bytes / (1 << 20):.1f}",
                f"{state.retries}" if index == 0 else "",
            )
    return table


def _show_status(sources: Path) -> None:
    last = last_extraction(sources)
    if last is None:
        console.print(f"{sources}: nothing was extracted yet")
        return
    console.print(f"batch {last.batch} of {last.batch_date} is the last one that was extracted")
    table = _table("")
    for name in ("system", "last read (UTC)", "batch", "rows", "retries", "warnings"):
        table.add_column(name, no_wrap=name != "warnings")
    for name, state in last.systems.items():
        table.add_row(name, *_status(state))
    print_table(table)


def _status(state: SystemState) -> tuple[str, ...]:
    rows = sum(count.rows for count in state.feeds.values())
    return (
        f"{state.read_at:%Y-%m-%d %H:%M:%S}",
        str(state.batch),
        f"{rows:,}",
        str(state.retries),
        "; ".join(state.warnings),
    )


def _show_pending(options: ExtractOptions) -> None:
    table = _table("")
    table.add_column("system", no_wrap=True)
    table.add_column("to read")
    for name, found in pending(options).items():
        table.add_row(name, found.text)
    print_table(table)


def _table(title: str) -> Table:
    return Table(
        title=title or None,
        title_justify="left",
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


if __name__ == "__main__":
    typer.run(main)
