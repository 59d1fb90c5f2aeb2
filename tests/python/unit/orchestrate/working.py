"""A job for test_launcher.py that works on a batch without an end, as the steps of the warehouse do."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from scripts.batches import BatchRun
from scripts.history.recording import recorded_run
from scripts.orchestrate.assets import _failing, _interruptible
from scripts.warehouse.settings import Target


@dg.op
def work_on_batches(context: dg.OpExecutionContext) -> None:
    """Say that it works, and work."""
    with _failing(context), recorded_run("batches", Target.DUCKDB):
        list(_interruptible(_endless_batches()))


def _endless_batches() -> Iterator[BatchRun]:
    with recorded_run("build", Target.DUCKDB, 1):
        Path(os.environ["HANG_IN"]).write_text(str(os.getpid()))
        time.sleep(600)
    yield from ()


@dg.job(executor_def=dg.in_process_executor)
def working() -> None:
    """The job."""
    work_on_batches()
