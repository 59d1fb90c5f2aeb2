"""Do a piece of work in a separate process, and measure time and memory.

Usage:
    run, outcome = run_in_subprocess(partial(load, options))
    print(cpu_seconds(), peak_mib())        of this process so far
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeVar

Outcome = TypeVar("Outcome")


class WorkError(Exception):
    """The work did not complete; the message says why."""


@dataclass(frozen=True)
class Run:
    """The cost of a piece of work: wall-clock and processor seconds, peak memory of its largest process in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def run_in_subprocess(work: Callable[[], Outcome]) -> tuple[Run, Outcome]:
    """Do the work in a fresh process, so that memory and imports of earlier work are not counted.

    Raises:
        WorkError: the work raised an error or its process was killed.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(work, sender))
    process.start()
    sender.close()
    try:
        answer: tuple[Run, Outcome] | str = receiver.recv()
    except EOFError:
        answer = "its process was killed"
    process.join()
    if isinstance(answer, str):
        raise WorkError(answer)
    return answer


def cpu_seconds() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    usages = [resource.getrusage(who) for who in _SELF_AND_CHILDREN]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_mib() -> float:
    """The most memory, in MiB, that this process or one that it has waited for had so far."""
    peak = max(resource.getrusage(who).ru_maxrss for who in _SELF_AND_CHILDREN)
    return peak / _MAXRSS_PER_MIB


def _measure(work: Callable[[], Outcome], sender: Connection) -> None:
    started, cpu_started = time.perf_counter(), cpu_seconds()
    try:
        outcome = work()
    except BaseException as error:
        sender.send(str(error).strip() or type(error).__name__)
        raise
    run = Run(time.perf_counter() - started, cpu_seconds() - cpu_started, peak_mib())
    sender.send((run, outcome))


_SELF_AND_CHILDREN = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
# macOS counts bytes where others count KiB.
_MAXRSS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10
