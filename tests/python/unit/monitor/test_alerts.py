"""Alerts are told once to each service, again after a time, and when they are over; planned work silences them."""

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from planted import NOW, Planted

from scripts.monitor.notify import tell
from scripts.monitor.registry import Finding, Severity
from scripts.monitor.state import (
    STATE_FILE,
    Alert,
    Silence,
    State,
    StateError,
    locked,
    read_state,
    write_state,
)

REPEAT = timedelta(hours=4)


@dataclass
class Service:
    """A notification service that keeps what it is told."""

    address: str = ""
    told: list[dict[str, str]] = field(default_factory=list)
    is_dead: bool = False

    @property
    def titles(self) -> list[str]:
        return [message["title"].partition(": ")[2] for message in self.told]


@contextmanager
def running_service() -> Iterator[Service]:
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if not service.is_dead:
                service.told.append(json.loads(content))
            self.send_response(503 if service.is_dead else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        service.address = f"json://127.0.0.1:{server.server_port}/secret"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield service
        finally:
            server.shutdown()


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service


def look_and_tell(planted: Planted, *addresses: str, after: timedelta = timedelta()) -> list[str]:
    now = NOW + after
    look = planted.look(now)
    return tell(addresses, look.active, planted.state, now, REPEAT)


def test_an_alert_is_told_once_again_after_a_time_and_when_it_is_over(
    planted: Planted, service: Service
) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed", message="a test is red")
    for minutes in (0, 1, 2, 239):
        assert look_and_tell(planted, service.address, after=timedelta(minutes=minutes)) == []
    assert service.titles == ["1 to look at"]
    assert "a test is red" in service.told[0]["message"]
    assert "docs/runbooks/run_failed.md" in service.told[0]["message"]
    assert service.told[0]["type"] == "failure"
    look_and_tell(planted, service.address, after=REPEAT)
    assert service.titles == ["1 to look at", "1 to look at"]
    assert "(since 2026-11-30 09:00 UTC)" in service.told[1]["message"]
    planted.run(NOW - timedelta(hours=1))
    for minutes in (241, 242):
        look_and_tell(planted, service.address, after=timedelta(minutes=minutes))
    assert service.titles[2:] == ["1 over"]
    assert service.told[2]["type"] == "success"
    assert planted.state.alerts == {}


def test_all_that_a_look_has_to_tell_is_one_message(planted: Planted, service: Service) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed")
    planted.run(NOW - timedelta(hours=2), status="stopped", kind="load")
    look_and_tell(planted, service.address)
    assert service.titles == ["2 to look at"]


def test_a_dead_service_is_told_later_and_the_others_only_once(
    planted: Planted, service: Service
) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed")
    with running_service() as other:
        service.is_dead = True
        for _ in range(2):
            (problem,) = look_and_tell(planted, service.address, other.address)
            assert problem.startswith("service 1 of MONITOR_NOTIFY (json) was not told")
            assert "secret" not in problem
        assert (service.titles, other.titles) == ([], ["1 to look at"])
        service.is_dead = False
        assert look_and_tell(planted, service.address, other.address) == []
        assert (service.titles, other.titles) == (["1 to look at"], ["1 to look at"])


def test_the_end_of_an_alert_waits_for_a_dead_service(planted: Planted, service: Service) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed")
    look_and_tell(planted, service.address)
    planted.run(NOW - timedelta(hours=1))
    service.is_dead = True
    assert len(look_and_tell(planted, service.address)) == 1
    service.is_dead = False
    look_and_tell(planted, service.address)
    assert service.titles == ["1 to look at", "1 over"]


def test_a_look_without_services_leaves_the_end_of_an_alert_to_be_told(
    planted: Planted, service: Service
) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed")
    look_and_tell(planted, service.address)
    planted.run(NOW - timedelta(hours=1))
    look_and_tell(planted)
    look_and_tell(planted, service.address)
    assert service.titles == ["1 to look at", "1 over"]


def test_a_service_that_refuses_connections_is_told_of_in_one_line(planted: Planted) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed")
    (problem,) = look_and_tell(planted, "json://127.0.0.1:9/secret")
    assert "\n" not in problem
    assert "tried again at the next look" in problem


def test_an_address_that_apprise_does_not_know_is_told_of(planted: Planted) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed")
    (problem,) = look_and_tell(planted, "nonsense://secret")
    assert "(nonsense) was not told: apprise does not know such an address" in problem


def test_without_apprise_one_line_says_how_to_install_it_before_there_is_anything_to_tell(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (problem,) = look_and_tell(planted, "json://127.0.0.1:9")
    assert "apprise is not installed; run `make .venv/.monitor`" in problem


def silence(check: str = "*", subject: str = "*") -> Silence:
    return Silence(1, check, subject, NOW + timedelta(hours=1), "planned", "loader")


def test_planned_work_silences_until_it_ends(planted: Planted, service: Service) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed")
    planted.state.silences = [silence("run_*")]
    look = planted.look()
    assert (look.active, look.new, len(look.silenced)) == ([], [], 1)
    look_and_tell(planted, service.address)
    assert service.told == []
    look_and_tell(planted, service.address, after=timedelta(hours=1))
    assert service.titles == ["1 to look at"]
    assert planted.state.silences == []


def test_what_begins_and_ends_in_silence_is_never_told(planted: Planted, service: Service) -> None:
    planted.state.silences = [silence()]
    planted.run(NOW - timedelta(hours=2), status="failed")
    look_and_tell(planted, service.address)
    planted.run(NOW - timedelta(hours=1))
    look_and_tell(planted, service.address)
    assert (service.told, planted.state.alerts) == ([], {})


@pytest.mark.parametrize("other", [silence("feed_*"), silence("run_failed", "load of *")])
def test_a_silence_covers_only_what_it_names(planted: Planted, other: Silence) -> None:
    planted.run(NOW - timedelta(hours=2), status="failed")
    planted.state.silences = [other]
    assert planted.checks() == ["run_failed"]


def test_an_alert_that_comes_back_is_new(planted: Planted, service: Service) -> None:
    planted.run(NOW - timedelta(hours=4), status="failed")
    look_and_tell(planted, service.address)
    planted.run(NOW - timedelta(hours=3))
    look_and_tell(planted, service.address)
    planted.run(NOW - timedelta(hours=2), status="failed")
    look_and_tell(planted, service.address)
    assert service.titles == ["1 to look at", "1 over", "1 to look at"]


def some_state() -> State:
    finding = Finding("disk_full", Severity.WARNING, "lake", "lake: 1 GB", "remove")
    alert = Alert(finding, NOW, {"service": NOW}, NOW + timedelta(hours=1))
    return State({finding.key: alert}, [silence()], {"run_hanging": {"x": 1}})


def test_the_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_state(tmp_path, some_state())
    assert read_state(tmp_path) == (some_state(), None)
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"version": 2}', b"\xff", b'{"version": 1, "alerts": 3}']
)
def test_a_damaged_state_is_kept_told_of_and_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    state, problem = read_state(tmp_path)
    assert state == State()
    assert problem and "alerts are told again" in problem
    assert (tmp_path / f"{STATE_FILE}.damaged").read_bytes() == content
    assert read_state(tmp_path) == (State(), None)


def test_a_state_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_state(tmp_path, some_state())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scripts.warehouse.files.os.fsync", full)
    with pytest.raises(StateError, match="No space left on device; set RUNS to a folder"):
        write_state(tmp_path, State())
    assert read_state(tmp_path) == (some_state(), None)
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]


def test_two_monitors_look_one_after_the_other(
    planted: Planted, service: Service, tmp_path: Path
) -> None:
    import os

    planted.run(NOW - timedelta(hours=2), status="failed")
    places = planted.places
    environment = os.environ | {
        "LAKE": places.lake,
        "WAREHOUSE": str(places.warehouse),
        "PUBLISHED": str(places.published),
        "RUNS": str(places.runs),
        "MONITOR_NOTIFY": service.address,
        "MONITOR_THRESHOLDS": str(planted.own_thresholds()),
    }
    with locked(places.runs):
        # Both wait for the lock, and then begin.
        monitors = [
            subprocess.Popen(
                [sys.executable, "-m", "scripts.monitor"],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
    for monitor in monitors:
        output, _ = monitor.communicate()
        assert "build (data/warehouse.duckdb, by loader) failed" in output
        assert monitor.returncode == 1
    assert service.titles == ["1 to look at"]


def test_a_monitor_that_never_ends_its_look_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.monitor.state._SECONDS_TO_WAIT", 0)
    with (
        locked(tmp_path),
        pytest.raises(StateError, match="another monitor has been looking"),
        locked(tmp_path),
    ):
        pass
