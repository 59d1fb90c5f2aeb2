"""Figures about scores: how well they tell to whom something happens, whether they may be chance, and whether one model is better than another.

Usage:
    print(area_under_curve(scores, outcomes))
    print(chance_of(scores, outcomes, strata))
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scripts.learn.question import Keys, Numbers

Flags = npt.NDArray[np.bool_]
_SEED = 20_260_701
# So that the logarithm of a probability is finite.
_LEAST = 1e-9


@dataclass(frozen=True)
class Ranking:
    """Scores as ranks: the area under the curve for any outcomes is a sum over them.

    Attributes:
        scores: the higher, the likelier.
    """

    scores: Numbers

    @cached_property
    def ranks(self) -> Numbers:
        """From 1; equal scores share the mean of theirs."""
        _, inverse, counts = np.unique(self.scores, return_inverse=True, return_counts=True)
        return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])

    def area(self, outcomes: Flags) -> float:
        """How often one that has happened was scored above one that has not; 0.5 if all are alike."""
        positives = int(np.sum(outcomes))
        negatives = len(outcomes) - positives
        if not positives or not negatives:
            return 0.5
        above = float(np.sum(self.ranks[outcomes])) - positives * (positives + 1) / 2
        return above / (positives * negatives)


def area_under_curve(scores: Numbers, outcomes: Flags) -> float:
    """The area under the ROC curve; see `Ranking.area`."""
    return Ranking(scores).area(outcomes)


def average_precision(scores: Numbers, outcomes: Flags) -> float:
    """The mean, over those that have happened, of the share of hits among all that were scored as high."""
    if not np.any(outcomes):
        return 0.0
    order = np.argsort(-scores, kind="stable")
    hits = outcomes[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(np.mean(precision[hits]))


def log_loss(probabilities: Numbers, outcomes: Flags) -> float:
    """The mean surprise: lower is better."""
    bounded = np.clip(probabilities, _LEAST, 1 - _LEAST)
    return float(-np.mean(np.where(outcomes, np.log(bounded), np.log1p(-bounded))))


def brier(probabilities: Numbers, outcomes: Flags) -> float:
    """The mean squared error of the probabilities."""
    return float(np.mean((probabilities - outcomes) ** 2))


def calibration(
    probabilities: Numbers, outcomes: Flags, groups: int = 10
) -> list[tuple[float, float, int]]:
    """By groups of equal size from low to high: the mean probability, the share that has happened, and the number of customers."""
    parts = np.array_split(np.argsort(probabilities, kind="stable"), groups)
    return [
        (float(np.mean(probabilities[part])), float(np.mean(outcomes[part])), len(part))
        for part in parts
        if len(part)
    ]


def cost(
    probabilities: Numbers, outcomes: Flags, threshold: float, contact: float, saved: float
) -> float:
    """What it costs per customer to contact all from a threshold on, less what that saves on average.

    Args:
        probabilities: of leaving.
        outcomes: who has left.
        threshold: from which on a customer is contacted.
        contact: what contacting one costs.
        saved: what contacting one who would leave saves on average.
    """
    contacted = probabilities >= threshold
    return float(np.mean(contacted * contact - (contacted & outcomes) * saved))


@dataclass(frozen=True)
class Chance:
    """How the area under the curve compares with that of shuffled outcomes.

    Attributes:
        area: of the outcomes as they are.
        usual: the mean of the others.
        upper: of the others, what 95 % do not exceed.
        share: of the others, those that reach it; with itself counted, so never 0.
    """

    area: float
    usual: float
    upper: float
    share: float


def chance_of(scores: Numbers, outcomes: Flags, strata: Numbers, rounds: int = 500) -> Chance:
    """A permutation test: outcomes are shuffled among customers who are alike in what is no discovery.

    Args:
        scores: the higher, the likelier.
        outcomes: what happened.
        strata: customers with equal values exchange their outcomes.
        rounds: how often.
    """
    ranking, random = Ranking(scores), np.random.default_rng(_SEED)
    area = ranking.area(outcomes)
    order = np.argsort(strata, kind="stable")
    sorted_strata, dealt = strata[order], outcomes[order]
    ranks = Ranking(scores[order])
    others = np.empty(rounds)
    for number in range(rounds):
        shuffled = np.lexsort((random.random(len(order)), sorted_strata))
        others[number] = ranks.area(dealt[shuffled])
    return Chance(
        area,
        float(np.mean(others)),
        float(np.quantile(others, 0.95)),
        float((1 + np.sum(others >= area)) / (1 + rounds)),
    )


def area_interval(
    scores: Numbers, outcomes: Flags, ids: Keys, rounds: int = 200
) -> tuple[float, float]:
    """Between which values the area under the curve lies with 95 % confidence: customers are drawn anew, each with all of its dates."""
    found = [
        area_under_curve(scores[rows], outcomes[rows]) for rows in _drawn_customers(ids, rounds)
    ]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def least_gain(
    scores: Numbers,
    others: Numbers,
    outcomes: Flags,
    ids: Keys,
    rounds: int = 200,
) -> tuple[float, float]:
    """By how much the area of some scores exceeds that of others for the same customers: on the whole, and at least with 95 % confidence."""
    gain = area_under_curve(scores, outcomes) - area_under_curve(others, outcomes)
    found = [
        area_under_curve(scores[rows], outcomes[rows])
        - area_under_curve(others[rows], outcomes[rows])
        for rows in _drawn_customers(ids, rounds)
    ]
    return gain, float(np.quantile(found, 0.05))


def _drawn_customers(ids: Keys, rounds: int) -> "list[npt.NDArray[np.intp]]":
    """Rows of as many customers as there are, drawn with replacement."""
    random = np.random.default_rng(_SEED)
    customers, number = np.unique(ids, return_inverse=True)
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(len(customers) + 1))
    found = []
    for _ in range(rounds):
        drawn = random.integers(0, len(customers), len(customers))
        times = np.bincount(drawn, minlength=len(customers))
        found.append(np.repeat(order, np.repeat(times, np.diff(starts))))
    return found
