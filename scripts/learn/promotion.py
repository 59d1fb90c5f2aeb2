"""Whether a new version becomes the champion: only if it is better on customers that neither has learned from, by a margin and with confidence.

Usage:
    verdict = judged(registry, question, examples, version)
    if verdict.is_better:
        registry.assign(question.name, CHAMPION, version, verdict.reason)
"""

from dataclasses import dataclass

from scripts.learn.artifact import Inputs, Model
from scripts.learn.evaluation import chance_of, least_gain
from scripts.learn.examples import Examples, fresh_dates
from scripts.learn.question import LearnError, Question
from scripts.learn.registry import CHAMPION, Registry

# How far the area under the curve must rise, and how rarely chance may reach the one of a first champion.
MARGIN, MOST_CHANCE = 0.005, 0.05


@dataclass(frozen=True)
class Verdict:
    """Whether a version should become the champion.

    Attributes:
        is_better: whether it should.
        reason: in one line, with figures.
    """

    is_better: bool
    reason: str


def judged(registry: Registry, question: Question, examples: Examples, version: int) -> Verdict:
    """Compare a version with the champion; without one, with chance.

    Raises:
        LearnError: a version cannot be read, or there is no window that neither has learned from.
    """
    champion = registry.aliases(question.name).get(CHAMPION)
    challenger = registry.model(question.name, version)
    if champion == version:
        return Verdict(False, f"version {version} is the champion already")
    if champion is None:
        fresh = _fresh(examples, challenger.description.data["learned_from"])
        scores = challenger.probabilities(_inputs(fresh, challenger, question))
        chance = chance_of(scores, fresh.outcomes, fresh.alike)
        figures = (
            f"AUC {chance.area:.3f}, by chance up to {chance.upper:.3f} (p = {chance.share:.3f})"
        )
        if chance.share <= MOST_CHANCE:
            return Verdict(True, f"first champion: {figures}")
        return Verdict(False, f"no better than chance: {figures}")
    rival = registry.model(question.name, champion)
    fresh = _fresh(
        examples,
        challenger.description.data["learned_from"] + rival.description.data["learned_from"],
    )
    gain, least = least_gain(
        challenger.probabilities(_inputs(fresh, challenger, question)),
        rival.probabilities(_inputs(fresh, rival, question)),
        fresh.outcomes,
        fresh.ids,
    )
    figures = (
        f"AUC {gain:+.4f} against version {champion} on {len(fresh):,} fresh customers,"
        f" at least {least:+.4f} with 95 % confidence; needed is {MARGIN:+.4f}"
    )
    return Verdict(least > MARGIN, figures)


def _fresh(examples: Examples, learned_from: list[str]) -> Examples:
    """Those of dates after all that were learned from."""
    dates = fresh_dates(examples, learned_from)
    if not dates:
        raise LearnError(
            "no quarter has an outcome that neither version has learned from; wait for the next one"
        )
    return examples.on(dates)


def _inputs(customers: Examples, model: Model, question: Question) -> Inputs:
    """What a model takes of customers that were read for the question as it is today."""
    return customers.taken_by(model.features, question.features)
