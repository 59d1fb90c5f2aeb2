"""Builds and tests of what has moved since the last green build, in one process.

Usage:
    builder = Builder(from_environment(target))
    builder.begin()
    builder.build("batch 3: build")
    builder.test("batch 3: validate")
    builder.finish()            records that it was green; without it, the next build does everything
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.history.recording import OpenRun
from scripts.warehouse.base import Warehouse
from scripts.warehouse.changes import (
    Changes,
    Work,
    affected_work,
    landed_since_last_build,
    project_digest,
    recorded_batches,
    relations_digest,
)
from scripts.warehouse.dbt import (
    WITHOUT_TESTS,
    WITHOUT_UNIT_TESTS,
    DbtRun,
    Listener,
    Project,
    ProjectError,
)
from scripts.warehouse.settings import NEW_BATCHES, environment_variable

errors = Console(stderr=True, highlight=False, soft_wrap=True)
# Where there is no terminal to draw a bar on, a line says from time to time how far it is.
_SECONDS_BETWEEN_LINES = 30
_WHAT_TO_DO = (
    "  The rows of a test: dbt show --output json -s <its name>. What to do: docs/deliveries.md"
)


class Builder(Project):
    """The dbt project of the working directory, and a warehouse that it builds.

    Attributes:
        on_run: called with each command of dbt that builds or tests, green or red.

    Raises:
        ProjectError: the project cannot be parsed.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        # Before the project is parsed: what is saved meanwhile may be missing from what was parsed.
        self._digest = project_digest(Path.cwd())
        super().__init__()
        self._warehouse = warehouse
        self._changes: Changes | None = None
        self._work: Work | None = None
        self._invocation = ""
        self._accepted: set[str] = set()
        self.on_run: Callable[[DbtRun], None] = lambda _: None
        self._run: OpenRun | None = None
        self._is_refreshed = False

    def begin(
        self,
        *,
        is_full: bool = False,
        run: OpenRun | None = None,
        rewritten: Mapping[str, set[int]] | None = None,
    ) -> None:
        """Find out what has to be done.

        Args:
            is_full: build everything, and test it in full.
            run: where the nodes are recorded that will run.
            rewritten: batches by the label of their feed, whose rows are others now although their files are the same: what lies downstream is built from all
                rows, and tested in full.
        """
        changes = None if is_full else landed_since_last_build(self._warehouse, self._digest)
        if changes is not None and rewritten:
            batches = {
                feed: changes.batches.get(feed, set()) | rewritten.get(feed, set())
                for feed in (*changes.batches, *rewritten)
            }
            changes = replace(changes, batches=batches, are_next=False)
        self._is_refreshed = bool(rewritten)
        self._changes = changes
        self._work = None if changes is None else affected_work(self.manifest, changes)
        self._invocation = ""
        self._accepted = set()
        self._run = run

    def build(self, label: str) -> float:
        """Build the models, seeds and snapshots that have news, without tests; returns the seconds it took.

        Raises:
            ProjectError: a node failed; the message names it.
        """
        return self._step(label, "build", self._work.built if self._work else None, WITHOUT_TESTS)

    def test(self, label: str, accepted: Collection[str] = frozenset()) -> float:
        """Run the data tests that have news, except unit tests; returns the seconds it took.

        Raises:
            ProjectError: a test that is not `accepted` failed; the message names it.
        """
        tested = self._work.tested if self._work else None
        return self._step(label, "test", tested, WITHOUT_UNIT_TESTS, accepted)

    def build_and_test(self, label: str) -> float:
        """Build each model that has news, and test it before those that read it; returns the seconds it took.

        Raises:
            ProjectError: a node failed; the message names it.
        """
        both = self._work.built | self._work.tested if self._work else None
        return self._step(label, "build", both, WITHOUT_UNIT_TESTS)

    def finish(self) -> None:
        """Record in the warehouse that the last build left nothing undone: it was green, or what was red is accepted.

        After one of which something was accepted, the next build does everything. Not if files have landed after `begin` had chosen what to build, and before dbt had written down what the lake holds.
        """
        if not self._invocation:
            return
        if self._changes and recorded_batches(self._warehouse) != self._changes.landed:
            errors.print("Files landed while the build began: build again.", style="yellow")
            return
        self.run_operation(
            "mark_last_build",
            invocation=self._invocation,
            project_digest=self._digest,
            relations_digest=relations_digest(self._warehouse),
            accepted_tests=" ".join(sorted(self._accepted)),
        )

    def _step(
        self,
        label: str,
        command: str,
        names: frozenset[str] | None,
        without: Sequence[str],
        accepted: Collection[str] = frozenset(),
    ) -> float:
        """Run a command of dbt on some nodes, or on all, and show its progress."""
        if names is not None and not names:
            return 0.0
        new_batches = _new_batches(self._changes)
        if command == "build" and self._is_refreshed:
            without = (*without, "--full-refresh")
        with environment_variable(NEW_BATCHES, new_batches), _node_progress(label) as on_event:
            run = self.run(command, *without, nodes=names, listeners=[on_event])
        self.on_run(run)
        if self._run:
            self._run.add_nodes(run)
        lines = list(run.node_messages())
        for line in lines:
            errors.print(f"  {line}", markup=False)
        if lines:
            errors.print(_WHAT_TO_DO, markup=False)
        if command == "build":
            self._invocation = run.invocation
        try:
            run.ensure_green(accepted)
        except ProjectError:
            self._invocation = ""
            raise
        self._accepted |= {node.name for node in run.nodes if node.has_failed}
        return run.seconds


def _new_batches(changes: Changes | None) -> str:
    """The batches whose rows tests look at, as a list for SQL; empty for all."""
    if changes is None or not changes.are_next:
        return ""
    numbers = {number for batches in changes.batches.values() for number in batches}
    return ", ".join(map(str, sorted(numbers)))


@contextmanager
def _node_progress(label: str) -> Iterator[Listener]:
    """A progress bar, or lines, over the nodes of a dbt command; yields the callback for its events."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=errors, transient=True) as bar:
        task = bar.add_task(label, total=None)
        next_line = time.monotonic()

        def on_event(event: Any) -> None:
            nonlocal next_line
            if event.info.name != "LogStartLine":
                return
            bar.update(task, total=event.data.total, completed=event.data.index - 1)
            if not errors.is_terminal and time.monotonic() >= next_line:
                errors.print(f"{label}: {event.data.index} of {event.data.total}", markup=False)
                next_line = time.monotonic() + _SECONDS_BETWEEN_LINES

        yield on_event
