"""Measure the project on this machine: figures and ratios, no judgement.

Usage:
    python -m scripts.bench                              a generated world of scale 3
    python -m scripts.bench --scale-factor 10 --repeat 5
    python -m scripts.bench --sources /data/tpcdi        source files of your own

A generated world is also reported by the module of `scripts.generate` that wrote it, with the CPU time of its tasks.
Every step runs in a process of its own, `--repeat` times; the median is printed. Ratios compare steps of the same run. Then the batches are
replayed one by one, and the model times that dbt reports are printed by layer. The copy floor is what DuckDB takes to read the delimited files with the same columns and types and to write them as Parquet with zstd: no checks, no line numbers.
"""

import multiprocessing
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from scripts.generate.parameters import Parameters
from scripts.generate.run import World, generate

# The steps import what they need (the loader, DuckDB, dbt) themselves: every process
# imports this module, and the memory of one tool must not count for another.
if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunResult

    from scripts.load.contracts import Feed

WORKERS = 2
MODELS_AND_SEEDS = ("--resource-type", "model", "--resource-type", "seed")
Outcome = TypeVar("Outcome")
console = Console(highlight=False)


@dataclass(frozen=True)
class Run:
    """What one run of a step took: wall-clock and processor seconds, peak memory of its largest process in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Step:
    """A step, the runs of it, and the bytes it read or wrote."""

    name: str
    runs: list[Run]
    bytes: int

    @property
    def median(self) -> Run:
        """Medians of the runs, each figure for itself."""
        return Run(
            statistics.median(run.seconds for run in self.runs),
            statistics.median(run.cpu_seconds for run in self.runs),
            statistics.median(run.peak_mib for run in self.runs),
        )


def main(
    sources: Annotated[
        Path | None, typer.Option(help="Folder with Batch1, ...; generated if not given.")
    ] = None,
    scale_factor: Annotated[float, typer.Option(help="Scale of the generated world.")] = 3.0,
    repeat: Annotated[int, typer.Option(min=1, help="Runs of each step.")] = 3,
    models: Annotated[int, typer.Option(min=0, help="How many models to list, slowest first.")] = 5,
) -> None:
    """Generate, load and build; print what each step takes, and its ratio to the copy floor."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        steps: list[Step] = []
        worlds: list[World] = []
        if sources is None:
            sources = folder / "sources"
            work = partial(_generate, sources, scale_factor)
            runs, worlds = _repeated("generate", work, repeat, fresh=sources)
            steps.append(Step("generate", runs, worlds[0].bytes))
        for formats in (("delimited",), ("fixed_width",), ("xml",), ()):
            label = "load " + (", ".join(formats).replace("_", " ") or "all feeds")
            steps.append(_step(label, partial(_load, sources, folder / "lake", formats), repeat))
        steps.append(_step("copy floor", partial(_copy_floor, sources, folder), repeat))
        steps.append(_step("dbt build", partial(_build, sources, folder), repeat))
        console.print(_table(steps))
        if worlds:
            console.print(_generator_table(worlds))
        console.print("replay, batch by batch ...", style="dim")
        _, timings = _apart(partial(_replay, sources, folder))
        rows = _row_counts(folder)
        console.print(_layer_table(timings))
        console.print(_model_table(timings, rows, models))
        _print_sizes(folder)


def _step(name: str, work: Callable[[], int], repeat: int) -> Step:
    """Run the work in fresh processes; it returns the bytes it went through."""
    runs, sizes = _repeated(name, work, repeat)
    return Step(name, runs, sizes[-1])


def _repeated(
    name: str, work: Callable[[], Outcome], repeat: int, fresh: Path | None = None
) -> tuple[list[Run], list[Outcome]]:
    """Run the work in fresh processes; returns what each run took, and what each returned.

    The folder `fresh`, if given, is removed before each run: that is not counted.
    """
    console.print(f"{name} ...", style="dim")
    outcomes = []
    for _ in range(repeat):
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
        outcomes.append(_apart(work))
    return [run for run, _ in outcomes], [outcome for _, outcome in outcomes]


def _apart(work: Callable[[], Outcome]) -> tuple[Run, Outcome]:
    """Do the work in a fresh process; returns what it took and what it returned."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(work, sender))
    process.start()
    sender.close()
    try:
        outcome: tuple[Run, Outcome] = receiver.recv()
    except EOFError as error:
        raise SystemExit("bench: the step failed, see above") from error
    process.join()
    return outcome


def _measured(work: Callable[[], Outcome], sender: Connection) -> None:
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    outcome = work()
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu_started
    peaks = (resource.getrusage(who).ru_maxrss for who in _SELF_AND_CHILDREN)
    sender.send((Run(seconds, cpu_seconds, max(peaks) / 1024), outcome))


_SELF_AND_CHILDREN = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in _SELF_AND_CHILDREN]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _generate(output: Path, scale_factor: float) -> World:
    return generate(Parameters(scale_factor=scale_factor), output, workers=WORKERS)


def _load(sources: Path, lake: Path, formats: tuple[str, ...]) -> int:
    """Load the feeds of some formats (of all, if none is named)."""
    from scripts.load.run import LoadOptions, load

    feeds = tuple(feed.label for feed in _feeds(formats))
    options = LoadOptions(
        str(sources), str(lake), feeds=feeds if formats else (), force=True, workers=WORKERS
    )
    result = load(options)
    if result.failures:
        raise SystemExit("\n".join(result.failures))
    return sum(file.file_bytes for feed in result.feeds for file in feed.files)


def _copy_floor(sources: Path, folder: Path) -> int:
    """Read every delimited file and write it as Parquet, with nothing but DuckDB."""
    import duckdb

    from scripts.load.sources import SourceFolder

    connection = duckdb.connect(config={"threads": WORKERS})
    source_folder = SourceFolder(str(sources))
    size = 0
    for feed in _feeds(("delimited",)):
        for batch in filter(feed.comes_in, source_folder.batches):
            columns = {column.name: column.data_type for column in feed.layout(batch)}
            for file in source_folder.files_of(feed, batch):
                size += file.bytes
                connection.execute(
                    f"""
                    copy (
                        select * from read_csv(
                            '{file.path}', columns = {columns}, delim = '{feed.delimiter}',
                            quote = '{feed.quote or ""}', escape = '{feed.quote or ""}',
                            header = false, skip = {feed.header_lines}, auto_detect = false
                        )
                    )
                    to '{folder}/floor.parquet' (format parquet, compression zstd)
                    """
                )
    return size


def _build(sources: Path, folder: Path) -> int:
    """One `dbt build` of everything into an empty warehouse, tests included."""
    _dbt(folder, "all")
    return _folder_bytes(sources)


def _dbt(folder: Path, name: str, *options: str) -> "list[RunResult]":
    """Run dbt in this process, on the lake of the folder and a warehouse of the given name."""
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    environment = {"LAKE": f"{folder}/lake", "WAREHOUSE": f"{folder}/{name}.duckdb"}
    os.environ.update(environment | {"DO_NOT_TRACK": "1"})
    ran = dbtRunner().invoke(["build", "--quiet", "--target-path", f"{folder}/target", *options])
    if not ran.success or not isinstance(ran.result, RunExecutionResult):
        raise SystemExit("bench: dbt build failed, see above")
    return list(ran.result.results)


@dataclass(frozen=True)
class ModelTiming:
    """Seconds of a model in each batch of a replay."""

    layer: str
    name: str
    seconds: tuple[float, ...]


def _replay(sources: Path, folder: Path) -> list[ModelTiming]:
    """Load and run one batch after the other; the seconds are those dbt reports for each model."""
    from scripts.load.run import LoadOptions, load
    from scripts.load.sources import SourceFolder

    lake = folder / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    seconds: dict[tuple[str, str], list[float]] = {}
    for batch in SourceFolder(str(sources)).batches:
        load(LoadOptions(str(sources), str(lake), batches=(batch,), workers=WORKERS))
        for result in _dbt(folder, "replay", *MODELS_AND_SEEDS):
            model = (result.node.schema, result.node.name)
            seconds.setdefault(model, []).append(result.execution_time)
    return [ModelTiming(layer, name, tuple(times)) for (layer, name), times in seconds.items()]


def _row_counts(folder: Path) -> dict[tuple[str, str], int]:
    """Rows of each table of the replayed warehouse, by schema and name; views are left out."""
    import duckdb

    with duckdb.connect(f"{folder}/replay.duckdb", read_only=True) as warehouse:
        tables = warehouse.sql(
            "select schema_name, table_name, estimated_size from duckdb_tables() where not internal"
        ).fetchall()
    return {(schema, name): rows for schema, name, rows in tables}


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _feeds(formats: tuple[str, ...]) -> "list[Feed]":
    from scripts.load.contracts import read_contracts
    from scripts.load.run import CONTRACTS_FOLDER

    feeds = read_contracts(CONTRACTS_FOLDER).feeds
    return [feed for feed in feeds if not formats or feed.format in formats]


def _table(steps: list[Step]) -> Table:
    floor = next(step for step in steps if step.name == "copy floor").median.seconds
    table = Table(box=box.SIMPLE)
    table.add_column("step")
    for name in ("MiB", "seconds", "CPU s", "MiB/s", "/ floor", "peak MiB"):
        table.add_column(name, justify="right")
    for step in steps:
        run, mib = step.median, step.bytes / 2**20
        table.add_row(
            step.name,
            f"{mib:,.0f}",
            f"{run.seconds:.2f}",
            f"{run.cpu_seconds:.2f}",
            f"{mib / run.seconds:,.0f}",
            f"{run.seconds / floor:.2f}",
            f"{run.peak_mib:,.0f}",
        )
    return table


def _generator_table(worlds: list[World]) -> Table:
    """The generator's work by the module that does it; medians of the runs."""
    table = Table(title="generator by module", title_justify="left", box=box.SIMPLE)
    table.add_column("module")
    for name in ("files", "MiB", "CPU s", "MiB / CPU s"):
        table.add_column(name, justify="right")
    modules = list(dict.fromkeys(task.module for task in worlds[0].tasks))
    for module in (*modules, "all"):
        chosen = [
            [task for task in world.tasks if module in (task.module, "all")] for world in worlds
        ]
        files = [file for task in chosen[0] for file in task.files]
        mib = sum(file.bytes for file in files) / 2**20
        seconds = statistics.median(sum(task.cpu_seconds for task in tasks) for tasks in chosen)
        table.add_row(
            module, str(len(files)), f"{mib:,.1f}", f"{seconds:.2f}", f"{mib / seconds:,.0f}"
        )
    return table


def _layer_table(timings: list[ModelTiming]) -> Table:
    """Model time by layer: each batch, its share of the first, and the layer's share of the whole."""
    total = sum(timing.seconds[0] for timing in timings)
    batches = len(timings[0].seconds)
    table = Table(title="model time by layer, seconds", title_justify="left", box=box.SIMPLE)
    table.add_column("layer")
    heads = [f"batch {number + 1}" for number in range(batches)]
    for name in ("models", *heads, "last / first", "share of batch 1"):
        table.add_column(name, justify="right")
    layers = list(dict.fromkeys(timing.layer for timing in timings))
    for layer in (*layers, "all"):
        members = [timing for timing in timings if layer in (timing.layer, "all")]
        sums = [sum(timing.seconds[batch] for timing in members) for batch in range(batches)]
        table.add_row(
            layer,
            str(len(members)),
            *(f"{seconds:.2f}" for seconds in sums),
            f"{sums[-1] / sums[0]:.2f}",
            f"{sums[0] / total:.0%}",
        )
    return table


def _model_table(
    timings: list[ModelTiming], row_counts: dict[tuple[str, str], int], count: int
) -> Table:
    """The slowest models of the first batch."""
    table = Table(title="slowest models, seconds", title_justify="left", box=box.SIMPLE)
    table.add_column("model")
    for name in ("rows", "batch 1", "rows/s", "last batch"):
        table.add_column(name, justify="right")
    for timing in sorted(timings, key=lambda timing: timing.seconds[0], reverse=True)[:count]:
        rows = row_counts.get((timing.layer, timing.name), 0)
        table.add_row(
            f"{timing.layer}.{timing.name}",
            f"{rows:,}",
            f"{timing.seconds[0]:.2f}",
            f"{rows / timing.seconds[0]:,.0f}",
            f"{timing.seconds[-1]:.2f}",
        )
    return table


def _print_sizes(folder: Path) -> None:
    lake = _folder_bytes(folder / "lake")
    warehouse = (folder / "replay.duckdb").stat().st_size
    console.print(
        f"lake {lake / 2**20:,.0f} MiB, warehouse {warehouse / 2**20:,.0f} MiB,"
        f" warehouse / lake {warehouse / lake:.1f}"
    )


if __name__ == "__main__":
    typer.run(main)
