"""Ends what takes too long. One thread for all: starting one for each statement would take longer than most statements.

Usage:
    watchdog = Watchdog()
    with watchdog.within(30, session.interrupt):
        ...
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# How often it looks.
_SECONDS = 0.05


class Watchdog:
    """Calls a function when its time is over, until its block is left."""

    def __init__(self) -> None:
        self._deadlines: dict[int, tuple[float, Callable[[], None]]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._number = 0

    @contextmanager
    def within(self, seconds: float, end: Callable[[], None]) -> Iterator[None]:
        """Call a function, again and again, when the block takes longer: it may begin another statement after one was ended."""
        with self._changed:
            self._number += 1
            number = self._number
            self._deadlines[number] = (time.monotonic() + seconds, end)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
            elif number == next(iter(self._deadlines)):
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._deadlines[number]

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._deadlines))
                # Under the lock, so that nothing is ended that has left its block.
                self._end_late()
            time.sleep(_SECONDS)

    def _end_late(self) -> None:
        """A function of its own: what the thread held in a variable would be held until the process ends, which DuckDB tells on stderr."""
        now = time.monotonic()
        for deadline, end in self._deadlines.values():
            if deadline < now:
                with suppress(Exception):
                    end()
