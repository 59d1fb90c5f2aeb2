"""Examples of whom it is known why they leave: what a model can find at best is a figure, not a hope.

Usage:
    examples = planted_customers(strength=1.5)
    best = area_under_curve(examples.columns[TRUTH_OF], examples.outcomes)
"""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np

from scripts.learn.artifact import logit
from scripts.learn.examples import Examples
from scripts.learn.question import Feature, KeyType, Question, Transformation, matrix
from scripts.learn.training import Source

FEATURES = (
    Feature("order_count", Transformation.LOGARITHM),
    Feature("tenure_days", Transformation.LOGARITHM),
    Feature("age_years", Transformation.AS_IS),
    Feature("watch_count", Transformation.LOGARITHM),
    Feature("holdings_amount", Transformation.LOGARITHM),
)
QUESTION = Question(
    name="attrition",
    asks="Who leaves?",
    use="Not for a decision that nobody asked for.",
    entity="customer",
    entities="customers",
    key="customer_id",
    key_type=KeyType.NUMBER,
    happened="left",
    absent="no customer",
    chosen="is_at_risk",
    horizon_days=90,
    examples="f.examples",
    today="f.today",
    outcomes="f.outcomes",
    outcome="has_left",
    features=FEATURES,
    alike="accounts",
)
SOURCE = Source("batch-0003-20261130T101530Z", 3, None, "0" * 64)
DATES = [
    date(year, month, day)
    for year in range(2013, 2017)
    for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))
]


def planted_customers(
    strength: float, customers: int = 500, seed: int = 1, share: float = 0.06
) -> tuple[Examples, "np.ndarray[Any, np.dtype[np.float64]]"]:
    """Examples on sixteen dates, and how likely each of them was to leave.

    Args:
        strength: how much the features tell; 0 for nothing.
        customers: on each date.
        seed: another one, other customers.
        share: of those who leave, roughly.
    """
    random = np.random.default_rng(seed)
    rows = customers * len(DATES)
    orders = random.poisson(3, rows).astype(np.float64)
    tenure = random.integers(1, 3000, rows).astype(np.float64)
    age = random.integers(18, 95, rows).astype(np.float64)
    watches = random.poisson(5, rows).astype(np.float64)
    holdings = np.where(random.random(rows) < 0.3, np.nan, random.lognormal(10, 2, rows))
    columns = (orders, tenure, age, watches, holdings)
    score = -1.2 * np.log1p(orders) - 0.5 * np.log1p(tenure) - 0.02 * age
    score = strength * (score - score.mean())
    truth = 1 / (1 + np.exp(-(score + float(logit(np.array([share]))[0]))))
    found = Examples(
        ids=np.tile(np.arange(customers), len(DATES)),
        dates=np.repeat(np.array(DATES, dtype="datetime64[D]"), customers),
        columns=columns,
        inputs=matrix(columns, FEATURES),
        alike=random.integers(1, 4, rows).astype(np.float64),
        outcomes=random.random(rows) < truth,
    )
    return found, truth


def moved(customers: Examples, **changes: Any) -> Examples:
    """The same customers with other values of some features."""
    names = [feature.name for feature in FEATURES]
    columns = tuple(
        changes.get(name, values) for name, values in zip(names, customers.columns, strict=True)
    )
    return replace(customers, columns=columns, inputs=matrix(columns, FEATURES))


def a_manifest(batch: int) -> Any:
    """What a model wants to know of a published version."""
    return SimpleNamespace(
        version=f"batch-{batch:04}-20261130T101530Z",
        batch_id=batch,
        commit=None,
        project_digest="0" * 64,
    )
