"""Faults of the machine: a full disk, a lake that cannot be written, damaged Parquet, a wrong clock, two runs at once."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tests.python.faults.outcome import Outcome
from tests.python.faults.workbench import Child, Workbench

DAMAGED_FILES = 5
LONG_AGO = datetime(2001, 2, 3)
# Children also write their log and dbt's artifacts; these must fit, or they would fail first.
_ARTIFACT_BYTES = 8 << 20


def full_disk_while_loading(workbench: Workbench, chance: random.Random) -> Iterator[Outcome]:
    """No file of the lake may become larger than half of the largest one."""
    workbench.begin_from(workbench.latest)
    limit = max(path.stat().st_size for path in _lake_files(workbench)) // 2
    child = workbench.run(replace(workbench.job, force=True, is_built=False, file_bytes=limit))
    yield _refused(workbench, "full disk", f"load, {limit:,} bytes", child, "cannot be written")


def full_disk_while_building(workbench: Workbench, chance: random.Random) -> Iterator[Outcome]:
    """The disk is too small for the warehouse; skipped for a server, which has its own disk."""
    if workbench.warehouse.is_written_by_a_server:
        return
    workbench.begin_from(workbench.nothing)
    workbench.run(replace(workbench.job, is_built=False))
    child = workbench.run(replace(workbench.job, file_bytes=_ARTIFACT_BYTES))
    place = f"build, {_ARTIFACT_BYTES:,} bytes"
    yield _refused(workbench, "full disk", place, child, "File too large")


def lake_without_permission(workbench: Workbench, chance: random.Random) -> Iterator[Outcome]:
    """Nobody may write to the folders of the lake."""
    workbench.begin_from(workbench.latest)
    with _read_only(workbench.lake):
        child = workbench.run(replace(workbench.job, obeys_permissions=True))
    said = "cannot be written: Permission denied"
    yield _refused(workbench, "read-only lake", "load", child, said)


def damaged_lake(workbench: Workbench, chance: random.Random) -> Iterator[Outcome]:
    """One bit of a file in the lake is flipped."""
    for _ in range(DAMAGED_FILES):
        workbench.begin_from(workbench.latest)
        path = chance.choice(_lake_files(workbench))
        content = bytearray(path.read_bytes())
        position = chance.randrange(len(content))
        content[position] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        problems = workbench.problems_after_a_plain_run()
        place = f"{path.relative_to(workbench.lake)}, byte {position}"
        yield Outcome("damaged lake", place, "loaded again", problems)


def clock_set_back(workbench: Workbench, chance: random.Random) -> Iterator[Outcome]:
    """By the clock, the last batch is loaded long before the others."""
    workbench.begin_from(workbench.latest)
    child = workbench.run(replace(workbench.job, clock=LONG_AGO))
    problems = workbench.differences() if child.exit_code == 0 else (child.said,)
    problems += workbench.problems_after_a_plain_run()
    yield Outcome("clock set back", f"last batch in {LONG_AGO:%Y}", "no difference", problems)


def two_runs_at_once(workbench: Workbench, chance: random.Random) -> Iterator[Outcome]:
    """A second run begins while the first one loads, another one while it builds.

    A server lets both build, and one waits for the other where they conflict; one of them may end with an error.
    """
    for phase, refusal in (("load", "another load is writing"), ("build", "lock")):
        may_both_run = phase == "build" and workbench.warehouse.is_written_by_a_server
        workbench.begin_from(workbench.latest)
        second = replace(workbench.job, output=str(workbench.folder / "second.txt"), force=True)
        with workbench.started(replace(workbench.job, force=True)) as child:
            # Stopped halfway, when it holds its locks, so that it does not end before the second run gets there.
            halfway = workbench.latest.events[phase] // 2
            while child.events[phase] < halfway and child.next_event() is not None:
                pass
            with nullcontext() if may_both_run else child.paused():
                other = workbench.run(replace(second, is_loaded=phase == "load"))
        problems = workbench.problems_after_a_plain_run()
        if child.exit_code != 0 and not may_both_run:
            problems += (f"the first run failed: {child.said}",)
        if (other.exit_code == 0 or refusal not in other.said) and not may_both_run:
            problems += (f"the second run was not refused: {other.said}",)
        effect = "refused" if other.exit_code != 0 else "both ran"
        yield Outcome("two runs at once", phase, effect, problems, _first_line(other))


def _refused(workbench: Workbench, fault: str, place: str, child: Child, expected: str) -> Outcome:
    """The run has failed and says why; then it is repeated without the fault."""
    problems: tuple[str, ...] = ()
    if child.exit_code != 1 or expected not in child.said or "Traceback" in child.said:
        problems = (f"exit code {child.exit_code}, {expected!r} expected: {child.said}",)
    problems += workbench.problems_after_a_plain_run()
    return Outcome(fault, place, "refused", problems, _first_line(child))


def _first_line(child: Child) -> str:
    return child.said.partition("\n")[0]


def _lake_files(workbench: Workbench) -> list[Path]:
    """The files of the lake that loads of batches have written: rows, quarantine and logs."""
    return sorted(path for path in workbench.lake.glob("*/*/batch_id=[1-9]*/*.parquet"))


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    modes = {path: path.stat().st_mode for path in folders}
    for path in folders:
        path.chmod(0o555)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


FAULTS = (
    full_disk_while_loading,
    full_disk_while_building,
    lake_without_permission,
    damaged_lake,
    clock_set_back,
    two_runs_at_once,
)
