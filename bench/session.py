"""A run of the benchmark: the jobs one after the other; each result is saved immediately, and a failure does not stop the rest.

Usage:
    failures = Session(plan([1, 3], ["duckdb"], ["floor", "build"]), options, Path("data/bench")).run()
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.machine import describe_machine, describe_version
from bench.parts import ENGINE_PARTS, FILE_PARTS, Bench, Options, applies
from bench.results import FILES, Result, save
from bench.work import generate_dataset
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.process import Run, WorkError, run_in_subprocess
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import Workspace

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Job:
    """One part to be measured, at one scale, on one engine (or on `FILES` alone)."""

    scale: float
    engine: str
    part: str

    def __str__(self) -> str:
        return f"scale {self.scale:g}, {self.engine}, {self.part}"


def plan(scales: list[float], engines: list[str], parts: list[str]) -> Iterator[Job]:
    """The jobs, in the order in which they are done."""
    for scale in sorted(scales):
        yield from (Job(scale, FILES, part) for part in FILE_PARTS if part in parts)
        for engine in engines:
            for part in ENGINE_PARTS:
                if part in parts and applies(part, scale, engine, scales):
                    yield Job(scale, engine, part)


class Session:
    """Runs the jobs and saves their results in a folder."""

    def __init__(self, jobs: list[Job], options: Options, folder: Path) -> None:
        self._jobs = jobs
        self._options = options
        self._folder = folder
        self._machine, self._version = describe_machine(), describe_version()
        self._started = time.monotonic()
        self._failures: list[str] = []

    def run(self) -> list[str]:
        """Run every job; returns one message for each that failed."""
        for scale, jobs in groupby(self._jobs, key=lambda job: job.scale):
            with tempfile.TemporaryDirectory(prefix="bench-") as name:
                self._run_scale(scale, Workspace.on_duckdb(Path(name)), list(jobs))
        return self._failures

    def _run_scale(self, scale: float, workspace: Workspace, jobs: list[Job]) -> None:
        if Job(scale, FILES, "generate") not in jobs:
            self._say(f"scale {scale:g}: the dataset, not measured")
            try:
                run_in_subprocess(partial(generate_dataset, workspace, scale))
            except WorkError as error:
                for job in jobs:
                    self._keep(job, failure=f"no dataset: {error}")
                return
        for engine_name, of_engine in groupby(jobs, key=lambda job: job.engine):
            if engine_name == FILES:
                for job in of_engine:
                    self._run_job(job, workspace, FILE_PARTS[job.part])
            else:
                self._run_engine(engine_name, workspace, list(of_engine))

    def _run_engine(self, name: str, workspace: Workspace, jobs: list[Job]) -> None:
        with ExitStack() as stack:
            try:
                temporary = WAREHOUSES[Target(name)].temporary(workspace.folder)
                there = replace(workspace, warehouse=stack.enter_context(temporary))
            except Exception as error:
                for job in jobs:
                    self._keep(job, failure=str(error))
                return
            for job in jobs:
                self._run_job(job, there, ENGINE_PARTS[job.part])

    def _run_job(self, job: Job, workspace: Workspace, measure: Callable[[Bench], None]) -> None:
        self._say(f"{self._jobs.index(job) + 1} of {len(self._jobs)}: {job}")
        bench = Bench(job.scale, workspace, self._options, lambda text: self._say(f"  {text}"))
        failure = None
        try:
            measure(bench)
        # Whatever failed must not affect the jobs that follow.
        except Exception as error:
            failure = str(error) or type(error).__name__
        self._keep(job, bench.steps, bench.figures, failure)

    def _keep(
        self,
        job: Job,
        steps: dict[str, list[Run]] | None = None,
        figures: dict[str, Any] | None = None,
        failure: str | None = None,
    ) -> None:
        if failure is not None:
            self._failures.append(f"{job}: {failure}")
            self._say(f"  failed: {failure}")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        save(
            self._folder,
            Result(
                *(job.scale, job.engine, job.part, now, self._version, self._machine),
                steps=steps or {},
                figures=figures or {},
                failure=failure,
            ),
        )

    def _say(self, text: str) -> None:
        clock = timedelta(seconds=int(time.monotonic() - self._started))
        console.print(f"{clock} {text}", style="dim", markup=False)
