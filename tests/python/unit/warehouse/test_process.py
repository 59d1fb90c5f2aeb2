"""Work in a process of its own."""

import os
import signal

import pytest

from scripts.warehouse.process import WorkError, run_in_subprocess


def _fail() -> None:
    raise RuntimeError("no luck")


def _be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_work_that_fails_or_is_killed_says_so() -> None:
    with pytest.raises(WorkError, match="no luck"):
        run_in_subprocess(_fail)
    with pytest.raises(WorkError, match="killed"):
        run_in_subprocess(_be_killed)


def test_work_is_done_and_measured_in_a_process_of_its_own() -> None:
    run, outcome = run_in_subprocess(os.getpid)
    assert outcome != os.getpid()
    assert run.seconds >= 0
    assert run.peak_mib > 1
