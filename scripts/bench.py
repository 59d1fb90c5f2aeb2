"""Measure the project on this machine: figures and ratios, no judgement.

Usage:
    python -m scripts.bench                              a generated world of scale 3
    python -m scripts.bench --scale-factor 10 --repeat 5
    python -m scripts.bench --sources /data/tpcdi        source files of your own

Every step runs in a process of its own, `--repeat` times; the median is printed. Ratios compare steps of the same run. The copy floor is what
DuckDB takes to read the delimited files with the same columns and types and to write them as Parquet with zstd: no checks, no line numbers.
"""

import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from scripts.load.contracts import Feed, read_contracts
from scripts.load.run import CONTRACTS_FOLDER, LoadOptions, load
from scripts.load.sources import SourceFolder

WORKERS = 2
console = Console(highlight=False)


@dataclass(frozen=True)
class Run:
    """What one run of a step took: wall-clock and processor seconds, peak memory in MiB."""

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
) -> None:
    """Generate, load and build; print what each step takes, and its ratio to the copy floor."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        steps = []
        if sources is None:
            sources = folder / "sources"
            steps.append(_step("generate", partial(_generate, sources, scale_factor), repeat))
        for formats in (("delimited",), ("fixed_width",), ("xml",), ()):
            label = "load " + (", ".join(formats).replace("_", " ") or "all feeds")
            steps.append(_step(label, partial(_load, sources, folder / "lake", formats), repeat))
        steps.append(_step("copy floor", partial(_copy_floor, sources, folder), repeat))
        steps.append(_step("dbt build", partial(_dbt_build, folder), repeat))
        steps.append(_step("dbt run", partial(_dbt_build, folder, "run"), repeat))
    console.print(_table(steps))


def _step(name: str, work: Callable[[], int], repeat: int) -> Step:
    """Run the work in fresh processes; it returns the bytes it went through."""
    console.print(f"{name} ...", style="dim")
    runs, size = [], 0
    for _ in range(repeat):
        context = multiprocessing.get_context("spawn")
        results = context.SimpleQueue()
        process = context.Process(target=_measured, args=(work, results))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"bench: the step {name!r} failed, see above")
        run, size = results.get()
        runs.append(run)
    return Step(name, runs, size)


def _measured(
    work: Callable[[], int], results: "multiprocessing.SimpleQueue[tuple[Run, int]]"
) -> None:
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    size = work()
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu_started
    peaks = (resource.getrusage(who).ru_maxrss for who in _SELF_AND_CHILDREN)
    results.put((Run(seconds, cpu_seconds, max(peaks) / 1024), size))


_SELF_AND_CHILDREN = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in _SELF_AND_CHILDREN]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _generate(output: Path, scale_factor: float) -> int:
    from scripts.generate.parameters import Parameters
    from scripts.generate.run import generate

    generate(Parameters(scale_factor=scale_factor), output, workers=WORKERS, force=True)
    return sum(path.stat().st_size for path in output.rglob("*") if path.is_file())


def _load(sources: Path, lake: Path, formats: tuple[str, ...]) -> int:
    """Load the feeds of some formats (of all, if none is named)."""
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


def _dbt_build(folder: Path, command: str = "build") -> int:
    import os

    from dbt.cli.main import dbtRunner

    os.environ |= {"LAKE": f"{folder}/lake", "WAREHOUSE": f"{folder}/warehouse.duckdb"}
    if not dbtRunner().invoke([command, "--quiet", "--target-path", f"{folder}/target"]).success:
        raise SystemExit(f"dbt {command} failed")
    return Path(folder, "warehouse.duckdb").stat().st_size


def _feeds(formats: tuple[str, ...]) -> list[Feed]:
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


if __name__ == "__main__":
    typer.run(main)
