"""Processes for tests, from one fork server that has imported what they need, so that each begins within a moment.

A process has the environment of whoever started the server: pass it what it shall have.
"""

import multiprocessing

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.python.faults.child", "tests.python.publishing"])
