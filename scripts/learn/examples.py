"""Those who are scored, with their features and what became of them, from what is published.

Usage:
    with published.opened("analyst") as session:
        examples = read_examples(session, question)
        today = read_today(session, question)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from scripts.learn.question import (
    Feature,
    Keys,
    KeyType,
    LearnError,
    Numbers,
    Question,
    TooLittleError,
    matrix,
)
from scripts.serve.sessions import Session

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Examples:
    """Customers, or others who are scored, on as-of dates: one element each.

    Attributes:
        ids: their keys, whole numbers or texts.
        dates: the as-of dates.
        columns: the values of the features, in their order; NaN stands for NULL.
        inputs: what a model takes, a row each.
        alike: the values of the column whose meaning is no discovery.
        outcomes: what happened; empty if it is not asked for.
    """

    ids: Keys
    dates: npt.NDArray[np.datetime64]
    columns: tuple[Numbers, ...]
    inputs: npt.NDArray[np.float32]
    alike: Numbers
    outcomes: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, chosen: Any) -> "Examples":
        return Examples(
            self.ids[chosen],
            self.dates[chosen],
            tuple(column[chosen] for column in self.columns),
            self.inputs[chosen],
            self.alike[chosen],
            self.outcomes[chosen] if len(self.outcomes) else self.outcomes,
        )

    @property
    def all_dates(self) -> list[date]:
        """The as-of dates, each once, in order."""
        return [day.item() for day in np.unique(self.dates)]

    def on(self, dates: Sequence[date]) -> "Examples":
        """Those of some dates."""
        return self[np.isin(self.dates, np.array(dates, dtype="datetime64[D]"))]

    def taken_by(
        self, features: Sequence[Feature], read: Sequence[Feature]
    ) -> npt.NDArray[np.float32]:
        """The inputs of a model that was trained on some of the features that were read, or took them in another way.

        Raises:
            LearnError: a feature of the model is not there any more.
        """
        places = {feature.name: number for number, feature in enumerate(read)}
        if gone := [feature.name for feature in features if feature.name not in places]:
            raise LearnError(
                f"the model takes {', '.join(gone)}, which is no feature any more: train again"
            )
        return matrix([self.columns[places[feature.name]] for feature in features], features)

    def fingerprint(self) -> str:
        """A SHA-256 of all that is learned from: equal data, equal fingerprint, on any engine."""
        digest = hashlib.sha256()
        keys = self.ids
        if keys.dtype.kind == "U":
            keys = np.frombuffer("\n".join(keys.tolist()).encode(), dtype=np.uint8)
        for part in (keys, self.dates.astype(np.int64), self.inputs, self.outcomes):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def with_outcomes(self, outcomes: npt.NDArray[np.bool_]) -> "Examples":
        """The same, of whom something else became."""
        return replace(self, outcomes=outcomes)


def fresh_dates(examples: Examples, learned_from: Sequence[str]) -> list[date]:
    """The dates after all of those that were learned from, which are given as ISO 8601."""
    last = max(learned_from)
    return [day for day in examples.all_dates if day.isoformat() > last]


def read_examples(session: Session, question: Question) -> Examples:
    """All examples of which it is known what became of them, by date and key.

    Raises:
        TooLittleError: there are none.
        ServeError: they cannot be read.
    """
    examples, outcomes = session.relation(question.examples), session.relation(question.outcomes)
    found = _read(
        session,
        question,
        f"from {examples} as examples inner join {outcomes} as outcomes"
        f" on examples.{question.key} = outcomes.{question.key} and examples.as_of_date = outcomes.as_of_date",
        f"outcomes.{question.outcome}",
    )
    if not len(found):
        raise TooLittleError(
            f"{question.outcomes}: no rows; outcomes are known {question.horizon_days} days after their date: load more,"
            " or, if features begin later than they could, set the variable features_from to an earlier day"
        )
    return found


def read_today(
    session: Session, question: Question, keys: Sequence[int | str] | None = None
) -> Examples:
    """Examples as of the last batch, by key.

    Args:
        session: reads the version.
        question: says which features.
        keys: of some of them; None for all. Those without features are not in the answer.
    """
    condition = ""
    if keys is not None:
        condition = f" where examples.{question.key} in ({', '.join('?' * len(keys))})"
    return _read(
        session,
        question,
        f"from {session.relation(question.today)} as examples{condition}",
        parameters=keys or (),
    )


def _read(
    session: Session,
    question: Question,
    source: str,
    outcome: str = "",
    parameters: Sequence[int | str] = (),
) -> Examples:
    features = ", ".join(
        f"cast(examples.{feature.name} as double precision) as {feature.name}"
        for feature in question.features
    )
    more = f", {outcome} as outcome" if outcome else ""
    alike = f"examples.{question.alike}" if question.alike else "0"
    table = session.arrow(
        f"select examples.{question.key} as key, examples.as_of_date, {features},"
        f" cast({alike} as double precision) as alike{more} {source}",
        parameters,
    )
    kind = np.int64 if question.key_type is KeyType.NUMBER else np.str_
    ids = table.column("key").to_numpy(zero_copy_only=False).astype(kind)
    dates = table.column("as_of_date").to_numpy().astype("datetime64[D]")
    columns = tuple(_numbers(table, feature.name) for feature in question.features)
    found = Examples(
        ids=ids,
        dates=dates,
        columns=columns,
        inputs=matrix(columns, question.features),
        alike=_numbers(table, "alike"),
        outcomes=table.column("outcome").to_numpy(zero_copy_only=False).astype(np.bool_)
        if outcome
        else np.zeros(0, dtype=np.bool_),
    )
    # Engines order texts in their own ways.
    return found[np.lexsort((ids, dates))]


def _numbers(table: "pa.Table", name: str) -> Numbers:
    values: Numbers = table.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
    return values
