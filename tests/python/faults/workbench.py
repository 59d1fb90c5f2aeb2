"""A small dataset, the warehouse that it should become, and child processes that work on it.

The children come from a fork server that has imported dbt already, so that each begins within a moment.

Usage:
    workbench = Workbench(folder, sources, warehouse)
    workbench.begin_from(workbench.nothing)
    with workbench.started(workbench.job) as child:
        child.kill()
    print(workbench.problems_after_a_plain_run())
"""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from scripts.fingerprint import fingerprint_lake
from scripts.load.sources import SourceFolder
from scripts.warehouse.base import ReplaceableWarehouse
from scripts.warehouse.fingerprints import Fingerprint
from scripts.warehouse.workspace import Workspace
from tests.python.faults.child import Job, work
from tests.python.processes import PROCESSES

_SECONDS_TO_END = 60
# Without the tables of what was copied and completed when, which differ from run to run.
_LAYERS = ("raw", "raw_vault", "business_vault", "marts", "quality")
_COPY_LOG = "raw.copied_batch"


class WorkbenchError(Exception):
    """There is nothing to compare with: a run without any fault failed."""


@dataclass(frozen=True)
class Start:
    """A state to begin from.

    Attributes:
        name: in words.
        saved: the name under which lake and warehouse are saved in this state; None if both are empty.
        events: how many steps of `load` and `build` an undisturbed run takes from here.
    """

    name: str
    saved: str | None
    events: Counter[str]


class Child:
    """A process that runs a job."""

    def __init__(self, process: BaseProcess, events: Connection, output: Path) -> None:
        self._process = process
        self._events = events
        self._output = output
        self.events: Counter[str] = Counter()

    def next_event(self) -> str | None:
        """Wait for the next step, `load` or `build`; None after the last one."""
        try:
            event: str = self._events.recv()
        except EOFError:
            return None
        self.events[event] += 1
        return event

    def kill(self) -> None:
        """Kill it at once."""
        self._process.kill()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop it, with all its locks, until the block is left."""
        process = self._process.pid
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)

    def wait(self) -> None:
        """Wait for its end."""
        while self.next_event() is not None:
            pass
        self._process.join(_SECONDS_TO_END)

    @property
    def exit_code(self) -> int | None:
        """0 if all went well, negative for a signal."""
        return self._process.exitcode

    @property
    def said(self) -> str:
        """Everything it printed."""
        return self._output.read_text(errors="replace").strip()


class Workbench:
    """A lake and a warehouse in which faults are made, and what they should become.

    Args:
        folder: a folder for all of it.
        sources: the source files.
        warehouse: the warehouse to work on.
        with_increment: also begin from a warehouse that lacks only the last batch, if there are several.

    Raises:
        WorkbenchError: a run without any fault failed, or did not give the same rows.
    """

    def __init__(
        self,
        folder: Path,
        sources: Path,
        warehouse: ReplaceableWarehouse,
        with_increment: bool = True,
    ) -> None:
        self.folder = folder
        self.warehouse = warehouse
        workspace = Workspace(folder, warehouse)
        self.lake = workspace.lake
        self.job = Job(str(sources), workspace.environment, str(folder / "output.txt"))
        self._begin_from(None)
        self.starts = [Start("nothing", None, self._run_unharmed(self.job))]
        self._expected = self._fingerprints()
        batches = SourceFolder(str(sources)).batches
        if with_increment and len(batches) > 1:
            self.starts.append(self._all_but_the_last_batch(batches))

    @property
    def nothing(self) -> Start:
        """An empty lake and an empty warehouse."""
        return self.starts[0]

    @property
    def latest(self) -> Start:
        """The state before the last batch, if there is one to begin from."""
        return self.starts[-1]

    def _all_but_the_last_batch(self, batches: list[int]) -> Start:
        name = "all_but_the_last_batch"
        self._begin_from(None)
        self._run_unharmed(replace(self.job, batches=tuple(batches[:-1])))
        shutil.copytree(self.lake, self._saved_lake(name))
        self.warehouse.save(name)
        events = self._run_unharmed(self.job)
        if differences := self.differences():
            raise WorkbenchError(f"batch by batch is not all at once: {', '.join(differences)}")
        return Start(name.replace("_", " "), name, events)

    def _run_unharmed(self, job: Job) -> Counter[str]:
        child = self.run(job)
        if child.exit_code != 0:
            raise WorkbenchError(f"a run without any fault failed: {child.said}")
        return child.events

    def begin_from(self, start: Start) -> None:
        """Restore lake and warehouse to a state."""
        self._begin_from(start.saved)

    def _begin_from(self, saved: str | None) -> None:
        shutil.rmtree(self.lake, ignore_errors=True)
        if saved is None:
            self.warehouse.empty()
        else:
            self.warehouse.restore(saved)
            shutil.copytree(self._saved_lake(saved), self.lake)

    def _saved_lake(self, name: str) -> Path:
        return self.folder / "lakes" / name

    @contextmanager
    def started(self, job: Job) -> Iterator[Child]:
        """A running child; it has ended when the block is left."""
        receiver, sender = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=work, args=(job, sender), daemon=True)
        process.start()
        sender.close()
        child = Child(process, receiver, Path(job.output))
        try:
            yield child
        finally:
            child.wait()

    def run(self, job: Job) -> Child:
        """Run a child to its end."""
        with self.started(job) as child:
            return child

    def problems_after_a_plain_run(self) -> tuple[str, ...]:
        """Load and build again; returns what fails, or differs from the expected rows."""
        child = self.run(self.job)
        if child.exit_code != 0:
            return (f"the plain re-run failed: {child.said}",)
        return self.differences()

    def differences(self) -> tuple[str, ...]:
        """Tables of lake and warehouse that are not what they should be."""
        found = self._fingerprints()
        names = sorted(self._expected.keys() | found.keys())
        return tuple(
            f"{name} is not as it should be"
            for name in names
            if self._expected.get(name) != found.get(name)
        )

    def _fingerprints(self) -> dict[str, Fingerprint]:
        lake = {f"lake {name}": table for name, table in fingerprint_lake(self.lake).items()}
        tables = self.warehouse.fingerprints()
        return lake | {
            name: table
            for name, table in tables.items()
            if name.partition(".")[0] in _LAYERS and name != _COPY_LOG
        }
