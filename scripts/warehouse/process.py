"""Do a piece of work in a separate process, and measure time and memory.

Usage:
    run, outcome = run_in_subprocess(partial(load, options))
"""

import multiprocessing
import resource
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


def _measure(work: Callable[[], Outcome], sender: Connection) -> None:
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    try:
        outcome = work()
    except BaseException as error:
        sender.send(str(error).strip() or type(error).__name__)
        raise
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu_started
    peaks = (resource.getrusage(who).ru_maxrss for who in _SELF_AND_CHILDREN)
    sender.send((Run(seconds, cpu_seconds, max(peaks) / 1024), outcome))


_SELF_AND_CHILDREN = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in _SELF_AND_CHILDREN]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
