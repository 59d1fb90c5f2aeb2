"""Cause each fault for real, let the monitor look every second, and write down when it noticed.

Usage:
    python -m tests.python.detection                         all faults; prints the table
    python -m tests.python.detection --write                 and writes it into docs/operations.md
    python -m tests.python.detection --only run_hanging      the faults that one check notices

Before, a month of generated batches is loaded, each as if on a day of its own, and the monitor looks four times a day: it must say nothing.

Exit codes: 0 each fault was noticed, its repair too, and clean days were silent; 1 not so; 2 something failed without a fault.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scripts.monitor.alerts import take_look
from scripts.monitor.state import State
from scripts.postgres_server import PostgresServerError
from tests.python.clean_days import CleanDays
from tests.python.detection.bench import Bench, BenchError
from tests.python.detection.faults import FAULTS, Noticed, measure, server
from tests.python.detection.page import PAGE, as_table, replace_table

DAYS = 30
SEEDS = 10
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def main(
    only: Annotated[
        list[str] | None, typer.Option(help="Only faults that this check notices; repeatable.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the table into docs/operations.md.")
    ] = False,
) -> None:
    """Cause faults, and measure how soon the monitor notices them."""
    faults = [fault for fault in FAULTS if not only or fault.check in only]
    results: list[Noticed] = []
    try:
        with tempfile.TemporaryDirectory(prefix="detection-") as name, server():
            bench = Bench(Path(name), DAYS)
            bench.prepare()
            for fault in faults:
                result = measure(bench, fault)
                results.append(result)
                console.print(_line(result), markup=False)
    except (BenchError, PostgresServerError) as error:
        errors.print(f"detection: {error}", style="red", markup=False)
        raise typer.Exit(2) from error
    synthetic_looks, synthetic_alarms = clean_days()
    alarms = [*bench.alarms, *synthetic_alarms]
    for alarm in alarms:
        errors.print(f"detection: alarm on a clean day: {alarm}", style="red", markup=False)
    table = as_table(results, DAYS, bench, SEEDS * DAYS, synthetic_looks, len(alarms))
    console.print(table, markup=False)
    if write:
        replace_table(table)
        console.print(f"written into {PAGE.name}")
    is_complete = all(result.noticed is not None and result.over is not None for result in results)
    if alarms or not is_complete:
        raise typer.Exit(1)


def clean_days() -> tuple[int, list[str]]:
    """Looks at drawn days, and what was said about them."""
    looks, alarms = 0, []
    for seed in range(SEEDS):
        state = State()
        for sight in CleanDays(seed).looks(DAYS):
            looks += 1
            alarms += [alert.finding.what for alert in take_look(sight, state).active]
    return looks, alarms


def _line(result: Noticed) -> str:
    if result.noticed is None:
        return f"{result.fault.name}: NOT NOTICED"
    over = (
        "its repair was not noticed"
        if result.over is None
        else f"over {result.over:.1f} s after its repair"
    )
    return f"{result.fault.name}: {result.fault.check} after {result.noticed:.1f} s, {over}"


if __name__ == "__main__":
    typer.run(main)
