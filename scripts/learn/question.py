"""What a model is asked: about whom, from which features, and what the answer turned out to be. Declared in `questions.yml`; the features where they are made, in the models of dbt.

Usage:
    question = question_of("attrition", Declarations.of_project())
    print(question.features)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from scripts.serve.declarations import Declarations

Numbers = npt.NDArray[np.float64]
# Whole numbers or texts.
Keys = npt.NDArray[Any]


class LearnError(Exception):
    """Something cannot be learned, scored or promoted: says why, and what to do."""


class TooLittleError(LearnError):
    """There is too little to learn from yet."""


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


class KeyType(StrEnum):
    """What identifies those who are scored, and what it is called in the Open Inference Protocol."""

    NUMBER = "number"
    TEXT = "text"

    @property
    def datatype(self) -> str:
        """Of the protocol."""
        return "INT64" if self is KeyType.NUMBER else "BYTES"


@dataclass(frozen=True)
class Question:
    """A question: about whom, from which features, and what the answer turned out to be. Declared in `questions.yml`, which explains each attribute.

    Attributes:
        name: of the model that answers it.
        features: what the model takes.
    """

    name: str
    asks: str
    use: str
    entity: str
    entities: str
    key: str
    key_type: KeyType
    happened: str
    absent: str
    chosen: str
    horizon_days: int
    examples: str
    today: str
    outcomes: str
    outcome: str
    features: tuple[Feature, ...]
    alike: str | None = None

    @property
    def learned(self) -> str:
        """All of it that decides what is learned; words do not."""
        return repr(
            (self.name, self.examples, self.outcomes, self.outcome, self.alike, self.features)
        )


_FILE = Path(__file__).with_name("questions.yml")
_QUESTIONS: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
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
    declared = _QUESTIONS[name]
    features = declared_features(declarations, declared["examples"])
    if not features:
        raise LearnError(
            f"{declared['examples']}: no column is declared as a feature (meta: {{feature: ...}})"
        )
    return Question(
        **{
            **declared,
            "name": name,
            "key_type": KeyType(declared["key_type"]),
            "features": features,
        }
    )


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
    """What a model takes, a row for each example: the one way from columns to inputs, for training and for all scores."""
    taken = [
        feature.of(values).astype(np.float32)
        for feature, values in zip(features, columns, strict=True)
    ]
    return np.ascontiguousarray(np.stack(taken, axis=1))
