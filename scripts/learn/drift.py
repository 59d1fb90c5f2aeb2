"""Whether a model still fits: customers or prospects of today compared with those that it was judged by, and with what became of them since.

Usage:
    checks = checks_of(model, version, question, today, examples, session.manifest)
    record_checks(run_id, checks, Path("data/runs"))
    record_outcomes(run_id, outcomes_of(model, "champion", version, question, examples), session.manifest, Path("data/runs"))

Shares of ten groups are compared by the population stability index (PSI): below 0.1 nothing has happened, from 0.25 on something has. What is found is recorded with the runs,
lands as feeds, and is operations.fct_model_checks and fct_model_outcomes; the monitor tells what needs an act (docs/runbooks/model_drifted.md).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from scripts.history.records import ModelCheck, ModelOutcome, rounded, write_records
from scripts.learn.artifact import Model, Reference, shares_of
from scripts.learn.evaluation import area_under_curve
from scripts.learn.examples import Examples, fresh_dates
from scripts.learn.question import Numbers, Question
from scripts.learn.scores import probabilities_of
from scripts.publish.manifest import Manifest
from scripts.warehouse.clock import utc_now

OK, WATCH, ACT = "ok", "watch", "act"
# Empty groups would be infinitely far away.
_LEAST_SHARE = 0.001
# As a share of the range of a feature.
_MARGIN = 0.25
# Chance moves a share by more than so many standard errors once in thirty thousand times.
_ERRORS = 4
# With fewer examples, chance moves shares as far as a drift does; with fewer to whom it has happened, it moves the AUC.
LEAST_EXAMPLES, LEAST_HAPPENED = 200, 10
# With fewer answers, the slowest percent is one of them.
LEAST_ANSWERS = 100


@dataclass(frozen=True)
class Limits:
    """From which value on a check is watched, and from which on somebody acts."""

    watch: float
    act: float


LIMITS = {
    "input_drift": Limits(0.1, 0.25),
    "missing_share": Limits(0.02, 0.1),
    "out_of_range_share": Limits(0.01, 0.05),
    "score_drift": Limits(0.1, 0.25),
    # An outcome is known after 90 days, so a model that was trained yesterday is three to six months old.
    "age_days": Limits(365, 730),
    # How much lower than on its hold-out, and how far what it says is from what happens, as a factor.
    "area_loss": Limits(0.05, 0.1),
    "calibration_factor": Limits(1.5, 2.5),
    # What 99 of 100 answers over HTTP stay below.
    "answer_seconds_p99": Limits(0.05, 0.25),
}


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        name: of the kind, as in `LIMITS`.
        subject: the feature, `probability` or `model`.
        value: that was found.
        model_name: of the model.
        model_version: of it.
        published: the manifest of the version that was compared.
    """

    name: str
    subject: str
    value: float
    model_name: str
    model_version: int
    published: Manifest

    @property
    def watch_from(self) -> float:
        """From which value on it is watched."""
        return LIMITS[self.name].watch

    @property
    def act_from(self) -> float:
        """From which value on somebody acts."""
        return LIMITS[self.name].act

    @property
    def state(self) -> str:
        """`ok`, `watch` or `act`."""
        if self.value >= self.act_from:
            return ACT
        return WATCH if self.value >= self.watch_from else OK


def checks_of(
    model: Model,
    version: int,
    question: Question,
    today: Examples,
    examples: Examples,
    published: Manifest,
    answer_seconds: Sequence[float] = (),
) -> list[Check]:
    """All comparisons that there are enough customers for.

    Args:
        model: the champion.
        version: of it.
        question: that it answers.
        today: as of the last batch.
        examples: all of whom it is known what became of them.
        published: the manifest of the version that all this is from.
        answer_seconds: how long its last answers over HTTP took.
    """
    found = [
        *(_compared_inputs(model, question, today) if len(today) >= LEAST_EXAMPLES else ()),
        *_compared_scores(model, question, today),
        *_compared_outcomes(model, question, examples),
        *_answered(answer_seconds),
    ]
    return [
        Check(name, subject, value, model.description.name, version, published)
        for name, subject, value in found
    ]


def stability_index(before: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index of the shares of some groups."""
    was = np.maximum(np.asarray(before), _LEAST_SHARE)
    is_now = np.maximum(np.asarray(now), _LEAST_SHARE)
    return float(np.sum((is_now - was) * np.log(is_now / was)))


def drift(reference: Reference, values: Numbers) -> float:
    """How far values are from those of a reference; NaN does not count."""
    known = values[~np.isnan(values)]
    if not len(known) or len(reference.shares) < 2:
        return 0.0
    return stability_index(reference.shares, shares_of(known, reference.edges))


def record_checks(run_id: str, checks: Sequence[Check], runs: Path) -> None:
    """Write down what was found.

    Args:
        run_id: of the run that has compared.
        checks: what it has found.
        runs: the folder of the run history.

    Raises:
        RecordError: it cannot be written.
    """
    now = utc_now()
    records = [
        ModelCheck(
            run_id=run_id,
            checked_at=now,
            model_name=check.model_name,
            model_version=check.model_version,
            published_version=check.published.version,
            published_batch=check.published.batch_id,
            check_name=check.name,
            subject=check.subject,
            value=rounded(check.value),
            watch_from=check.watch_from,
            act_from=check.act_from,
            state=check.state,
        )
        for check in checks
    ]
    write_records(runs, records, now)


@dataclass(frozen=True)
class Outcome:
    """What a version said about a date, and what has happened.

    Attributes:
        name: of the model.
        role: that the version has.
        version: of the model.
        as_of_date: the date.
        examples: that were scored.
        expected: the sum of their probabilities.
        happened: how many of them it happened to.
        area: under the ROC curve; None if it happened to all or none.
    """

    name: str
    role: str
    version: int
    as_of_date: date
    examples: int
    expected: float
    happened: int
    area: float | None


def outcomes_of(
    model: Model, role: str, version: int, question: Question, examples: Examples
) -> list[Outcome]:
    """Each date of which it is known what happened, and from which the version has not learned."""
    found = []
    for day in fresh_dates(examples, model.description.data["learned_from"]):
        fresh = examples.on([day])
        scores = probabilities_of(model, fresh, question)
        happened = int(np.sum(fresh.outcomes))
        is_mixed = 0 < happened < len(fresh)
        found.append(
            Outcome(
                question.name,
                role,
                version,
                day,
                len(fresh),
                float(np.sum(scores)),
                happened,
                area_under_curve(scores, fresh.outcomes) if is_mixed else None,
            )
        )
    return found


def record_outcomes(
    run_id: str, outcomes: Sequence[Outcome], published: Manifest, runs: Path
) -> None:
    """Write down what versions said and what has happened; all of a run at once.

    Args:
        run_id: of the run that has compared.
        outcomes: what it has found.
        published: the manifest of the version that they are from.
        runs: the folder of the run history.

    Raises:
        RecordError: it cannot be written.
    """
    now = utc_now()
    records = [
        ModelOutcome(
            run_id=run_id,
            checked_at=now,
            model_name=each.name,
            role=each.role,
            model_version=each.version,
            published_version=published.version,
            published_batch=published.batch_id,
            as_of_date=each.as_of_date.isoformat(),
            examples=each.examples,
            expected=rounded(each.expected),
            happened=each.happened,
            area=rounded(each.area),
        )
        for each in outcomes
    ]
    write_records(runs, records, now)


Found = tuple[str, str, float]


def _compared_inputs(model: Model, question: Question, today: Examples) -> Iterator[Found]:
    columns = {
        feature.name: values
        for feature, values in zip(question.features, today.columns, strict=True)
    }
    for reference in model.description.references:
        values = columns.get(reference.name, np.full(len(today), np.nan))
        known = values[~np.isnan(values)]
        missing = 1 - len(known) / len(values)
        # Customers grow older every day, and amounts larger: that is no fault.
        margin = _MARGIN * (reference.greatest - reference.least)
        outside = (known < reference.least - margin) | (known > reference.greatest + margin)
        yield "input_drift", reference.name, drift(reference, values)
        yield "missing_share", reference.name, _more_missing(reference, missing, len(values))
        yield "out_of_range_share", reference.name, float(np.sum(outside)) / len(values)


def _more_missing(reference: Reference, missing: float, customers: int) -> float:
    """By how much more customers have no value than before, beyond what chance explains."""
    both = (reference.missing * reference.customers + missing * customers) / (
        reference.customers + customers
    )
    error = math.sqrt(both * (1 - both) * (1 / reference.customers + 1 / customers))
    return max(0.0, missing - reference.missing - _ERRORS * error)


def _compared_scores(model: Model, question: Question, today: Examples) -> Iterator[Found]:
    last = np.datetime64(max(model.description.data["judged_by"]))
    if len(today):
        yield "age_days", "model", float((today.dates.max() - last).astype(int))
    if len(today) >= LEAST_EXAMPLES:
        scores = probabilities_of(model, today, question)
        yield "score_drift", "probability", drift(model.description.scores, scores)


def _compared_outcomes(model: Model, question: Question, examples: Examples) -> Iterator[Found]:
    """What became of customers in the last year of which it is known, and after what was learned from."""
    fresh = examples.on(fresh_dates(examples, model.description.data["learned_from"])[-4:])
    count = int(np.sum(fresh.outcomes))
    if count < LEAST_HAPPENED:
        return
    scores = probabilities_of(model, fresh, question)
    area = area_under_curve(scores, fresh.outcomes)
    yield "area_loss", "probability", max(0.0, model.description.figures["hold_out"]["area"] - area)
    said, happened = float(np.mean(scores)), count / len(fresh)
    yield "calibration_factor", "probability", max(said / happened, happened / said)


def _answered(seconds: Sequence[float]) -> Iterator[Found]:
    if len(seconds) >= LEAST_ANSWERS:
        yield "answer_seconds_p99", "model", float(np.quantile(seconds, 0.99))
