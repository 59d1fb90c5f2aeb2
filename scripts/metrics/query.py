"""The answer to a question about metrics.

Usage:
    answer = query_metrics(warehouse, ["clients", "trading_revenue"], ["metric_time__month"], where=["customer__tier = 1"])
    for row in answer.rows:
        print(dict(zip(answer.columns, row)))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from scripts.metrics.definitions import Definitions, Statement
from scripts.warehouse.settings import Target


class Readable(Protocol):
    """What has the schemas marts and quality, or the relations that the definitions name: a warehouse, or a session of what is published."""

    @property
    def target(self) -> Target:
        """The engine."""

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""


@dataclass(frozen=True)
class Answer:
    """Rows, and the names of their columns: first what they are grouped by, then the metrics."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def query_metrics(
    warehouse: Readable,
    metrics: Sequence[str],
    group_by: Sequence[str] = (),
    where: Sequence[str] = (),
    order: Sequence[str] = (),
    limit: int | None = None,
    definitions: Definitions | None = None,
) -> Answer:
    """The values of metrics, in one row for each group.

    Args:
        warehouse: it is only read.
        metrics: their names.
        group_by: dimensions; a time may be followed by its grain: `metric_time__month`.
        where: conditions that all hold, such as `customer__tier = 1` or `broker__branch in North, South`.
        order: names of columns, after a `-` if descending; by default, what they are grouped by.
        limit: the number of rows; None for all.
        definitions: where the metrics are defined; None for the project in the working directory.

    Raises:
        MetricsError: the question has no answer: an unknown name, or a metric that cannot be grouped this way.
        FileNotFoundError, duckdb.Error, psycopg2.Error: the warehouse cannot be read.
    """
    known = definitions or Definitions.of_project()
    question = known.statement(warehouse.target, metrics, group_by, where, order, limit)
    return answer(warehouse, question)


def answer(warehouse: Readable, question: Statement) -> Answer:
    """The rows of a question that was planned before (`Definitions.statement`)."""
    rows = [tuple(map(_as_day, row)) for row in warehouse.query(question.sql)]
    return Answer(question.columns, rows)


def _as_day(value: Any) -> Any:
    """Engines give the first day of a month as a day, a time, or a time with a zone; no metric has a finer grain."""
    return value.date() if isinstance(value, datetime) else value
