"""The run history as OpenLineage events, sent by the official client.

Usage:
    events = lineage_events(Path("data/runs"), read_catalog(Path("target/manifest.json")))
    send(events, Path("data/runs"))

A run has an event when it begins (START) and one when it has ended: COMPLETE, FAIL, or ABORT if a signal stopped it. So has each model, seed and snapshot
that it has built, with the run as its parent, its inputs, its columns and its number of rows. What tests found is in the last event of the
run, as assertions about the tables. Failure texts are not sent: they may quote values that the readers of a lineage service may not see.

Events are functions of the records, with fixed numbers of runs, so they can be sent again without harm. What has been sent is noted in the folder of the
records after each event: an interrupted command goes on where it stopped, and sends at most one event twice.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import NAMESPACE_URL, uuid5

from scripts.history.records import NodeRun, RecordedRun, RunStarted, read_records, read_runs
from scripts.warehouse.files import open_locked

try:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import (
        InputDataset,
        Job,
        OutputDataset,
        Run,
        RunEvent,
        RunState,
    )
    from openlineage.client.facet_v2 import (
        data_quality_assertions_dataset,
        error_message_run,
        job_type_job,
        output_statistics_output_dataset,
        parent_run,
        schema_dataset,
    )
except ImportError as error:
    raise ImportError("openlineage-python is not installed; run `make .venv/.lineage`") from error

NAMESPACE = "brokerage_warehouse"
# Identifies the program that makes the events; a URI, as their specification wants.
PRODUCER = "urn:brokerage-warehouse:scripts.history"
_SENT = ".lineage_sent"
_ENDS = {"success": RunState.COMPLETE, "failed": RunState.FAIL, "stopped": RunState.ABORT}
_BUILT = ("model", "seed", "snapshot")


class LineageError(Exception):
    """Events cannot be sent; says why, and what to do."""


@dataclass(frozen=True)
class Table:
    """What the project says about a model, seed, snapshot, source or test.

    Attributes:
        name: with its schema.
        columns: types by name.
        inputs: names of the tables that it reads, with their schemas; of a test, those that it is about.
    """

    name: str
    columns: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()


# By the unique name of the node.
Catalog = Mapping[str, Table]


@dataclass(frozen=True)
class Event:
    """An event, and what is noted when it has been sent."""

    note: str
    event: RunEvent


def read_catalog(manifest: Path) -> Catalog:
    """The tables of the project, from the manifest that dbt has left; none if there is no manifest, or it is damaged."""
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        nodes = content["nodes"] | content["sources"]
    except (OSError, ValueError, KeyError):
        return {}
    names = {
        key: f"{node['schema']}.{node.get('alias') or node.get('identifier')}"
        for key, node in nodes.items()
    }
    return {
        key: Table(
            names[key],
            {column: what.get("data_type") or "" for column, what in node["columns"].items()},
            tuple(names[parent] for parent in _parents(node) if parent in names),
        )
        for key, node in nodes.items()
    }


def _parents(node: Mapping[str, Any]) -> list[str]:
    attached = node.get("attached_node")
    parents: list[str] = node.get("depends_on", {}).get("nodes", [])
    return [attached] if attached else parents


def lineage_events(folder: Path, catalog: Catalog) -> Iterator[Event]:
    """All events of all runs, in the order in which the runs began.

    Raises:
        RecordError: a file of records cannot be read.
    """
    nodes: dict[str, list[NodeRun]] = {}
    for node in read_records(folder, NodeRun):
        nodes.setdefault(node.run_id, []).append(node)
    runs = {run.started.run_id: run for run in read_runs(folder)}
    for run in runs.values():
        parent = runs.get(run.started.parent_run_id or "")
        yield from _run_events(run, parent, nodes.get(run.started.run_id, []), catalog)


def _run_events(
    run: RecordedRun, parent: RecordedRun | None, nodes: list[NodeRun], catalog: Catalog
) -> Iterator[Event]:
    started, ended = run.started, run.ended
    facets: dict[str, Any] = {"parent": _parent(parent.started)} if parent else {}
    job = _job(started.kind, "JOB")
    yield _event(RunState.START, started.started_at, Run(started.run_id, dict(facets)), job)
    for node in nodes:
        if node.kind in _BUILT and node.started_at is not None:
            yield from _node_events(node, started, catalog)
    if ended is not None:
        # A status that is not known is no success.
        state = _ENDS.get(ended.status, RunState.FAIL)
        if state == RunState.FAIL:
            facets |= {"errorMessage": _error("fct_runs", f"run_id = '{started.run_id}'")}
        inputs = list(_tested(nodes, started, catalog))
        yield _event(state, ended.ended_at, Run(started.run_id, facets), job, inputs)


def _node_events(node: NodeRun, started: RunStarted, catalog: Catalog) -> Iterator[Event]:
    assert node.started_at is not None
    table = catalog.get(node.node_id) or Table(f"{node.schema_name}.{node.name}")
    run_id = str(uuid5(NAMESPACE_URL, f"{node.invocation} {node.node_id}"))
    facets: dict[str, Any] = {"parent": _parent(started)}
    job = _job(node.node_id, node.kind.upper())
    namespace = _namespace(started)
    inputs = [InputDataset(namespace, name) for name in table.inputs]
    outputs = [
        OutputDataset(namespace, table.name, facets=_schema(table), outputFacets=_rows(node))
    ]
    yield _event(RunState.START, node.started_at, Run(run_id, dict(facets)), job)
    state = RunState.FAIL if node.has_failed else RunState.COMPLETE
    if state == RunState.FAIL:
        where = f"invocation = '{node.invocation}' and node_id = '{node.node_id}'"
        facets |= {"errorMessage": _error("fct_node_runs", where)}
    ended_at = node.started_at + timedelta(seconds=node.seconds)
    yield _event(state, ended_at, Run(run_id, facets), job, inputs, outputs)


def _tested(
    nodes: Iterable[NodeRun], started: RunStarted, catalog: Catalog
) -> Iterator[InputDataset]:
    """The tables that tests of a run were about, each with what the tests found."""
    found: dict[str, list[Any]] = {}
    for node in nodes:
        if node.kind == "test" and node.status != "skipped":
            assertion = data_quality_assertions_dataset.Assertion(
                assertion=node.name,
                success=not node.has_failed and node.status != "warn",
                severity="warn" if node.status == "warn" else "error",
            )
            for name in (catalog.get(node.node_id) or Table("")).inputs:
                found.setdefault(name, []).append(assertion)
    for name, assertions in sorted(found.items()):
        facet = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(assertions)
        yield InputDataset(_namespace(started), name, inputFacets={"dataQualityAssertions": facet})


def _event(
    state: RunState,
    at: datetime,
    run: Run,
    job: Job,
    inputs: list[InputDataset] | None = None,
    outputs: list[OutputDataset] | None = None,
) -> Event:
    event = RunEvent(
        eventType=state,
        eventTime=f"{at.isoformat(timespec='microseconds')}Z",
        run=run,
        job=job,
        inputs=inputs or [],
        outputs=outputs or [],
        producer=PRODUCER,
    )
    return Event(f"{run.runId} {'begin' if state == RunState.START else 'end'}", event)


def _job(name: str, kind: str) -> Job:
    facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="DBT", jobType=kind)
    return Job(NAMESPACE, name, {"jobType": facet})


def _parent(run: RunStarted) -> parent_run.ParentRunFacet:
    return parent_run.ParentRunFacet(
        run=parent_run.Run(run.run_id), job=parent_run.Job(NAMESPACE, run.kind)
    )


def _error(table: str, where: str) -> error_message_run.ErrorMessageRunFacet:
    message = f"its message is in operations.{table} where {where}"
    return error_message_run.ErrorMessageRunFacet(message=message, programmingLanguage="sql")


def _schema(table: Table) -> dict[str, Any]:
    if not table.columns:
        return {}
    fields = [
        schema_dataset.SchemaDatasetFacetFields(name, kind) for name, kind in table.columns.items()
    ]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields)}


def _rows(node: NodeRun) -> dict[str, Any]:
    if node.row_count is None:
        return {}
    facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=node.row_count
    )
    return {"outputStatistics": facet}


def _namespace(run: RunStarted) -> str:
    """Where the tables are: `postgres://host:port/database`, `duckdb:///path`."""
    return f"{run.target}://{run.warehouse}"


def send(events: Iterable[Event], folder: Path) -> int:
    """Send the events that have not been sent yet, in their order, to where the variables of the client say; returns how many.

    Raises:
        LineageError: it is not said where, another command is sending, or an event cannot be sent; those before it are noted.
    """
    client = _client()
    count = 0
    with _notes(folder) as notes:
        sent = set(notes.read().splitlines())
        for event in events:
            if event.note in sent:
                continue
            try:
                client.emit(event.event)
            except Exception as error:  # each transport has errors of its own
                raise LineageError(
                    f"event {event.note} cannot be sent: {' '.join(str(error).split())}; send again when it can"
                ) from error
            notes.write(f"{event.note}\n")
            notes.flush()
            count += 1
    return count


def _client() -> OpenLineageClient:
    if not _is_configured():
        raise LineageError(
            "it is not said where to send events: set OPENLINEAGE_URL, or OPENLINEAGE_CONFIG to a file of the client"
        )
    try:
        return OpenLineageClient()
    except Exception as error:  # what is wrong with its configuration may raise anything
        raise LineageError(
            f"the configuration of OpenLineage cannot be used: {' '.join(str(error).split())}"
        ) from error


def _is_configured() -> bool:
    """Whether a variable or file of the client says where to send; without, it would print the events."""
    files = (Path("openlineage.yml"), Path.home() / ".openlineage" / "openlineage.yml")
    names = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE_DISABLED", "OPENLINEAGE__")
    return any(name.startswith(names) for name in os.environ) or any(map(Path.is_file, files))


@contextmanager
def _notes(folder: Path) -> Iterator[IO[str]]:
    """The notes of what has been sent, locked."""
    path = folder / _SENT
    try:
        notes = open_locked(path)
    except BlockingIOError as error:
        raise LineageError(f"{path}: another command is sending; wait for it to end") from error
    except OSError as error:
        raise LineageError(
            f"{path}: {error.strerror}; set RUNS to a folder that can be written"
        ) from error
    with notes:
        notes.seek(0)
        yield notes
