"""Train a model: choose it on folds of time, calibrate it on what it has not seen, and keep the last as-of dates apart to judge it.

Usage:
    trained = train(question, examples, source, Costs())
    print(trained.description.figures["hold_out"])

Every step is a function of the data and the parameters: the same data give the same bytes. As-of dates are as far apart as an outcome takes, so one that is learned from has its
outcome before the next one begins to be judged.
"""

import hashlib
import json
import platform
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from scripts.learn.artifact import (
    MOST_BYTES,
    Description,
    Model,
    calibrated,
    logit,
    reference_of,
)
from scripts.learn.evaluation import (
    Flags,
    area_interval,
    area_under_curve,
    average_precision,
    brier,
    calibration,
    chance_of,
    cost,
    log_loss,
)
from scripts.learn.examples import Examples
from scripts.learn.question import LearnError, Numbers, Question, TooLittleError
from scripts.publish.manifest import Manifest

SEED = 7
# As-of dates.
HOLD_OUT, FOLDS, LEAST_DATES = 5, 3, 4
# A model that is harder to explain must be better by so much.
_WORTH = 0.005
_PACKAGES = ("numpy", "scikit-learn", "skl2onnx", "onnx", "onnxruntime")
# How far the graph may be from the estimator that it was made of.
_CLOSE = 1e-4

LOGISTIC, BOOSTING = "logistic", "boosting"
# What is tried: the simplest first, because of equals the first one is taken.
CANDIDATES: tuple[tuple[str, dict[str, Any]], ...] = (
    (LOGISTIC, {"C": 0.01}),
    (LOGISTIC, {"C": 0.1}),
    (LOGISTIC, {"C": 1.0}),
    (BOOSTING, {"max_leaf_nodes": 4, "max_iter": 100}),
    (BOOSTING, {"max_leaf_nodes": 8, "max_iter": 100}),
)


@dataclass(frozen=True)
class Costs:
    """What decides who is contacted.

    Attributes:
        contact: what contacting one costs.
        saved: what contacting one to whom it would happen is worth on average. Of customers who would leave: what is lost with one, times how often it stays when it is asked to.
    """

    contact: float = 20.0
    saved: float = 500.0

    @property
    def threshold(self) -> float:
        """From which probability on a contact is worth its cost."""
        return min(1.0, self.contact / self.saved)


@dataclass(frozen=True)
class Source:
    """Where the examples come from.

    Attributes:
        version: the published one.
        batch: the last one that it holds.
        commit: of the project that has built it.
        project_digest: of what decides its rows.
    """

    version: str
    batch: int
    commit: str | None
    project_digest: str

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """A published version."""
        return cls(manifest.version, manifest.batch_id, manifest.commit, manifest.project_digest)


@dataclass(frozen=True)
class Trained:
    """A model that was trained.

    Attributes:
        graph: in the format of ONNX.
        description: everything else.
    """

    graph: bytes
    description: Description


def split(examples: Examples) -> tuple[list[date], list[date]]:
    """The dates to learn from, and those to judge by: the last ones, at most a third.

    Raises:
        TooLittleError: there are too few.
    """
    dates = examples.all_dates
    if len(dates) < LEAST_DATES:
        raise TooLittleError(
            f"only {len(dates)} as-of dates have an outcome, and at least {LEAST_DATES} are needed: load more, or,"
            " if features begin later than they could, set the variable features_from to an earlier day"
        )
    apart = min(HOLD_OUT, len(dates) // 3)
    return dates[:-apart], dates[-apart:]


def train(
    question: Question, examples: Examples, source: Source, costs: Costs | None = None
) -> Trained:
    """Train a model.

    Args:
        question: what it answers.
        examples: all that is known.
        source: where they come from.
        costs: what decides who is contacted.

    Raises:
        TooLittleError: there are too few dates, or it has happened to too few.
        LearnError: the graph is not what was fitted.
    """
    # Threads that wait for each other cost more than they save, and sums do not depend on how many there are.
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return _train(question, examples, source, costs or Costs())


def _train(question: Question, examples: Examples, source: Source, costs: Costs) -> Trained:
    dates, last_dates = split(examples)
    learned = examples.on(dates)
    _check_outcomes(learned)
    tried = [_judged(kind, parameters, learned, dates) for kind, parameters in CANDIDATES]
    best = _chosen(tried)
    slope, intercept = _calibration(best.scores, best.outcomes)
    estimator = _estimator(best.kind, best.parameters)
    estimator.fit(learned.inputs, learned.outcomes)
    graph = _graph(estimator, learned)
    # What is usual is what was usual when it was judged: customers grow older, and so do their accounts.
    is_last = examples.dates == np.datetime64(last_dates[-1])
    scores = calibrated(estimator.predict_proba(examples.inputs)[:, 1], slope, intercept)
    description = Description(
        name=question.name,
        question={
            word: getattr(question, word) for word in ("asks", "use", "entities", "happened")
        },
        kind=best.kind,
        parameters=best.parameters,
        features=[(feature.name, feature.transformation.value) for feature in question.features],
        slope=slope,
        intercept=intercept,
        threshold=costs.threshold,
        costs=asdict(costs),
        references=[
            reference_of(feature.name, values[is_last], values)
            for feature, values in zip(question.features, examples.columns, strict=True)
        ],
        scores=reference_of("probability", scores[is_last], scores),
        data={
            **asdict(source),
            "fingerprint": examples.fingerprint(),
            "rows": len(learned),
            "happened": int(np.sum(learned.outcomes)),
            "learned_from": [day.isoformat() for day in dates],
            "judged_by": [day.isoformat() for day in last_dates],
        },
        figures={
            "candidates": [
                {"kind": each.kind, "parameters": each.parameters, "area": each.area}
                for each in tried
            ],
        },
        environment=_environment(),
        training=training_digest(question, examples, costs),
        sha256=hashlib.sha256(graph).hexdigest(),
    )
    model = Model(graph, description)
    description.figures["hold_out"] = judge(model, examples.on(last_dates))
    return Trained(graph, description)


def training_digest(question: Question, examples: Examples, costs: Costs) -> str:
    """A SHA-256 of everything that decides which model comes out."""
    parts = [
        examples.fingerprint(),
        question.learned,
        asdict(costs),
        CANDIDATES,
        _code(),
        _environment(),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def judge(model: Model, known: Examples) -> dict[str, Any]:
    """Figures about a model, by examples of which it is known what became of them."""
    probabilities, outcomes = model.probabilities(known.inputs), known.outcomes
    costs = model.description.costs
    chance = chance_of(probabilities, outcomes, known.alike)
    threshold = model.description.threshold
    best_tenth = np.argsort(-probabilities, kind="stable")[: max(1, len(outcomes) // 10)]
    low, high = area_interval(probabilities, outcomes, known.ids)
    return {
        "rows": len(known),
        "happened": int(np.sum(outcomes)),
        "dates": [day.isoformat() for day in known.all_dates],
        "area": chance.area,
        "area_low": low,
        "area_high": high,
        "area_by_chance": chance.usual,
        "area_by_chance_upper": chance.upper,
        "chance": chance.share,
        "average_precision": average_precision(probabilities, outcomes),
        "found_in_best_tenth": float(np.sum(outcomes[best_tenth])) / max(1, int(np.sum(outcomes))),
        "log_loss": log_loss(probabilities, outcomes),
        "log_loss_of_mean": log_loss(np.full(len(outcomes), float(np.mean(outcomes))), outcomes),
        "brier": brier(probabilities, outcomes),
        "mean_probability": float(np.mean(probabilities)),
        "share_happened": float(np.mean(outcomes)),
        "calibration": calibration(probabilities, outcomes),
        "contacted": int(np.sum(probabilities >= threshold)),
        "cost": cost(probabilities, outcomes, threshold, **costs),
        "cost_of_all": cost(probabilities, outcomes, 0.0, **costs),
    }


@dataclass(frozen=True)
class _Judged:
    """A candidate, judged on folds of time that it has not seen."""

    kind: str
    parameters: dict[str, Any]
    scores: Numbers
    outcomes: Flags
    area: float


def _judged(
    kind: str,
    parameters: dict[str, Any],
    learned: Examples,
    dates: Sequence[date],
) -> _Judged:
    scores: list[Numbers] = []
    outcomes: list[Flags] = []
    areas: list[float] = []
    for earlier, later in folds(dates):
        known, unknown = learned.on(earlier), learned.on(later)
        if len(np.unique(known.outcomes)) < 2:
            continue
        estimator = _estimator(kind, parameters)
        estimator.fit(known.inputs, known.outcomes)
        scores.append(estimator.predict_proba(unknown.inputs)[:, 1])
        outcomes.append(unknown.outcomes)
        areas.append(area_under_curve(scores[-1], outcomes[-1]))
    if not scores:
        raise TooLittleError(
            "it has happened to nobody on the first dates: there is nothing to learn from yet"
        )
    return _Judged(
        kind, parameters, np.concatenate(scores), np.concatenate(outcomes), float(np.mean(areas))
    )


def folds(dates: Sequence[date]) -> list[tuple[list[date], list[date]]]:
    """The dates to learn from and the next ones to judge by, several times: always the past to judge the future."""
    count = min(FOLDS, len(dates) - 1)
    parts = np.array_split(np.arange(len(dates)), count + 1)
    return [
        (
            [dates[index] for part in parts[:number] for index in part],
            [dates[i] for i in parts[number]],
        )
        for number in range(1, count + 1)
    ]


def _chosen(tried: Sequence[_Judged]) -> _Judged:
    best = tried[0]
    for each in tried[1:]:
        needed = _WORTH if each.kind != best.kind else 0.0
        if each.area > best.area + needed:
            best = each
    return best


def _estimator(kind: str, parameters: dict[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Boosting could take missing values as they are, but not a column that has no other.
    filled = SimpleImputer(strategy="median", keep_empty_features=True)
    if kind == BOOSTING:
        boosting = HistGradientBoostingClassifier(
            learning_rate=0.05,
            min_samples_leaf=50,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=SEED,
            **parameters,
        )
        return make_pipeline(filled, boosting)
    logistic = LogisticRegression(max_iter=1000, random_state=SEED, **parameters)
    return make_pipeline(filled, StandardScaler(), logistic)


def _calibration(scores: Numbers, outcomes: Flags) -> tuple[float, float]:
    """Slope and intercept of the logits of scores that were given without knowing the outcomes; none with fewer than ten that happened."""
    from sklearn.linear_model import LogisticRegression

    if np.sum(outcomes) < 10:
        return 1.0, 0.0
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(logit(scores)[:, None], outcomes)
    slope = float(fitted.coef_[0, 0])
    # A slope below zero would turn the order around: such scores say nothing.
    if slope <= 0:
        return 1.0, 0.0
    return slope, float(fitted.intercept_[0])


def _graph(estimator: Any, learned: Examples) -> bytes:
    """The estimator in the format of ONNX.

    Raises:
        LearnError: it is too large, or not the same.
    """
    from skl2onnx import to_onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = to_onnx(
            estimator, learned.inputs[:1], options={id(estimator[-1]): {"zipmap": False}}
        )
    graph: bytes = converted.SerializeToString()
    if len(graph) > MOST_BYTES:
        raise LearnError(f"the model has {len(graph):,} bytes, more than {MOST_BYTES:,}")
    difference = np.max(
        np.abs(_raw(graph, learned) - estimator.predict_proba(learned.inputs)[:, 1])
    )
    if difference > _CLOSE:
        raise LearnError(
            f"the ONNX graph differs from the model that was fitted by {difference:.1e}: report this"
        )
    return graph


def _raw(graph: bytes, learned: Examples) -> Numbers:
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found = session.run(
        [session.get_outputs()[1].name], {session.get_inputs()[0].name: learned.inputs}
    )
    return np.asarray(found[0])[:, 1].astype(np.float64)


def _check_outcomes(learned: Examples) -> None:
    happened = int(np.sum(learned.outcomes))
    if happened < 5 or happened == len(learned):
        raise TooLittleError(
            f"it has happened to {happened} of {len(learned)} on the dates to learn from: too few to learn from;"
            " load more, or set the variable features_from to an earlier day"
        )


def _code() -> str:
    """A SHA-256 of the programs that train."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _environment() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
