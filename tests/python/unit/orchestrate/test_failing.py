"""What becomes of an error in a step: what passes by itself is tried again, everything else is not."""

import dagster as dg
import pytest

from scripts.orchestrate import assets
from scripts.orchestrate.assets import _failing

IN_USE = "another replay is writing to this lake; wait for it to end"


def run_that_says(message: str, *, times: int) -> dg.ExecuteInProcessResult:
    """A run of one step that goes wrong some times, and then does not."""
    said = iter([message] * times)

    @dg.op
    def step(context: dg.OpExecutionContext) -> None:
        with _failing(context):
            if problem := next(said, None):
                raise ValueError(problem)

    @dg.job
    def job() -> None:
        step()

    return job.execute_in_process(raise_on_error=False)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "RETRIES", dg.RetryPolicy(max_retries=2, delay=0))


def tries(result: dg.ExecuteInProcessResult) -> int:
    return 1 + sum(event.is_step_up_for_retry for event in result.all_events)


def description(result: dg.ExecuteInProcessResult) -> str | None:
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    return failed.step_failure_data.user_failure_data.description


def test_what_passes_by_itself_is_tried_again_until_it_has_passed() -> None:
    result = run_that_says(IN_USE, times=2)
    assert result.success
    assert tries(result) == 3


def test_what_does_not_pass_is_told_in_the_end() -> None:
    result = run_that_says(IN_USE, times=9)
    assert tries(result) == 3
    assert description(result) == IN_USE


def test_what_somebody_has_to_correct_is_told_at_once() -> None:
    result = run_that_says("build is red: a_test", times=9)
    assert tries(result) == 1
    assert description(result) == "build is red: a_test"
