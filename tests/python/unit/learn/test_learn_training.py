"""A model finds nearly all that can be found, nothing where there is nothing, and is the same each time."""

import hashlib
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from scripts.learn import training
from scripts.learn.artifact import DESCRIPTION, GRAPH, MOST_BYTES, Description, Model
from scripts.learn.card import card_of
from scripts.learn.evaluation import area_under_curve, calibration
from scripts.learn.examples import Examples
from scripts.learn.question import LearnError, matrix
from scripts.learn.training import Costs, Trained, folds, split, train, training_digest
from tests.python.learning import DATES, FEATURES, QUESTION, SOURCE, planted_customers

pytestmark = pytest.mark.xdist_group("learn")


def test_a_model_reaches_what_can_be_reached(
    planted: tuple[Examples, np.ndarray], model: Model
) -> None:
    examples, truth = planted
    _, dates = split(examples)
    is_last = np.isin(examples.dates, np.array(dates, dtype="datetime64[D]"))
    best = area_under_curve(truth[is_last], examples.outcomes[is_last])
    found = model.description.figures["hold_out"]["area"]
    assert best > 0.7
    assert (found - 0.5) / (best - 0.5) > 0.95


def test_a_model_finds_nothing_where_there_is_nothing() -> None:
    examples, _ = planted_customers(strength=0.0, customers=300, seed=3)
    figures = train(QUESTION, examples, SOURCE).description.figures["hold_out"]
    assert figures["area"] < figures["area_by_chance_upper"]
    assert figures["chance"] > 0.05


@pytest.mark.slow
def test_chance_is_found_as_often_as_chance_has_it() -> None:
    shares = []
    for seed in range(40):
        examples, _ = planted_customers(strength=0.0, customers=300, seed=100 + seed)
        shares.append(train(QUESTION, examples, SOURCE).description.figures["hold_out"]["chance"])
    # Two of forty are expected at 0.05; more than seven would come about once in ten thousand times.
    assert sum(share <= 0.05 for share in shares) <= 7


def test_probabilities_are_those_that_happen(
    planted: tuple[Examples, np.ndarray], model: Model
) -> None:
    examples, _ = planted
    last = examples.on(split(examples)[1])
    for said, happened, customers in calibration(
        model.probabilities(last.inputs), last.outcomes, 5
    ):
        assert abs(said - happened) < 4 * (max(said, happened) / customers) ** 0.5


def test_the_same_data_give_the_same_bytes(
    planted: tuple[Examples, np.ndarray], trained: Trained
) -> None:
    again = train(QUESTION, planted[0], SOURCE)
    assert again.graph == trained.graph
    assert again.description == trained.description


def test_boosting_survives_the_way_into_onnx(
    planted: tuple[Examples, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CANDIDATES", training.CANDIDATES[-1:])
    boosted = train(QUESTION, planted[0], SOURCE)
    assert boosted.description.kind == training.BOOSTING
    assert len(boosted.graph) < MOST_BYTES
    assert boosted.description.figures["hold_out"]["area"] > 0.65


def test_other_data_costs_or_packages_are_another_training(
    planted: tuple[Examples, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    examples, _ = planted
    digests = {
        training_digest(QUESTION, examples, Costs()),
        training_digest(QUESTION, examples, Costs(contact=21)),
        training_digest(QUESTION, examples.with_outcomes(~examples.outcomes), Costs()),
        training_digest(replace(QUESTION, features=FEATURES[:-1]), examples, Costs()),
    }
    monkeypatch.setattr(training, "_environment", lambda: {"python": "2.7"})
    assert len(digests | {training_digest(QUESTION, examples, Costs())}) == 5


def test_the_future_is_never_learned_from() -> None:
    for earlier, later in folds(DATES):
        assert max(earlier) < min(later)
    judged = [day for _, later in folds(DATES) for day in later]
    assert judged == sorted(set(judged))


def test_a_contact_is_worth_its_cost_from_the_threshold_on() -> None:
    assert Costs(contact=20, saved=500).threshold == pytest.approx(0.04)
    assert Costs(contact=600, saved=500).threshold == 1.0


def test_reasons_are_what_makes_leaving_likelier(model: Model) -> None:
    usual = [reference.usual for reference in model.description.references]
    columns = [np.array([value, value]) for value in usual]
    # Never an order, and young.
    columns[0][0], columns[2][0] = 0, 18
    inputs = matrix(columns, FEATURES)
    reasons = model.reasons(inputs)
    assert set(reasons[0]) == {"order_count", "age_years"}
    assert reasons[1] == []


def test_one_customer_is_scored_as_all_are(
    planted: tuple[Examples, np.ndarray], model: Model
) -> None:
    inputs = planted[0].inputs[:300]
    one_by_one = np.concatenate([model.probabilities(inputs[row : row + 1]) for row in range(300)])
    assert np.max(np.abs(one_by_one - model.probabilities(inputs))) < 1e-6


def test_files_of_a_version_are_read_as_they_were_written(trained: Trained, tmp_path) -> None:
    (tmp_path / GRAPH).write_bytes(trained.graph)
    (tmp_path / DESCRIPTION).write_text(trained.description.as_json())
    assert Description.read(tmp_path).sha256 == hashlib.sha256(trained.graph).hexdigest()
    assert Model.read(tmp_path).features == FEATURES
    (tmp_path / GRAPH).write_bytes(trained.graph[:-1])
    with pytest.raises(LearnError, match="is not the model that was trained"):
        Model.read(tmp_path)


def test_the_card_tells_data_figures_and_limits(trained: Trained) -> None:
    card = card_of(trained.description, 3)
    figures = trained.description.figures["hold_out"]
    for told in (f"{figures['area']:.3f}", SOURCE.version, "Not for a decision", "order_count"):
        assert told in card


@pytest.mark.parametrize("count", [0, 4])
def test_too_few_who_have_left_are_refused(count: int) -> None:
    examples, _ = planted_customers(strength=1.0, customers=100)
    outcomes = np.zeros(len(examples), dtype=bool)
    outcomes[:count] = True
    with pytest.raises(LearnError, match="too few to learn from"):
        train(QUESTION, examples.with_outcomes(outcomes), SOURCE)


def test_too_few_dates_are_refused() -> None:
    examples, _ = planted_customers(strength=1.0, customers=100)
    with pytest.raises(LearnError, match="only 3 as-of dates have an outcome"):
        train(QUESTION, examples.on(DATES[:3]), SOURCE)


def test_the_last_quarters_are_kept_apart() -> None:
    examples, _ = planted_customers(strength=1.0, customers=10)
    learned, judged = split(examples)
    assert (learned[-1], judged[0], len(judged)) == (date(2015, 9, 30), date(2015, 12, 31), 5)
