"""Commands of scripts.learn that are killed with SIGKILL before a step on the disk. Each runs in a child of a process that has imported what they need.

Usage:
    with Commands() as commands:
        code = commands.run(environment, ["train"], killed_before=3)

    python -m tests.python.killed_commands      the process; it reads commands as lines of JSON, and answers with their exit codes
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from scripts.warehouse.workspace import ROOT

# They make a file, or its name, durable or visible.
STEPS = ("fsync", "rename", "replace")


class Commands:
    """The process, while it is needed."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.python.killed_commands"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def run(
        self,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        killed_before: int | None = None,
        killed_after: float | None = None,
    ) -> int:
        """Run a command; returns its exit code, below zero if a signal has ended it.

        Args:
            environment: more variables.
            arguments: of the command.
            killed_before: the number of a step.
            killed_after: seconds.
        """
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(
            json.dumps([dict(environment), list(arguments), killed_before, killed_after]) + "\n"
        )
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def main() -> None:
    """Run commands, each in a child."""
    # What is imported here need not be imported by each.
    import onnxruntime  # noqa: F401
    import skl2onnx  # noqa: F401
    import sklearn.ensemble
    import sklearn.impute  # noqa: F401

    import scripts.learn.__main__  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(*json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(
    environment: Mapping[str, str],
    arguments: Sequence[str],
    killed_before: int | None,
    killed_after: float | None,
) -> None:
    """In the child: never returns."""
    os.environ.update(environment)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(null, stream)
    sys.argv[1:] = arguments
    if killed_before is not None:
        _kill_before(killed_before)
    if killed_after is not None:
        threading.Timer(killed_after, os.kill, (os.getpid(), signal.SIGKILL)).start()
    from scripts.learn.__main__ import app

    code = 1
    try:
        app()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _kill_before(last: int) -> None:
    taken = 0

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


if __name__ == "__main__":
    main()
