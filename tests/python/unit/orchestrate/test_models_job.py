"""What Dagster tells of models that were trained again, and of those that could not be."""

import subprocess

import dagster as dg
import pytest

from scripts.orchestrate import learning
from scripts.orchestrate.places import Places


@pytest.fixture
def models() -> dg.JobDefinition:
    ((job,), (schedule,)) = learning.learning()
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    return job


def run(models: dg.JobDefinition, monkeypatch: pytest.MonkeyPatch, script: str) -> tuple:
    """Run the job, with a script in place of the command; the result, and the commands."""
    original, commands = subprocess.run, []

    def instead(command: list[str], **options: object) -> object:
        commands.append(command[1:])
        return original([command[0], "-c", script], **options)

    monkeypatch.setattr(learning.subprocess, "run", instead)
    result = models.execute_in_process(
        resources={"places": Places.from_environment()}, raise_on_error=False
    )
    return result, commands


def test_models_are_retrained_by_the_command_and_what_it_says_is_told(
    models: dg.JobDefinition, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    result, commands = run(models, monkeypatch, "print('kept as challenger: AUC +0.0010')")
    assert result.success
    assert commands == [["-m", "scripts.learn", "retrain"]]
    assert "kept as challenger: AUC +0.0010" in capfd.readouterr().err


def test_what_cannot_be_trained_is_said_in_one_line(
    models: dg.JobDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import sys; print('learn: nothing is published', file=sys.stderr); sys.exit(2)"
    result, _ = run(models, monkeypatch, script)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert failed.step_failure_data.user_failure_data.description == "nothing is published"


def test_without_the_extra_there_is_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "find_spec", lambda _: None)
    assert learning.learning() == ([], [])
