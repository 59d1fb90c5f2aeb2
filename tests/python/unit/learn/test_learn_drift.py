"""A change of regime is noticed, and stable days are quiet."""

from pathlib import Path

import numpy as np
import pytest

from scripts.history.records import ModelCheck, read_records
from scripts.learn.artifact import Model, reference_of
from scripts.learn.drift import ACT, OK, Check, checks_of, drift, record_checks, stability_index
from scripts.learn.examples import Customers
from tests.python.learning import QUESTION, a_manifest, moved, planted_customers

pytestmark = pytest.mark.xdist_group("learn")


def checks(model: Model, today: Customers, examples: Customers, batch: int = 4) -> list[Check]:
    return checks_of(model, 1, QUESTION, today, examples, a_manifest(batch))


def a_day(number: int, customers: int = 600) -> Customers:
    """Customers of one day, like those that were learned from."""
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


def test_thirty_stable_days_are_quiet(model: Model, planted: tuple[Customers, np.ndarray]) -> None:
    loud = [
        (number, each)
        for number in range(30)
        for each in checks(model, a_day(number), planted[0])
        # The days are those of 2013: how old a model is, is another test.
        if each.state != OK and each.name != "age_days"
    ]
    assert loud == []


def test_a_change_of_regime_is_noticed_with_the_third_day_at_the_latest(
    model: Model, planted: tuple[Customers, np.ndarray]
) -> None:
    seen = []
    for number in range(3):
        today = a_day(50 + number)
        # Customers trade a third as much.
        orders = np.floor(today.columns[0] / 3)
        found = checks(model, moved(today, order_count=orders), planted[0])
        seen.append(state_of(found, "input_drift", "order_count"))
        assert state_of(found, "input_drift", "age_years") == OK
    assert ACT in seen


def test_missing_and_impossible_values_are_noticed(
    model: Model, planted: tuple[Customers, np.ndarray]
) -> None:
    today = a_day(80)
    holdings = np.where(np.arange(len(today)) % 2, np.nan, today.columns[4])
    ages = np.where(np.arange(len(today)) % 10, today.columns[2], 300)
    found = checks(model, moved(today, holdings_amount=holdings, age_years=ages), planted[0])
    assert state_of(found, "missing_share", "holdings_amount") == ACT
    assert state_of(found, "out_of_range_share", "age_years") == ACT


def test_a_model_that_has_become_wrong_is_noticed_when_outcomes_are_known(
    model: Model, planted: tuple[Customers, np.ndarray]
) -> None:
    examples, _ = planted
    found = checks(model, a_day(90), examples)
    assert state_of(found, "area_loss", "probability") == OK
    assert state_of(found, "calibration_factor", "probability") == OK
    other, _ = planted_customers(strength=-1.0, share=0.3)
    found = checks(model, a_day(90), other)
    assert state_of(found, "area_loss", "probability") == ACT
    assert state_of(found, "calibration_factor", "probability") == ACT


def test_few_customers_are_not_judged(model: Model, planted: tuple[Customers, np.ndarray]) -> None:
    names = {each.name for each in checks(model, a_day(1, customers=20), planted[0])}
    assert "input_drift" not in names
    assert "score_drift" not in names


def test_what_was_found_is_recorded(
    model: Model,
    planted: tuple[Customers, np.ndarray],
    tmp_path: Path,
) -> None:
    found = checks(model, a_day(2), planted[0])
    record_checks("a-run", found, tmp_path)
    records = read_records(tmp_path, ModelCheck)
    assert [(each.check_name, each.subject, each.state) for each in records] == [
        (each.name, each.subject, each.state) for each in found
    ]
    assert {each.published_batch for each in records} == {4}
