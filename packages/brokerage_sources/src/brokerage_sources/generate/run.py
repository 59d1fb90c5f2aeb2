"""Generate a dataset: split the work into tasks, run them in processes, and put the result in place.

A task writes whole files, all of one format, so that a dataset of fewer formats simply has fewer tasks. It is a pure function
of the parameters, so the number of workers and the order of the tasks do not change a byte. The heaviest tasks start first.
What several tasks need (which entity exists when) is a plan, itself a function of the parameters, that each process computes when it
first asks for it.

Usage:
    dataset = generate(Parameters(scale_factor=0.1), "data/sources", workers=2)
    print(dataset.rows, dataset.bytes)
"""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from brokerage_sources.generate import (
    control,
    crm,
    crm_history,
    finwire,
    hr,
    market,
    prospect,
    reference,
    trades,
    watches,
)
from brokerage_sources.generate.parameters import (
    DELIMITED,
    FIXED_WIDTH,
    QUARTERS,
    XML,
    HardCaseOptions,
    Parameters,
)
from brokerage_sources.generate.writing import (
    MANIFEST,
    FileReport,
    OutputError,
    Progress,
    Workspace,
    new_dataset,
)

_MIB = 1024 * 1024
_FINWIRE_TASKS = 4


@dataclass(frozen=True)
class Task:
    """Some files: the module that writes them, their format (`None`: in the root, part of every dataset), and the work."""

    module: str
    format: str | None
    write: Callable[[Workspace], None]


@dataclass(frozen=True)
class TaskReport:
    """What a task wrote, and the processor seconds it took."""

    module: str
    files: list[FileReport]
    cpu_seconds: float


@dataclass(frozen=True)
class Dataset:
    """A generated dataset: where it is, and a report per task."""

    output: Path
    tasks: list[TaskReport]

    @cached_property
    def files(self) -> list[FileReport]:
        """A report per file, in path order."""
        files = (file for task in self.tasks for file in task.files)
        return sorted(files, key=lambda file: file.path)

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
) -> Dataset:
    """Generate the source files of a dataset.

    Args:
        parameters: size, seed, batches and hard cases.
        output: the folder to create. It appears when it is complete; on any error nothing is left behind.
        workers: processes; 1 runs in this process. The files are the same for any number.
        force: replace an earlier generated dataset.
        on_progress: called a few times a second with the bytes written so far.

    Raises:
        OutputError: the output is not empty (or not a generated dataset, with `force`), or cannot be written.
        OSError: writing failed, for example because the disk is full.
    """
    if workers < 1:
        raise OutputError(f"the number of workers must be at least 1, not {workers}")
    output = Path(output)
    with _stopped_by_signals(), new_dataset(output, force) as folder:
        dataset = Dataset(
            output, _run(parameters, folder, workers, on_progress or (lambda _: None))
        )
        (folder / MANIFEST).write_text(_manifest(parameters, dataset), encoding="utf-8")
    return dataset


def expected_bytes(parameters: Parameters) -> int:
    """A rough size of the dataset, for a progress bar."""
    sizes = parameters.sizes
    bytes_of = {
        DELIMITED: 9 * _MIB
        + sizes.historical_trades * 280
        + sizes.historical_watches * 47
        + sizes.securities.created * 700 * 57
        + sizes.prospects * 200 * parameters.batches,
        FIXED_WIDTH: sizes.companies.lifetime * 223
        + sizes.companies.records * 545
        + sizes.securities.records * 197,
        XML: (sizes.first_customers + sizes.steps * sizes.actions_per_step) * 650,
    }
    return sum(bytes_of[name] for name in parameters.formats)


def _manifest(parameters: Parameters, dataset: Dataset) -> str:
    """The manifest: what was asked for, and each file's rows, bytes and SHA-256."""
    content = {
        "generator": "brokerage_sources.generate",
        "scale_factor": float(parameters.scale_factor),
        "seed": parameters.seed,
        "incremental_batches": parameters.incremental_batches,
        "formats": sorted(parameters.formats),
        "knobs": asdict(parameters.hard_cases),
        "attrition_signal": parameters.attrition_signal,
        "conversion_signal": parameters.conversion_signal,
        "rows": dataset.rows,
        "bytes": dataset.bytes,
        "files": {
            file.path: {"rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
            for file in dataset.files
        },
    }
    return json.dumps(content, indent=2) + "\n"


def parameters_of(folder: Path) -> Parameters:
    """What a dataset was generated with, from its manifest.

    Raises:
        OutputError: it has none, or one that cannot be read.
    """
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return Parameters(
            scale_factor=content["scale_factor"],
            seed=content["seed"],
            incremental_batches=content["incremental_batches"],
            formats=frozenset(content["formats"]),
            hard_cases=HardCaseOptions(**content["knobs"]),
            attrition_signal=content.get("attrition_signal", 0.0),
            conversion_signal=content.get("conversion_signal", 0.0),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{folder / MANIFEST}: not the manifest of a generated dataset: {error}"
        ) from error


def tasks(parameters: Parameters) -> list[Task]:
    """The tasks of a dataset, the longest first."""
    cut = [
        round(QUARTERS * (number / _FINWIRE_TASKS) ** 0.5) for number in range(_FINWIRE_TASKS + 1)
    ]
    quarters = [range(first, stop) for first, stop in pairwise(cut)]  # of similar size
    everything = [
        Task("trades", DELIMITED, partial(trades.write_history, parameters=parameters)),
        Task("market", DELIMITED, partial(market.write, parameters=parameters)),
        Task("watches", DELIMITED, partial(watches.write, parameters=parameters)),
        Task("crm_history", XML, partial(crm_history.write_history, parameters=parameters)),
        *(
            Task(
                "finwire",
                FIXED_WIDTH,
                partial(finwire.write_quarters, parameters=parameters, quarters=part),
            )
            for part in quarters
        ),
        Task("prospect", DELIMITED, partial(prospect.write, parameters=parameters)),
        Task("trades", DELIMITED, partial(trades.write_batches, parameters=parameters)),
        Task("crm", DELIMITED, partial(crm.write_batches, parameters=parameters)),
        Task("reference", DELIMITED, reference.write),
        Task("hr", DELIMITED, partial(hr.write, parameters=parameters)),
        Task("control", DELIMITED, partial(control.write_dates, parameters=parameters)),
        Task("control", None, partial(control.write_root, parameters=parameters)),
    ]
    return [task for task in everything if task.format in {None, *parameters.formats}]


# --- processes ---------------------------------------------------------------------------------

_progress: Progress | None = None  # of a worker process


def _run(
    parameters: Parameters, folder: Path, workers: int, on_progress: Callable[[int], None]
) -> list[TaskReport]:
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    progress = Progress(context.Value("q", 0), context.Value("b", 0))
    with _reporting(progress, on_progress):
        if workers == 1:
            return [_run_task(task, folder, progress) for task in tasks(parameters)]
        return _run_in_processes(parameters, folder, workers, progress, context)


def _run_in_processes(
    parameters: Parameters, folder: Path, workers: int, progress: Progress, context: Any
) -> list[TaskReport]:
    with ProcessPoolExecutor(workers, context, _start_worker, (progress,)) as executor:
        futures: list[Future[TaskReport]] = [
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
        return [future.result() for future in futures]


def _start_worker(progress: Progress) -> None:
    global _progress
    _progress = progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """End this worker when its parent is killed; otherwise it would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_in_worker(task: Task, folder: Path) -> TaskReport:
    assert _progress is not None
    return _run_task(task, folder, _progress)


def _run_task(task: Task, folder: Path, progress: Progress) -> TaskReport:
    started = time.process_time()
    workspace = Workspace(folder, progress)
    task.write(workspace)
    return TaskReport(task.module, workspace.reports, time.process_time() - started)


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
