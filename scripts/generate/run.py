"""Generate a world: split the work into tasks, run them in processes, and put the result in place.

A task writes whole files. It is a pure function of the parameters, so the number of workers and the order of the tasks do not
change a byte. The heaviest tasks start first. What several tasks need (who lives when) is a plan, itself a function of the
parameters, that each process computes when it first asks for it.
"""

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from scripts.generate import control, crm, finwire, hr, market, prospect, reference, trades, watches
from scripts.generate.parameters import QUARTERS, Parameters
from scripts.generate.writing import (
    MANIFEST,
    FileReport,
    OutputError,
    Progress,
    Workspace,
    new_world,
)

_MIB = 1024 * 1024
_FINWIRE_TASKS = 4

Task = Callable[[Workspace], None]


@dataclass(frozen=True)
class World:
    """A generated world: where it is, and a report per file in path order."""

    output: Path
    files: list[FileReport]

    @property
    def bytes(self) -> int:
        """Size of all files but the manifest."""
        return sum(file.bytes for file in self.files)

    @property
    def rows(self) -> int:
        """Rows of all files, headers not counted."""
        return sum(file.rows for file in self.files)


def generate(
    parameters: Parameters,
    output: Path | str,
    *,
    workers: int = 1,
    force: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> World:
    """Generate the source files of a world.

    Args:
        parameters: size, seed, batches and knobs.
        output: the folder to create. It appears when it is complete; on any error nothing is left behind.
        workers: processes; 1 runs in this process. The files are the same for any number.
        force: replace an earlier generated world.
        on_progress: called a few times a second with the bytes written so far.

    Raises:
        OutputError: the output is not empty (or not a generated world, with `force`), or cannot be written.
        OSError: writing failed, for example because the disk is full.
    """
    if workers < 1:
        raise OutputError(f"the number of workers must be at least 1, not {workers}")
    output = Path(output)
    with _stopped_by_signals(), new_world(output, force) as folder:
        reports = _run(parameters, folder, workers, on_progress or (lambda _: None))
        files = sorted(reports, key=lambda report: report.path)
        (folder / MANIFEST).write_text(_manifest(parameters, files), encoding="utf-8")
    return World(output, files)


def expected_bytes(parameters: Parameters) -> int:
    """A rough size of the world, for a progress bar."""
    sizes = parameters.sizes
    return (
        9 * _MIB
        + sizes.historical_trades * 280
        + sizes.historical_watches * 47
        + sizes.securities.created * 700 * 57
        + sizes.companies.created * 45 * 222
        + sizes.prospects * 200 * parameters.batches
        + sizes.steps * sizes.actions_per_step * 650
    )


def _manifest(parameters: Parameters, files: list[FileReport]) -> str:
    """The manifest: what was asked for, and each file's rows, bytes and SHA-256."""
    content = {
        "generator": "scripts.generate",
        "scale_factor": float(parameters.scale_factor),
        "seed": parameters.seed,
        "incremental_batches": parameters.incremental_batches,
        "knobs": asdict(parameters.knobs),
        "rows": sum(file.rows for file in files),
        "bytes": sum(file.bytes for file in files),
        "files": {
            file.path: {"rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
            for file in files
        },
    }
    return json.dumps(content, indent=2) + "\n"


def tasks(parameters: Parameters) -> list[Task]:
    """All tasks of a world, the longest first."""
    cut = [
        round(QUARTERS * (number / _FINWIRE_TASKS) ** 0.5) for number in range(_FINWIRE_TASKS + 1)
    ]
    quarters = [range(first, stop) for first, stop in pairwise(cut)]  # of similar size
    return [
        partial(trades.write_history, parameters=parameters),
        partial(watches.write, parameters=parameters),
        partial(market.write, parameters=parameters),
        partial(prospect.write, parameters=parameters),
        partial(crm.write, parameters=parameters),
        *(
            partial(finwire.write_quarters, parameters=parameters, quarters=part)
            for part in quarters
        ),
        partial(trades.write_batches, parameters=parameters),
        partial(_write_small_feeds, parameters=parameters),
    ]


def _write_small_feeds(workspace: Workspace, parameters: Parameters) -> None:
    reference.write(workspace)
    control.write(workspace, parameters)
    hr.write(workspace, parameters)


# --- processes ---------------------------------------------------------------------------------

_progress: Progress | None = None  # of a worker process


def _run(
    parameters: Parameters, folder: Path, workers: int, on_progress: Callable[[int], None]
) -> list[FileReport]:
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    progress = Progress(context.Value("q", 0), context.Value("b", 0))
    for batch in range(1, parameters.batches + 1):
        (folder / f"Batch{batch}").mkdir()
    with _reporting(progress, on_progress):
        if workers == 1:
            return [
                report for task in tasks(parameters) for report in _run_task(task, folder, progress)
            ]
        return _run_in_processes(parameters, folder, workers, progress, context)


def _run_in_processes(
    parameters: Parameters, folder: Path, workers: int, progress: Progress, context: Any
) -> list[FileReport]:
    with ProcessPoolExecutor(workers, context, _start_worker, (progress,)) as executor:
        futures: list[Future[list[FileReport]]] = [
            executor.submit(_run_in_worker, task, folder) for task in tasks(parameters)
        ]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = next((future for future in done if future.exception()), None)
            if failed:
                failed.result()
        except BaseException:
            progress.stop.value = 1  # the others stop at their next write
            executor.shutdown(wait=True, cancel_futures=True)
            raise
        return [report for future in futures for report in future.result()]


def _start_worker(progress: Progress) -> None:
    global _progress
    _progress = progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """End this worker when its parent is killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_in_worker(task: Task, folder: Path) -> list[FileReport]:
    assert _progress is not None
    return _run_task(task, folder, _progress)


def _run_task(task: Task, folder: Path, progress: Progress) -> list[FileReport]:
    workspace = Workspace(folder, progress)
    task(workspace)
    return workspace.reports


@contextmanager
def _reporting(progress: Progress, on_progress: Callable[[int], None]) -> Iterator[None]:
    """Report the bytes written from a thread while the block runs."""
    finished = threading.Event()

    def report() -> None:
        while not finished.wait(0.1):
            on_progress(progress.bytes_written.value)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
        on_progress(progress.bytes_written.value)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM stop a run as Ctrl-C does, so that it cleans up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
