"""SIGKILL at random moments over load and build."""

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

from tests.python.faults.outcome import Outcome
from tests.python.faults.workbench import Start, Workbench

PHASES = ("load", "build")
# Wait a little after the event: so the kill also happens inside a statement, not only between two.
_LONGEST_DELAY = 0.05


def kills(
    workbench: Workbench, count: int, chance: random.Random, in_a_row: int = 1
) -> Iterator[Outcome]:
    """Kill runs at random moments, alternating between load and build.

    After `in_a_row` kills of the same warehouse, it is loaded and built again without a fault, and compared.
    """
    for number in range(count):
        if number % in_a_row == 0:
            start = chance.choice(workbench.starts)
            workbench.begin_from(start)
        place, effect = _kill(workbench, start, PHASES[number % 2], chance)
        is_last = (number + 1) % in_a_row == 0 or number + 1 == count
        problems = workbench.problems_after_a_plain_run() if is_last else ()
        yield Outcome("kill", place, effect, problems)


def _kill(workbench: Workbench, start: Start, phase: str, chance: random.Random) -> tuple[str, str]:
    """Kill one run; returns where, and whether the kill hit it."""
    position = chance.randrange(start.events[phase])
    delay = chance.uniform(0, _LONGEST_DELAY)
    place = f"from {start.name}, {phase} {position} of {start.events[phase]}"
    # Otherwise nothing is loaded, and the load ends before the kill.
    with workbench.started(replace(workbench.job, force=phase == "load")) as child:
        while child.events[phase] <= position and child.next_event() is not None:
            pass
        time.sleep(delay)
        child.kill()
    return place, "killed" if child.exit_code == -signal.SIGKILL else "had ended before"
