"""Processes are known by number and start; where the system shows none, nothing is said about them."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.warehouse import processes
from scripts.warehouse.processes import has_ended, process_started, read_process, tree_of


def own_start() -> int:
    started = process_started(os.getpid())
    assert started
    return started


def test_a_process_is_there_as_long_as_number_and_start_are_its_own() -> None:
    host = socket.gethostname()
    assert has_ended(host, os.getpid(), own_start()) is False
    assert has_ended(host, os.getpid(), own_start() - 1) is True
    assert has_ended("elsewhere", os.getpid(), own_start()) is None


def test_a_process_that_only_waits_to_be_collected_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = process_started(process.pid)
        assert started and process.stdin
        process.stdin.close()
        while read_process(process.pid):
            time.sleep(0.01)
        assert has_ended(socket.gethostname(), process.pid, started) is True


def test_nothing_is_said_where_the_system_shows_no_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = own_start()
    monkeypatch.setattr(processes, "_PROC", tmp_path / "none")
    assert has_ended(socket.gethostname(), os.getpid(), started) is None
    assert tree_of(os.getpid()) == []
