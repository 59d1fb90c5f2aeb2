"""A job for test_launcher.py that hangs with all its might: it does not hear signals, and has a child that does not either."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

_DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@dg.op
def hang_if_asked() -> None:
    """Write down who hangs, and hang; return at once if nobody asks."""
    asked = os.environ.get("HANG_IN")
    if not asked:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    child = subprocess.Popen([sys.executable, "-c", _DEAF])
    beside = Path(asked).with_suffix(".new")
    beside.write_text(f"{os.getpid()} {child.pid}")
    beside.rename(asked)
    time.sleep(600)


@dg.job(executor_def=dg.in_process_executor)
def hanging() -> None:
    """The job."""
    hang_if_asked()
