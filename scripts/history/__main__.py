"""Show the run history, or send it as OpenLineage events.

Usage:
    python -m scripts.history show              the last runs, as they are recorded
    python -m scripts.history show --last 50
    python -m scripts.history emit              send the events that have not been sent; needs the extra `lineage`

The records are in the folder RUNS (data/runs). Where events go is said by the variables of the client: OPENLINEAGE_URL, or OPENLINEAGE_CONFIG
for a file that says more (docs/operations.md).

Exit codes: 0 done; 1 events could not be sent; 2 the records cannot be read, or something is missing.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from scripts.history.records import RecordedRun, RecordError, read_runs
from scripts.warehouse.artifacts import artifact
from scripts.warehouse.processes import has_ended
from scripts.warehouse.settings import DEFAULTS
from scripts.warehouse.terminal import print_table

console = Console(highlight=False)
app = typer.Typer(help="Show the run history, or send it as OpenLineage events.")
RunsOption = Annotated[Path, typer.Option(envvar="RUNS", help="The folder of the records.")]


@app.command()
def show(
    runs: RunsOption = Path(DEFAULTS["RUNS"]),
    last: Annotated[int, typer.Option(min=1, help="How many runs.")] = 20,
) -> None:
    """The last runs, as they are recorded."""
    try:
        found = read_runs(runs)[-last:]
    except RecordError as error:
        raise _failed(error, 2) from error
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("began (UTC)", "run", "batch", "target", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("seconds", "landed", "red"):
        table.add_column(name, justify="right", no_wrap=True)
    for run in found:
        table.add_row(*_cells(run))
    print_table(table)
    for run in found:
        if run.ended and run.ended.message:
            console.print(
                f"{_began(run)} {run.started.kind}: {run.ended.message}",
                markup=False,
                soft_wrap=True,
            )


def _began(run: RecordedRun) -> str:
    return f"{run.started.started_at:%Y-%m-%d %H:%M:%S}"


def _cells(run: RecordedRun) -> tuple[str, ...]:
    started, ended = run.started, run.ended
    indent = "  " if started.parent_run_id else ""
    return (
        _began(run),
        f"{indent}{started.kind}",
        _text(started.batch),
        started.target,
        ended.status if ended else _status_without_end(run),
        f"{ended.seconds:,.1f}" if ended else "",
        _text(ended.rows_landed if ended else None),
        _text(ended.nodes_failed if ended else None),
    )


def _status_without_end(run: RecordedRun) -> str:
    """Whether the process of a run is there; only its own machine knows, if it shows its processes."""
    started = run.started
    is_gone = has_ended(started.host, started.process_id, started.process_started)
    return "unknown" if is_gone is None else "killed" if is_gone else "running"


def _text(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


@app.command()
def emit(runs: RunsOption = Path(DEFAULTS["RUNS"])) -> None:
    """Send the OpenLineage events that have not been sent."""
    try:
        from scripts.history.lineage import LineageError, lineage_events, read_catalog, send
    except ImportError as error:
        raise _failed(error, 2) from error
    if not runs.is_dir():
        raise _failed(FileNotFoundError(f"{runs}: no such folder; set RUNS, or load first"), 2)
    try:
        count = send(lineage_events(runs, read_catalog(artifact("manifest.json"))), runs)
    except RecordError as error:
        raise _failed(error, 2) from error
    except LineageError as error:
        raise _failed(error, 1) from error
    console.print(f"{count} events sent")


def _failed(error: Exception, code: int) -> typer.Exit:
    typer.secho(f"history: {error}", fg="red", err=True)
    return typer.Exit(code)


if __name__ == "__main__":
    app()
