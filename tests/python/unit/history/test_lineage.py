"""The run history as OpenLineage events: what they say, and that each is sent once, in order, whatever the service does."""

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from typer.testing import CliRunner

from scripts.history.__main__ import app, console
from scripts.history.lineage import LineageError, Table, lineage_events, read_catalog, send
from scripts.history.recording import recorded_run
from scripts.history.records import NodeRun, read_records, read_runs, write_records
from scripts.warehouse.settings import Target
from tests.python.run_records import write_history

CATALOG = {
    "model.p.dim_trade": Table("marts.dim_trade", {"id": "bigint"}, ("raw_vault.nhl_trade",)),
    "test.p.assert_a": Table("audit.assert_a", {}, ("marts.dim_trade",)),
}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The records of a day, and no configuration of the client, which sets variables itself."""
    without = {name: value for name, value in os.environ.items() if "OPENLINEAGE" not in name}
    with mock.patch.dict(os.environ, without, clear=True):
        monkeypatch.setenv("HOME", str(tmp_path))
        write_history(tmp_path / "runs", days=1)
        yield tmp_path / "runs"


@pytest.fixture
def events(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """All events, as the client writes them into a file."""
    file = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    sent = send(lineage_events(runs, CATALOG), runs)
    found = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(found) == sent
    return found


def of_runs(events: list[dict[str, Any]], state: str) -> list[dict[str, Any]]:
    return [
        event
        for event in events
        if event["eventType"] == state and event["job"]["name"] in ("build", "publish")
    ]


def test_a_failure_is_a_failure_and_a_killed_run_has_no_end(
    events: list[dict[str, Any]], runs: Path
) -> None:
    recorded = read_runs(runs)
    assert len(of_runs(events, "START")) == len(recorded) == 7
    failed = {run.started.run_id for run in recorded if run.ended and run.ended.status == "failed"}
    assert {event["run"]["runId"] for event in of_runs(events, "FAIL")} == failed
    assert len(of_runs(events, "COMPLETE")) == 4
    without_end = {run.started.run_id for run in recorded if run.ended is None}
    ended = {event["run"]["runId"] for event in events if event["eventType"] != "START"}
    assert without_end.isdisjoint(ended)


def test_a_node_ends_after_its_seconds_whatever_the_clock_of_the_place_does(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node, *_) = (one for one in read_records(runs, NodeRun) if one.kind == "model")
    # Half a second before clocks are put forward there; the time is UTC.
    at = datetime(2026, 3, 29, 1, 59, 59, 500_000)
    write_records(runs, [replace(node, started_at=at, seconds=2.0)], at)
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        times = {event.event.eventTime for event in lineage_events(runs, CATALOG)}
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "2026-03-29T02:00:01.500000Z" in times


def test_messages_are_not_sent(events: list[dict[str, Any]]) -> None:
    (event,) = of_runs(events, "FAIL")
    run_id = event["run"]["runId"]
    assert event["run"]["facets"]["errorMessage"]["message"] == (
        f"its message is in operations.fct_runs where run_id = '{run_id}'"
    )
    assert "is red" not in json.dumps(events)


def test_a_run_names_its_parent_and_a_model_its_run(events: list[dict[str, Any]]) -> None:
    (child,) = [event for event in events if event["job"]["name"] == "publish"]
    assert child["run"]["facets"]["parent"]["job"]["name"] == "build"
    models = [event for event in events if event["job"]["name"] == "model.p.dim_trade"]
    parents = {event["run"]["facets"]["parent"]["run"]["runId"] for event in models}
    assert len(parents) == 5
    assert [event["eventType"] for event in models] == ["START", "COMPLETE"] * 5
    assert len({event["run"]["runId"] for event in models}) == 5


def test_a_model_has_inputs_and_columns_and_a_run_what_its_tests_found(
    events: list[dict[str, Any]],
) -> None:
    model = next(
        event
        for event in events
        if event["job"]["name"] == "model.p.dim_trade" and event["eventType"] == "COMPLETE"
    )
    namespace = "duckdb:///data/warehouse.duckdb"
    (source,), (table,) = model["inputs"], model["outputs"]
    assert (source["namespace"], source["name"]) == (namespace, "raw_vault.nhl_trade")
    assert (table["namespace"], table["name"]) == (namespace, "marts.dim_trade")
    (column,) = table["facets"]["schema"]["fields"]
    assert (column["name"], column["type"]) == ("id", "bigint")
    (failed,), completed = of_runs(events, "FAIL"), of_runs(events, "COMPLETE")[0]
    for event, is_green in ((failed, False), (completed, True)):
        (tested,) = event["inputs"]
        assert tested["name"] == "marts.dim_trade"
        (assertion,) = tested["inputFacets"]["dataQualityAssertions"]["assertions"]
        assert (assertion["assertion"], assertion["success"]) == ("assert_a", is_green)


def test_the_catalog_is_what_dbt_has_left(tmp_path: Path) -> None:
    def node(name: str, *parents: str, **more: Any) -> dict[str, Any]:
        columns = {"id": {"data_type": "bigint"}}
        return {
            "schema": "marts",
            "alias": name,
            "columns": columns,
            "depends_on": {"nodes": list(parents)},
        } | more

    source = {"schema": "raw", "identifier": "a__b", "columns": {}}
    nodes = {
        "model.p.a": node("a", "source.p.a.b"),
        "test.p.t": node("t", "model.p.a", "source.p.a.b", attached_node="model.p.a"),
    }
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"nodes": nodes, "sources": {"source.p.a.b": source}}))
    catalog = read_catalog(manifest)
    assert catalog["model.p.a"] == Table("marts.a", {"id": "bigint"}, ("raw.a__b",))
    assert catalog["test.p.t"].inputs == ("marts.a",)
    manifest.write_text("{")
    assert read_catalog(manifest) == {}


class Service(BaseHTTPRequestHandler):
    """Takes events, and refuses those after the first few."""

    taken: list[dict[str, Any]]
    room: int

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        has_room = len(self.taken) < Service.room
        if has_room:
            self.taken.append(json.loads(body))
        self.send_response(200 if has_room else 400)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Service]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{server.server_port}")
    Service.taken, Service.room = [], 10_000
    yield Service
    server.shutdown()
    server.server_close()
    thread.join()


def emit(runs: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["emit", "--runs", str(runs)])
    return result.exit_code, " ".join(result.output.split())


def test_what_a_service_refuses_is_sent_by_the_next_command_and_nothing_twice(
    runs: Path, service: type[Service]
) -> None:
    service.room = 7
    code, said = emit(runs)
    assert code == 1
    assert "history: event " in said
    assert "cannot be sent: " in said
    service.room = 10_000
    assert emit(runs)[0] == 0
    assert emit(runs) == (0, "0 events sent")
    seen = [(event["run"]["runId"], event["eventType"]) for event in service.taken]
    assert len(seen) == len(set(seen)) == 7 + 5 + 5 * 2 * 3
    begun: set[str] = set()
    for run_id, state in seen:
        assert state == "START" or run_id in begun
        begun.add(run_id)


def test_a_service_that_is_not_there_is_said_in_a_line(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = {"type": "http", "url": "http://127.0.0.1:9", "retry": {"total": 0}}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    code, said = emit(runs)
    assert code == 1
    assert "cannot be sent" in said
    assert "Traceback" not in said


def test_without_a_configuration_nothing_is_sent(
    runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = emit(runs)
    assert code == 1
    assert "set OPENLINEAGE_URL" in said
    with pytest.raises(LineageError, match="set OPENLINEAGE_URL"):
        send([], runs)


def test_runs_are_shown(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Workers of pytest begin with a width of their own, which holds from the import on.
    monkeypatch.setattr(console, "width", 200)
    result = CliRunner().invoke(app, ["show", "--runs", str(runs), "--last", "4"])
    assert result.exit_code == 0
    lines = [line.split() for line in result.output.splitlines() if " duckdb " in line]
    assert [line[2:5] for line in lines] == [
        ["build", "duckdb", "failed"],
        ["build", "duckdb", "success"],
        ["build", "duckdb", "success"],
        ["publish", "duckdb", "unknown"],
    ]
    assert "assert_a is red" in result.output
    assert CliRunner().invoke(app, ["show", "--runs", str(runs / "none")]).exit_code == 0


def test_of_a_run_of_this_machine_it_is_said_whether_it_is_going_on_if_that_can_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNS", str(tmp_path))

    def status() -> str:
        return CliRunner().invoke(app, ["show"]).output.split()[-1]

    with recorded_run("load", Target.DUCKDB):
        assert status() == "running"
        monkeypatch.setattr("scripts.warehouse.processes._PROC", tmp_path / "none")
        assert status() == "unknown"
