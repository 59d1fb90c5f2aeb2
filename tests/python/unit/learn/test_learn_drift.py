"""A change of regime is noticed, and stable days are quiet."""

from pathlib import Path

import numpy as np
import pytest

from scripts.history.records import ModelCheck, ModelOutcome, read_records
from scripts.learn.artifact import Model, reference_of
from scripts.learn.drift import (
    ACT,
    OK,
    Check,
    checks_of,
    drift,
    outcomes_of,
    record_checks,
    record_outcomes,
    stability_index,
)
from scripts.learn.evaluation import area_under_curve
from scripts.learn.examples import Examples
from tests.python.learning import QUESTION, a_manifest, moved, planted_customers

pytestmark = pytest.mark.xdist_group("learn")


def checks(model: Model, today: Examples, examples: Examples, batch: int = 4) -> list[Check]:
    return checks_of(model, 1, QUESTION, today, examples, a_manifest(batch))


def a_day(number: int, customers: int = 600) -> Examples:
    """Examples of one day, like those that were learned from."""
    found, _ = planted_customers(1.0, customers=customers, seed=1000 + number)
    return found[found.dates == found.dates[0]]


def state_of(found: list[Check], name: str, subject: str) -> str:
    return next(each.state for each in found if (each.name, each.subject) == (name, subject))


def test_the_index_is_what_it_is_by_hand() -> None:
    expected = (0.7 - 0.5) * np.log(0.7 / 0.5) + (0.3 - 0.5) * np.log(0.3 / 0.5)
    assert stability_index([0.5, 0.5], [0.7, 0.3]) == pytest.approx(expected)
    assert stability_index([0.5, 0.5], [0.5, 0.5]) == 0
    assert np.isfinite(stability_index([1.0, 0.0], [0.0, 1.0]))


def test_values_that_never_vary_do_not_drift_until_they_do() -> None:
    reference = reference_of("x", np.zeros(500), np.zeros(500))
    assert drift(reference, np.zeros(500)) == 0
    assert drift(reference, np.ones(500)) > 0.25


def test_thirty_stable_days_are_quiet(model: Model, planted: tuple[Examples, np.ndarray]) -> None:
    loud = [
        (number, each)
        for number in range(30)
        for each in checks(model, a_day(number), planted[0])
        # The days are those of 2013: how old a model is, is another test.
        if each.state != OK and each.name != "age_days"
    ]
    assert loud == []


def test_a_change_of_regime_is_noticed_with_the_third_day_at_the_latest(
    model: Model, planted: tuple[Examples, np.ndarray]
) -> None:
    seen = []
    for number in range(3):
        today = a_day(50 + number)
        # Examples trade a third as much.
        orders = np.floor(today.columns[0] / 3)
        found = checks(model, moved(today, order_count=orders), planted[0])
        seen.append(state_of(found, "input_drift", "order_count"))
        assert state_of(found, "input_drift", "age_years") == OK
    assert ACT in seen


def test_missing_and_impossible_values_are_noticed(
    model: Model, planted: tuple[Examples, np.ndarray]
) -> None:
    today = a_day(80)
    holdings = np.where(np.arange(len(today)) % 2, np.nan, today.columns[4])
    ages = np.where(np.arange(len(today)) % 10, today.columns[2], 300)
    found = checks(model, moved(today, holdings_amount=holdings, age_years=ages), planted[0])
    assert state_of(found, "missing_share", "holdings_amount") == ACT
    assert state_of(found, "out_of_range_share", "age_years") == ACT


def test_a_model_that_has_become_wrong_is_noticed_when_outcomes_are_known(
    model: Model, planted: tuple[Examples, np.ndarray]
) -> None:
    examples, _ = planted
    found = checks(model, a_day(90), examples)
    assert state_of(found, "area_loss", "probability") == OK
    assert state_of(found, "calibration_factor", "probability") == OK
    other, _ = planted_customers(strength=-1.0, share=0.3)
    found = checks(model, a_day(90), other)
    assert state_of(found, "area_loss", "probability") == ACT
    assert state_of(found, "calibration_factor", "probability") == ACT


def test_few_customers_are_not_judged(model: Model, planted: tuple[Examples, np.ndarray]) -> None:
    names = {each.name for each in checks(model, a_day(1, customers=20), planted[0])}
    assert "input_drift" not in names
    assert "score_drift" not in names


def test_what_was_found_is_recorded(
    model: Model,
    planted: tuple[Examples, np.ndarray],
    tmp_path: Path,
) -> None:
    found = checks(model, a_day(2), planted[0])
    record_checks("a-run", found, tmp_path)
    records = read_records(tmp_path, ModelCheck)
    assert [(each.check_name, each.subject, each.state) for each in records] == [
        (each.name, each.subject, each.state) for each in found
    ]
    assert {each.published_batch for each in records} == {4}


def test_what_was_said_and_what_has_happened_is_recorded_by_date(
    model: Model, planted: tuple[Examples, np.ndarray], tmp_path: Path
) -> None:
    examples, _ = planted
    last = examples.dates == examples.dates[-1]
    nobody = examples.with_outcomes(examples.outcomes & ~last)
    found = outcomes_of(model, "challenger", 3, QUESTION, nobody)
    assert [str(each.as_of_date) for each in found] == model.description.data["judged_by"]
    first = examples.on([found[0].as_of_date])
    scores = model.probabilities(first.inputs)
    assert (found[0].happened, found[0].examples) == (int(first.outcomes.sum()), len(first))
    assert found[0].expected == pytest.approx(scores.sum())
    assert found[0].area == pytest.approx(area_under_curve(scores, first.outcomes), abs=1e-6)
    assert (found[-1].happened, found[-1].area) == (0, None)
    record_outcomes("a-run", found, a_manifest(4), tmp_path)
    records = read_records(tmp_path, ModelOutcome)
    assert [(each.role, each.model_version, each.as_of_date) for each in records] == [
        ("challenger", 3, str(each.as_of_date)) for each in found
    ]


def test_answers_are_judged_by_their_slowest_percent(
    model: Model, planted: tuple[Examples, np.ndarray]
) -> None:
    def state(seconds: list[float]) -> list[str]:
        found = checks_of(model, 1, QUESTION, a_day(3), planted[0], a_manifest(4), seconds)
        return [each.state for each in found if each.name == "answer_seconds_p99"]

    assert state([0.01] * 200) == [OK]
    assert state([0.01] * 190 + [0.3] * 10) == [ACT]
    assert state([9.0] * 50) == []
