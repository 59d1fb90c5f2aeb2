"""dbt, run in this process: it starts once, and the project is parsed once.

Usage:
    project = Project()
    project.run("build", *WITHOUT_TESTS).ensure_green()
    project.query("select count(*) from {{ ref('dim_trade') }}")

The project is the one in the working directory; its profile reads from the environment where to build (`Workspace.enter`).
"""

import gc
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from scripts.history.records import RED

# Called with each event of dbt.
Listener = Callable[[Any], None]

WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
WITHOUT_TESTS = ("--exclude-resource-type", "test", *WITHOUT_UNIT_TESTS)

# Where nobody reads its log and artifacts, they only take time: a tenth of a small build.
WITHOUT_FILES = ("--log-level-file", "none", "--no-write-json")

# The results have what matters. The log file has what ran and what failed, without every statement: writing those takes 7 % of a small build, and
# `target/run` has the SQL of each model. dbt as a command logs as usual.
_QUIETLY = ("--log-level", "none")
_FILE_LEVEL = ("--log-level-file", "info")
# A tag for nodes that are selected one by one: dbt would compare each of hundreds of names with each node.
_SELECTED = "selected_in_this_run"

# What dbt knows of the project stays to the end, so the garbage collector need not look at it that often. With Python's own thresholds, a small
# build and its tests took 6 % more processor time.
_COLLECTOR_THRESHOLDS = (50_000, 20, 10)


class ProjectError(Exception):
    """dbt cannot read the project or the warehouse, or a node failed; the message says which."""


@dataclass(frozen=True)
class NodeResult:
    """The result of one model, test, seed, snapshot or exposure.

    Attributes:
        name: its name.
        schema: where it is built; empty for an exposure.
        kind: its resource type, such as `model`.
        status: as dbt calls it: `success`, `pass`, `error`, ...
        message: what dbt or the engine says about it, in one line.
        seconds: the time it took.
        sql: its compiled query; empty if it has none.
        node_id: its unique name in the project, such as `model.brokerage_warehouse.dim_trade`.
        started_at: when it began, in UTC; None if it was skipped.
        row_count: rows that it wrote, or that failed a test; None if the engine does not say.
    """

    name: str
    schema: str
    kind: str
    status: str
    message: str
    seconds: float
    sql: str
    node_id: str
    started_at: datetime | None
    row_count: int | None

    @property
    def has_failed(self) -> bool:
        """Whether it is red."""
        return self.status in RED


@dataclass(frozen=True)
class DbtRun:
    """The result of one command of dbt.

    Attributes:
        command: its name.
        outcome: what dbt returned.
        seconds: the time it took.
        errors: what dbt logged as errors, each in one line.
        invocation: what dbt calls its `invocation_id`.
    """

    command: str
    outcome: dbtRunnerResult
    seconds: float
    errors: list[str]
    invocation: str = ""

    @property
    def nodes(self) -> list[NodeResult]:
        """The result of each node, in the order in which they ended."""
        return [
            NodeResult(
                name=result.node.name,
                schema=getattr(result.node, "schema", ""),
                kind=str(result.node.resource_type),
                status=str(result.status),
                message=_one_line(result.message or ""),
                seconds=result.execution_time,
                sql=getattr(result.node, "compiled_code", None) or "",
                node_id=result.node.unique_id,
                started_at=min(
                    filter(None, (part.started_at for part in result.timing)), default=None
                ),
                row_count=_row_count(result),
            )
            for result in getattr(self.outcome.result, "results", ())
        ]

    @property
    def problem(self) -> str:
        """What went wrong, in one line: the exception, the nodes that failed, or what dbt logged."""
        if self.outcome.exception is not None:
            return _one_line(self.outcome.exception)
        failed = [node.name for node in self.nodes if node.has_failed]
        others = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        return f"{', '.join(failed[:3])}{others}" or "; ".join(self.errors)

    def node_messages(self) -> Iterator[str]:
        """A line about each node that failed or warns."""
        for node in self.nodes:
            if node.has_failed or node.status == "warn":
                yield f"{node.status}: {node.name}: {node.message}"

    def ensure_green(self, accepted: Collection[str] = frozenset()) -> None:
        """Raise an error unless everything succeeded, except nodes with `accepted` names.

        Raises:
            ProjectError: something failed; the message names it.
        """
        failed = {node.name for node in self.nodes if node.has_failed}
        is_accepted = self.outcome.exception is None and failed and failed <= set(accepted)
        if not self.outcome.success and not is_accepted:
            raise ProjectError(f"{self.command} is red: {self.problem}")


def run_dbt(
    *arguments: str, manifest: Manifest | None = None, listeners: Sequence[Listener] = ()
) -> DbtRun:
    """Run a command of dbt, and parse the project first unless its manifest is given.

    Raises:
        KeyboardInterrupt: it was interrupted, which dbt itself returns as a failure.
    """
    errors: list[str] = []
    invocation = ""

    def on_event(event: Any) -> None:
        nonlocal invocation
        invocation = event.info.invocation_id
        if event.info.level == "error":
            errors.append(_one_line(event.info.msg))

    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    started = time.perf_counter()
    # `ls` and `show` print their results, whatever the log level.
    with redirect_stdout(StringIO()):
        runner = dbtRunner(manifest, callbacks=[on_event, *listeners])
        file_level = () if _FILE_LEVEL[0] in arguments else _FILE_LEVEL
        outcome = runner.invoke([*_QUIETLY, *file_level, *arguments])
    seconds = time.perf_counter() - started
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    return DbtRun(arguments[0], outcome, seconds, errors, invocation)


class Project:
    """The dbt project of the working directory, parsed once.

    Raises:
        ProjectError: it cannot be parsed.
    """

    def __init__(self) -> None:
        parsed = run_dbt("parse")
        if not isinstance(parsed.outcome.result, Manifest):
            raise ProjectError(f"the project cannot be parsed: {parsed.problem}")
        self._manifest = parsed.outcome.result

    @property
    def manifest(self) -> Manifest:
        """Its nodes, as they were parsed."""
        return self._manifest

    def run(
        self,
        *arguments: str,
        nodes: Collection[str] | None = None,
        listeners: Sequence[Listener] = (),
    ) -> DbtRun:
        """Run a command of dbt.

        Args:
            arguments: the command and its options.
            nodes: the names of the only nodes that it is for; None to leave that to the options.
            listeners: called with each event.
        """
        # A copy: dbt marks in its manifest that an ephemeral model is part of a statement, and leaves it out in the next run.
        manifest: Manifest = self._manifest.deepcopy()  # type: ignore[no-untyped-call]
        if nodes is not None:
            arguments += ("--indirect-selection", "empty", "--select", f"tag:{_SELECTED}")
            for node in manifest.nodes.values():
                if node.name in nodes:
                    node.tags.append(_SELECTED)
        return run_dbt(*arguments, manifest=manifest, listeners=listeners)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query, which may use macros and `ref`.

        Raises:
            ProjectError: the warehouse cannot be used.
        """
        shown = self._invoke("show", "--limit", "-1", "--inline", sql)
        return [tuple(row) for row in shown.results[0].agate_table.rows]

    def run_operation(self, macro: str, **arguments: object) -> None:
        """Run a macro.

        Raises:
            ProjectError: the warehouse cannot be used.
        """
        given = ", ".join(f"{name}: {value}" for name, value in arguments.items())
        self._invoke("run-operation", macro, "--args", f"{{{given}}}")

    def _invoke(self, command: str, *arguments: str) -> Any:
        # Artifacts of these small commands would replace those of the build.
        run = self.run(command, "--no-write-json", *arguments)
        if not run.outcome.success:
            # The result of a macro does not say what went wrong in it; dbt only logs it.
            is_logged = run.errors and run.outcome.exception is None
            problem = "; ".join(run.errors) if is_logged else run.problem
            raise ProjectError(f"the warehouse cannot be used: {problem}")
        return run.outcome.result


def _row_count(result: Any) -> int | None:
    if str(result.node.resource_type) == "test":
        return None if result.failures is None else int(result.failures)
    count = (result.adapter_response or {}).get("rows_affected")
    return int(count) if count is not None and count >= 0 else None


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
