"""What the sensor that lets the monitor look says when the monitor does not look."""

import subprocess
from collections.abc import Callable

import dagster as dg
import pytest

from scripts.monitor import state
from scripts.orchestrate import sensors
from scripts.orchestrate.sensors import tell_about_failures
from scripts.orchestrate.server import SECONDS_OF_A_TICK


@dg.job
def nothing() -> None:
    """A job that stands for the one that has failed."""


@pytest.fixture
def tell() -> Callable[[], object]:
    """Let the sensor know of a run that has failed."""
    with dg.DagsterInstance.ephemeral() as instance:
        run = nothing.execute_in_process(instance=instance)
        context = dg.build_run_status_sensor_context(
            sensor_name="tell_about_failures",
            dagster_event=run.all_events[-1],
            dagster_instance=instance,
            dagster_run=instance.get_run_by_id(run.run_id),
        )
        yield lambda: tell_about_failures(context.for_run_failure())


def monitor(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let a script take the place of the monitor."""
    run = subprocess.run

    def instead(command: list[str], **options: object) -> object:
        return run([command[0], "-c", script], **options)

    monkeypatch.setattr(sensors.subprocess, "run", instead)


def test_a_look_may_take_longer_than_the_monitor_waits_for_another_one() -> None:
    assert state._SECONDS_TO_WAIT < sensors._SECONDS_TO_LOOK < SECONDS_OF_A_TICK


@pytest.mark.parametrize("code", [0, 1])
def test_a_look_that_finds_something_or_nothing_is_no_failure(
    tell: Callable[[], object], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monitor(monkeypatch, f"raise SystemExit({code})")
    tell()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_the_monitor_cannot_see_is_in_the_failure(
    tell: Callable[[], object], monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monitor(monkeypatch, f"import sys; print('no sources', file=sys.{stream}); sys.exit(2)")
    with pytest.raises(dg.Failure, match="cannot look, or not at everything: no sources"):
        tell()


def test_a_look_that_does_not_end_is_ended_and_told(
    tell: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors, "_SECONDS_TO_LOOK", 0.5)
    monitor(monkeypatch, "import time; time.sleep(600)")
    with pytest.raises(dg.Failure, match=r"has not ended its look in 0\.5 s; run `python -m"):
        tell()
