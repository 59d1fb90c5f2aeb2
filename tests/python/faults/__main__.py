"""Make faults on purpose and check that a plain re-run repairs them.

Usage:
    python -m tests.python.faults                                 the long run: 100 kills, 200 mutated files, 300 wrong values, every fault of the machine
    python -m tests.python.faults --engine postgres --kills 20    fewer kills, on Postgres
    python -m tests.python.faults --seed 7 --only mutations       one kind, with the same draws again
    python -m tests.python.faults --sources /data/tpcdi           source files instead of a small generated dataset

After each fault, batches are loaded and built again without a fault, and every table of lake and warehouse is compared with that of an
undisturbed run. Exit codes: 0 every fault was repaired, 1 one was not (the table says which), 2 wrong arguments, no server, or the undisturbed run failed.
"""

import random
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from brokerage_sources.generate import Parameters, generate
from scripts.postgres_server import PostgresServerError
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import Workspace
from tests.python.faults.environment import FAULTS
from tests.python.faults.kills import kills
from tests.python.faults.mutations import mutated_builds, mutations
from tests.python.faults.outcome import Outcome
from tests.python.faults.values import mutated_values
from tests.python.faults.workbench import Workbench, WorkbenchError

SCALE_FACTOR = 0.02
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Kind(StrEnum):
    """A kind of faults."""

    KILLS = "kills"
    ENVIRONMENT = "environment"
    MUTATIONS = "mutations"
    BUILDS = "builds"
    VALUES = "values"


@dataclass(frozen=True)
class Plan:
    """Which faults, and how many."""

    kinds: frozenset[Kind]
    kills: int
    mutations: int
    builds: int
    values: int


def main(
    engine: Annotated[Target, typer.Option(envvar="DBT_TARGET")] = Target.DUCKDB,
    sources: Annotated[
        Path | None, typer.Option(help="Source files; a small generated dataset if not given.")
    ] = None,
    kill_count: Annotated[int, typer.Option("--kills", min=0, help="How many kills.")] = 100,
    mutation_count: Annotated[
        int, typer.Option("--mutations", min=0, help="How many mutated files are loaded.")
    ] = 200,
    build_count: Annotated[
        int, typer.Option("--builds", min=0, help="How many mutated files are built and tested.")
    ] = 5,
    value_count: Annotated[
        int, typer.Option("--values", min=0, help="How many values are wrong, 20 in each build.")
    ] = 300,
    only: Annotated[list[Kind] | None, typer.Option(help="Only this kind; repeatable.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Draws the same faults again; printed at the start.")
    ] = None,
) -> None:
    """Kill load and build, take resources away, damage files; then check that a plain run repairs it."""
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    console.print(f"seed {seed}")
    plan = Plan(frozenset(only or Kind), kill_count, mutation_count, build_count, value_count)
    timed: list[tuple[Outcome, float]] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as name, _spinner() as bar:
        folder = Path(name)
        task = bar.add_task("prepare", total=None)
        if sources is None:
            sources = folder / "sources"
            generate(Parameters(scale_factor=SCALE_FACTOR), sources, workers=1)
        try:
            with WAREHOUSES[engine].temporary(folder / "warehouse") as warehouse:
                workbench = Workbench(folder, sources.resolve(), warehouse)
                started = time.perf_counter()
                for outcome in _outcomes(workbench, plan, seed):
                    timed.append((outcome, time.perf_counter() - started))
                    started = time.perf_counter()
                    bar.update(task, description=f"{len(timed)} faults made")
                    _print(outcome)
        except (WorkbenchError, PostgresServerError) as error:
            errors.print(f"faults: {error}", style="red", markup=False)
            raise typer.Exit(2) from error
    console.print(_table(timed))
    if any(outcome.problems for outcome, _ in timed):
        raise typer.Exit(1)


def _outcomes(workbench: Workbench, plan: Plan, seed: int) -> Iterator[Outcome]:
    """Each kind has its own random numbers, so that one kind alone gives the same faults as among all."""
    sources, mutated = Path(workbench.job.sources), workbench.folder / "mutated_file"
    environment = (fault(workbench, random.Random(seed)) for fault in FAULTS)
    outcomes = {
        Kind.KILLS: kills(workbench, plan.kills, random.Random(seed)),
        Kind.ENVIRONMENT: chain.from_iterable(environment),
        Kind.MUTATIONS: mutations(sources, mutated, plan.mutations, random.Random(seed)),
        Kind.BUILDS: mutated_builds(workbench, plan.builds, random.Random(seed)),
        Kind.VALUES: mutated_values(
            sources,
            Workspace(workbench.folder / "wrong_values", workbench.warehouse),
            plan.values,
            random.Random(seed),
        ),
    }
    for kind, made in outcomes.items():
        if kind in plan.kinds:
            yield from made


def _print(outcome: Outcome) -> None:
    made = f"{outcome.fault}, {outcome.place}"
    said = f": {outcome.detail}" if outcome.detail else ""
    errors.print(f"{made}: {outcome.effect}{said}", style="dim", markup=False)
    for problem in outcome.problems:
        errors.print(f"{made}: {problem}", style="red", markup=False)


def _spinner() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=errors, transient=True)


def _table(timed: list[tuple[Outcome, float]]) -> Table:
    """One line per fault; frequent ones are counted."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ("fault", "effect"):
        table.add_column(name)
    for name in ("times", "repaired", "seconds"):
        table.add_column(name, justify="right")
    groups: dict[tuple[str, str], list[tuple[Outcome, float]]] = {}
    for outcome, seconds in timed:
        groups.setdefault((outcome.fault, outcome.effect), []).append((outcome, seconds))
    for (fault, effect), members in groups.items():
        repaired = sum(not outcome.problems for outcome, _ in members)
        seconds = sum(seconds for _, seconds in members)
        table.add_row(fault, effect, str(len(members)), str(repaired), f"{seconds:.0f}")
    return table


if __name__ == "__main__":
    typer.run(main)
