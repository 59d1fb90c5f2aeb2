"""Keeps versions where they are while links lead to them, so that who reads slowly reads to the end.

Usage:
    holds = Holds()
    holds.keep(versions, "batch-0003-20261130T125152Z", until=time.time() + 900)
    holds.close()

A hold ends with its time, or with the process. An erasure or a revocation removes the version nevertheless.
"""

import threading
import time
from pathlib import Path
from typing import IO

from scripts.share.versions import ShareVersions


class Holds:
    """The versions that this process keeps. For any number of threads."""

    def __init__(self) -> None:
        self._held: dict[Path, tuple[IO[bytes], float]] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def keep(self, versions: ShareVersions, version: str, until: float) -> None:
        """Keep a version until a time, in seconds since 1970, at least.

        Raises:
            OSError: it is not there any more.
        """
        path = versions.folder / version
        file = versions.hold(version)
        with self._lock:
            before, last = self._held.pop(path, (None, 0.0))
            self._held[path] = (file, max(until, last))
            if before is not None:
                before.close()
            self._wait()

    def close(self) -> None:
        """Let all of them go."""
        with self._lock:
            for file, _ in self._held.values():
                file.close()
            self._held.clear()
            self._wait()

    def _wait(self) -> None:
        """Look again when the next hold ends; call with the lock."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held:
            next_end = min(until for _, until in self._held.values())
            self._timer = threading.Timer(max(0.0, next_end - time.time()), self._let_go)
            self._timer.daemon = True
            self._timer.start()

    def _let_go(self) -> None:
        with self._lock:
            now = time.time()
            for path, (file, until) in list(self._held.items()):
                if until <= now:
                    file.close()
                    del self._held[path]
            self._wait()
