"""Customers with their features, and what became of them, from what is published.

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

from scripts.learn.question import Feature, LearnError, Numbers, Question, matrix
from scripts.serve.sessions import Session

if TYPE_CHECKING:
    import pyarrow as pa

# Customers of a statement that asks for some.
MOST_CUSTOMERS = 1000


@dataclass(frozen=True)
class Customers:
    """Customers on as-of dates, one element each.

    Attributes:
        ids: of the customers.
        dates: the as-of dates.
        columns: the values of the features, in their order; NaN stands for NULL.
        inputs: what a model takes, a row each.
        strata: the values of the column whose meaning is no discovery.
        outcomes: what happened; empty if it is not asked for.
    """

    ids: npt.NDArray[np.int64]
    dates: npt.NDArray[np.datetime64]
    columns: tuple[Numbers, ...]
    inputs: npt.NDArray[np.float32]
    strata: Numbers
    outcomes: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, chosen: Any) -> "Customers":
        return Customers(
            self.ids[chosen],
            self.dates[chosen],
            tuple(column[chosen] for column in self.columns),
            self.inputs[chosen],
            self.strata[chosen],
            self.outcomes[chosen] if len(self.outcomes) else self.outcomes,
        )

    @property
    def all_dates(self) -> list[date]:
        """The as-of dates, each once, in order."""
        return [day.item() for day in np.unique(self.dates)]

    def on(self, dates: Sequence[date]) -> "Customers":
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
        for part in (self.ids, self.dates.astype(np.int64), self.inputs, self.outcomes):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def with_outcomes(self, outcomes: npt.NDArray[np.bool_]) -> "Customers":
        """The same customers, of whom something else became."""
        return replace(self, outcomes=outcomes)


def read_examples(session: Session, question: Question) -> Customers:
    """All customers and dates of which it is known what became of them, by date and customer.

    Raises:
        LearnError: there are none.
        ServeError: they cannot be read.
    """
    examples, outcomes = session.relation(question.examples), session.relation(question.outcomes)
    found = _read(
        session,
        question,
        f"from {examples} as examples inner join {outcomes} as outcomes"
        " on examples.customer_id = outcomes.customer_id and examples.as_of_date = outcomes.as_of_date",
        f"outcomes.{question.outcome}",
    )
    if not len(found):
        raise LearnError(
            f"{question.outcomes}: no rows; outcomes are known 90 days after the end of a quarter,"
            " and the variable features_from says with which quarter the features begin"
        )
    return found


def read_today(
    session: Session, question: Question, customers: Sequence[int] | None = None
) -> Customers:
    """Customers as of the last batch, by customer.

    Args:
        session: reads the version.
        question: says which features.
        customers: some of them; None for all. Those that are no customers are not in the answer.
    """
    condition = ""
    if customers is not None:
        condition = f" where examples.customer_id in ({', '.join('?' * len(customers))})"
    return _read(
        session,
        question,
        f"from {session.relation(question.today)} as examples{condition}",
        parameters=customers or (),
    )


def _read(
    session: Session,
    question: Question,
    source: str,
    outcome: str = "",
    parameters: Sequence[int] = (),
) -> Customers:
    features = ", ".join(
        f"cast(examples.{feature.name} as double precision) as {feature.name}"
        for feature in question.features
    )
    more = f", {outcome} as outcome" if outcome else ""
    table = session.arrow(
        f"select examples.customer_id, examples.as_of_date, {features},"
        f" cast(examples.{question.strata} as double precision) as strata{more} {source}"
        " order by examples.as_of_date, examples.customer_id",
        parameters,
    )
    columns = tuple(_numbers(table, feature.name) for feature in question.features)
    return Customers(
        ids=table.column("customer_id").to_numpy().astype(np.int64),
        dates=table.column("as_of_date").to_numpy().astype("datetime64[D]"),
        columns=columns,
        inputs=matrix(columns, question.features),
        strata=_numbers(table, "strata"),
        outcomes=table.column("outcome").to_numpy(zero_copy_only=False).astype(np.bool_)
        if outcome
        else np.zeros(0, dtype=np.bool_),
    )


def _numbers(table: "pa.Table", name: str) -> Numbers:
    values: Numbers = table.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
    return values
