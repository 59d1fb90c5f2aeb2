"""Figures are those that other programs compute, chance is judged among equals, and only a better model is promoted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from scripts.learn.evaluation import (
    area_under_curve,
    average_precision,
    brier,
    chance_of,
    cost,
    least_gain,
    log_loss,
)
from scripts.learn.examples import Examples
from scripts.learn.promotion import judged
from scripts.learn.question import LearnError
from scripts.learn.registry import CHAMPION, Registry
from scripts.learn.training import Trained, train
from tests.python.learning import QUESTION, SOURCE, moved, planted_customers

pytestmark = pytest.mark.xdist_group("learn")


def test_figures_are_those_of_another_program() -> None:
    random = np.random.default_rng(5)
    scores = np.round(random.random(500), 2)
    outcomes = random.random(500) < scores / 3
    assert area_under_curve(scores, outcomes) == pytest.approx(
        metrics.roc_auc_score(outcomes, scores)
    )
    assert log_loss(scores, outcomes) == pytest.approx(
        metrics.log_loss(outcomes, np.clip(scores, 1e-9, 1 - 1e-9))
    )
    assert brier(scores, outcomes) == pytest.approx(metrics.brier_score_loss(outcomes, scores))
    untied = scores + np.arange(500) * 1e-6
    assert average_precision(untied, outcomes) == pytest.approx(
        metrics.average_precision_score(outcomes, untied)
    )


def test_cost_counts_contacts_and_what_they_save() -> None:
    probabilities, outcomes = np.array([0.9, 0.8, 0.1]), np.array([True, False, True])
    assert cost(probabilities, outcomes, 0.5, contact=10, saved=100) == pytest.approx(
        (20 - 100) / 3
    )


def test_what_strata_explain_is_no_discovery() -> None:
    random = np.random.default_rng(7)
    strata = random.integers(0, 2, 3000).astype(np.float64)
    outcomes = random.random(3000) < np.where(strata == 1, 0.3, 0.05)
    found = chance_of(strata + random.random(3000) * 0.1, outcomes, strata)
    assert found.area > 0.7
    assert found.share > 0.05
    assert chance_of(strata, outcomes, np.zeros(3000)).share < 0.01


def test_a_gain_is_at_least_what_confidence_allows() -> None:
    random = np.random.default_rng(9)
    ids = np.repeat(np.arange(500), 4)
    outcomes = random.random(2000) < 0.1
    good, bad = outcomes + random.normal(0, 1, 2000), random.normal(0, 1, 2000)
    gain, least = least_gain(good, bad, outcomes, ids)
    assert 0.05 < least < gain
    assert least_gain(good, good, outcomes, ids) == (0, 0)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def test_a_first_version_must_be_better_than_chance(
    registry: Registry, planted: tuple[Examples, np.ndarray], trained: Trained
) -> None:
    version, _ = registry.add(trained)
    assert judged(registry, QUESTION, planted[0], version).is_better
    random = np.random.default_rng(2)
    dealt = planted[0].with_outcomes(random.permutation(planted[0].outcomes))
    verdict = judged(registry, QUESTION, dealt, version)
    assert not verdict.is_better
    assert "no better than chance" in verdict.reason


def test_a_challenger_must_be_better_than_the_champion(
    registry: Registry, planted: tuple[Examples, np.ndarray], trained: Trained
) -> None:
    examples, _ = planted
    # A champion that has learned from customers whose orders were not recorded.
    blind = train(QUESTION, moved(examples, order_count=np.zeros(len(examples))), SOURCE)
    poor, _ = registry.add(blind)
    good, _ = registry.add(trained)
    registry.assign("attrition", CHAMPION, poor, "first")
    assert judged(registry, QUESTION, examples, good).is_better
    registry.assign("attrition", CHAMPION, good, "better")
    assert not judged(registry, QUESTION, examples, poor).is_better
    assert "is the champion already" in judged(registry, QUESTION, examples, good).reason
    same, _ = registry.add(
        replace(trained, description=replace(trained.description, training="again"))
    )
    assert not judged(registry, QUESTION, examples, same).is_better


def test_nobody_is_judged_by_what_was_learned_from(
    registry: Registry, planted: tuple[Examples, np.ndarray], trained: Trained
) -> None:
    version, _ = registry.add(trained)
    known = planted[0].all_dates[:11]
    with pytest.raises(LearnError, match="no quarter has an outcome that neither version"):
        judged(registry, QUESTION, planted[0].on(known), version)


def test_a_feature_that_is_gone_is_named(planted: tuple[Examples, np.ndarray], model) -> None:
    with pytest.raises(LearnError, match="order_count, which is no feature any more"):
        planted[0].taken_by(model.features, QUESTION.features[1:])


def test_a_model_of_fewer_features_still_scores(planted: tuple[Examples, np.ndarray]) -> None:
    examples, _ = planted_customers(1.0, customers=5)
    kept = (QUESTION.features[2], QUESTION.features[0])
    inputs = examples.taken_by(kept, QUESTION.features)
    assert np.array_equal(inputs, examples.inputs[:, [2, 0]])
