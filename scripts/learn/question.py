"""What a model is asked: about whom, from which features, and what the answer turned out to be. The features are declared where they are made, in the models of dbt.

Usage:
    question = question_of("attrition", Declarations.of_project())
    print(question.features)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from scripts.serve.declarations import Declarations

Numbers = npt.NDArray[np.float64]


class LearnError(Exception):
    """Something cannot be learned, scored or promoted: says why, and what to do."""


class Transformation(StrEnum):
    """How a model takes a column, as its `feature` in the YAML of the model says."""

    AS_IS = "as_is"
    LOGARITHM = "logarithm"


@dataclass(frozen=True)
class Feature:
    """A column that a model takes.

    Attributes:
        name: of the column.
        transformation: how it is taken.
    """

    name: str
    transformation: Transformation

    def of(self, values: Numbers) -> Numbers:
        """What the model takes, for values of the column; NaN stands for NULL."""
        if self.transformation is Transformation.LOGARITHM:
            return np.asarray(np.sign(values) * np.log1p(np.abs(values)))
        return values


@dataclass(frozen=True)
class Question:
    """A question about customers.

    Attributes:
        name: of the model that answers it.
        examples: the table of features in the past, by `schema.table`.
        outcomes: the table of what happened then.
        outcome: its column.
        today: the table of features as of the last batch.
        strata: the column whose meaning for the outcome is no discovery; chance is judged among customers with an equal value of it.
        features: what the model takes.
    """

    name: str
    examples: str
    outcomes: str
    outcome: str
    today: str
    strata: str
    features: tuple[Feature, ...]


# Who has one account loses the last one sooner than who has three: no model is needed to know that.
_QUESTIONS = {
    "attrition": (
        "features.ftr_customer_quarters",
        "features.ftr_customer_attrition",
        "has_left",
        "features.ftr_customers",
        "open_account_count",
    )
}
NAMES = tuple(_QUESTIONS)


def question_of(name: str, declarations: Declarations) -> Question:
    """The question of a model.

    Args:
        name: of the model.
        declarations: of the project, which say what is a feature.

    Raises:
        LearnError: there is no such question, or the project has no features for it.
    """
    if name not in _QUESTIONS:
        raise LearnError(f"{name}: no such model; there are {', '.join(NAMES)}")
    examples, outcomes, outcome, today, strata = _QUESTIONS[name]
    features = declared_features(declarations, examples)
    if not features:
        raise LearnError(f"{examples}: no column is declared as a feature (meta: {{feature: ...}})")
    return Question(name, examples, outcomes, outcome, today, strata, features)


def declared_features(declarations: Declarations, table: str) -> tuple[Feature, ...]:
    """The columns of a table that are declared as features, in their order.

    Raises:
        LearnError: there is no such table, or a declaration is no transformation.
    """
    if table not in declarations.nodes:
        raise LearnError(f"{table}: no such table in the project")
    found = []
    for name, column in declarations.nodes[table]["columns"].items():
        meta = {**(column.get("meta") or {}), **(column.get("config", {}).get("meta") or {})}
        if (said := meta.get("feature")) is None:
            continue
        if said not in list(Transformation):
            raise LearnError(
                f"{table}.{name}: feature: {said} is not one of {', '.join(Transformation)}"
            )
        found.append(Feature(name, Transformation(said)))
    return tuple(found)


def matrix(columns: Sequence[Numbers], features: Sequence[Feature]) -> npt.NDArray[np.float32]:
    """What a model takes, a row for each customer: the one way from columns to inputs, for training and for all scores."""
    taken = [
        feature.of(values).astype(np.float32)
        for feature, values in zip(features, columns, strict=True)
    ]
    return np.ascontiguousarray(np.stack(taken, axis=1))
