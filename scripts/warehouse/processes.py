"""The processes of this machine, as /proc shows them: who is alive, what they have done, who holds a file.

Usage:
    process = read_process(run.process_id)
    effort_of(tree_of(process.process_id))
    holders_of(Path("data/warehouse.duckdb"))

Systems without /proc show nothing: then nothing is known about processes, and nothing is said about them.
"""

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process.

    Attributes:
        process_id: its number.
        parent: the number of its parent.
        started: in clock ticks since the machine started; with the number, it identifies the process.
        state: a letter: `R` runs, `S` waits, `D` waits for a disk, `T` is stopped, `Z` has ended.
        cpu_seconds: processor time of it, and of its children that have ended.
    """

    process_id: int
    parent: int
    started: int
    state: str
    cpu_seconds: float


@dataclass(frozen=True)
class Effort:
    """What processes have done so far: processor seconds, and bytes to and from disk."""

    cpu_seconds: float
    disk_bytes: int


@dataclass(frozen=True)
class Holder:
    """A process that has locked a file.

    Attributes:
        process_id: its number.
        writes: whether it may write; otherwise it reads.
        command: its command line; empty if it cannot be known.
    """

    process_id: int
    writes: bool
    command: str


def is_known() -> bool:
    """Whether this system shows its processes."""
    return read_process(os.getpid()) is not None


def read_process(process_id: int) -> Process | None:
    """A process; None if there is none of this number, or it has ended and only waits to be collected."""
    try:
        text = (_PROC / str(process_id) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name, in parentheses, may hold anything.
    fields = text.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    ticks = sum(map(int, fields[11:15]))
    return Process(
        process_id, int(fields[1]), int(fields[19]), fields[0], ticks / _TICKS_PER_SECOND
    )


def process_started(process_id: int) -> int | None:
    """When a process started, in clock ticks since the machine did; None if there is no such process, or it cannot be known.

    A number is given again to another process, but not with the same start.
    """
    process = read_process(process_id)
    return process.started if process else None


def has_ended(host: str, process_id: int, started: int) -> bool | None:
    """Whether a process is gone; None if that cannot be known: of another machine, or on a system that does not show its processes.

    Args:
        host: its machine.
        process_id: its number there.
        started: what `process_started` said of it.
    """
    if host != socket.gethostname() or not is_known():
        return None
    return process_started(process_id) != started


def tree_of(process_id: int) -> list[Process]:
    """A process and all that descend from it; nothing on a system that does not show its processes."""
    if not is_known():
        return []
    numbers = (int(path.name) for path in _PROC.iterdir() if path.name.isdecimal())
    running = [process for number in numbers if (process := read_process(number))]
    found = [process for process in running if process.process_id == process_id]
    for parent in found:
        found += [process for process in running if process.parent == parent.process_id]
    return found


def effort_of(processes: Iterable[Process]) -> Effort:
    """What these processes have done; without bytes of those that belong to another user."""
    processes = list(processes)
    return Effort(
        sum(process.cpu_seconds for process in processes),
        sum(_disk_bytes(process.process_id) for process in processes),
    )


def _disk_bytes(process_id: int) -> int:
    with suppress(OSError, ValueError):
        lines = (_PROC / str(process_id) / "io").read_text(encoding="utf-8").splitlines()
        counters = dict(line.split(": ") for line in lines)
        return int(counters["read_bytes"]) + int(counters["write_bytes"])
    return 0


def command_of(process_id: int) -> str:
    """The command line of a process; empty if it cannot be known."""
    with suppress(OSError):
        text = (_PROC / str(process_id) / "cmdline").read_bytes().decode(errors="replace")
        return " ".join(text.split("\0")).strip()
    return ""


def holders_of(file: Path) -> list[Holder]:
    """The processes that have a lock on a file, as DuckDB takes one on a database that it has open.

    Only the list of locks is read: the file is not opened, which could itself disturb.
    """
    try:
        status = file.stat()
        lines = (_PROC / "locks").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    inode = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    writes: dict[int, bool] = {}
    for line in lines:
        # `1: POSIX ADVISORY WRITE 8212 fe:00:2146408 0 EOF`; those that wait for a lock have an arrow after the number.
        fields = line.split()
        if len(fields) == 8 and fields[1] == "POSIX" and fields[5] == inode:
            process_id = int(fields[4])
            writes[process_id] = writes.get(process_id, False) or fields[3] == "WRITE"
    return [
        Holder(process_id, may_write, command_of(process_id))
        for process_id, may_write in sorted(writes.items())
    ]
