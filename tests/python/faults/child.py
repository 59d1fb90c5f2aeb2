"""What runs in the disturbed child processes: a load, then a build."""

import ctypes
import os
import resource
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from scripts.load.lake import LakeError
from scripts.load.run import LoadOptions, load
from scripts.load.sources import SourceFolderError
from scripts.warehouse.clock import utc_now
from scripts.warehouse.dbt import (
    WITHOUT_FILES,
    WITHOUT_TESTS,
    WITHOUT_UNIT_TESTS,
    Project,
    ProjectError,
)
from scripts.warehouse.settings import PostgresError, Target
from scripts.warehouse.workspace import ROOT


@dataclass(frozen=True)
class Job:
    """The job of a child, and its conditions.

    Attributes:
        sources: the source folder.
        environment: variables for dbt and the loader; LAKE and DBT_TARGET among them.
        output: file for everything that is printed.
        batches: batches to load; empty for all.
        force: load what is unchanged, too.
        is_loaded: load at all.
        is_built: build after the load.
        is_tested: run the data tests, too.
        file_bytes: no file may become larger than this, as on a full disk; None for no limit.
        obeys_permissions: give up the right of root to write everywhere.
        clock: the time that the loader reads; None for the real one.
    """

    sources: str
    environment: dict[str, str]
    output: str
    batches: tuple[int, ...] = ()
    force: bool = False
    is_loaded: bool = True
    is_built: bool = True
    is_tested: bool = False
    file_bytes: int | None = None
    obeys_permissions: bool = False
    clock: datetime | None = None


def work(job: Job, events: Connection) -> None:
    """Do the job; sends `load` or `build` after each step of it. Exit code 1 if it fails."""
    os.environ.update(job.environment)
    os.chdir(ROOT)
    if job.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.file_bytes, job.file_bytes))
    if job.obeys_permissions:
        give_up_write_everywhere()
    with (
        Path(job.output).open("w", buffering=1) as output,
        redirect_stdout(output),
        redirect_stderr(output),
    ):
        problems = _load(job, events) if job.is_loaded else []
        if not problems and job.is_built:
            problems = _build(events, WITHOUT_UNIT_TESTS if job.is_tested else WITHOUT_TESTS)
        for problem in problems:
            print(problem)
    events.close()
    sys.exit(bool(problems))


def _load(job: Job, events: Connection) -> list[str]:
    options = LoadOptions(
        job.sources,
        job.environment["LAKE"],
        batches=job.batches,
        force=job.force,
        target=Target(job.environment["DBT_TARGET"]),
        clock=lambda: job.clock or utc_now(),
    )
    try:
        return load(options, lambda _: lambda _: events.send("load")).failures
    except (SourceFolderError, LakeError, PostgresError) as error:
        return [str(error)]


def _build(events: Connection, selection: tuple[str, ...]) -> list[str]:
    def on_event(event: Any) -> None:
        if event.info.name == "SQLQuery":
            events.send("build")

    try:
        run = Project().run("build", *selection, *WITHOUT_FILES, listeners=[on_event])
        for line in run.node_messages():
            print(line)
        run.ensure_green()
    except ProjectError as error:
        return [str(error)]
    return []


_CAPABILITY_VERSION = 0x20080522
_DAC_OVERRIDE = 1


def give_up_write_everywhere() -> None:
    """Drop the capability by which root ignores permissions (see man 2 capset)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capabilities cannot be read")
    for index in (0, 1):  # effective, permitted
        sets[index] &= ~(1 << _DAC_OVERRIDE)
    if libc.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "the capability cannot be dropped")
