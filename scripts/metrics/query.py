"""The answer to a question about metrics.

Usage:
    answer = query_metrics(warehouse, ["clients", "trading_revenue"], ["metric_time__month"], where=["customer__tier = 1"])
    for row in answer.rows:
        print(dict(zip(answer.columns, row)))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scripts.metrics.definitions import Definitions
from scripts.warehouse.base import Warehouse


@dataclass(frozen=True)
class Answer:
    """Rows, and the names of their columns: first what they are grouped by, then the metrics."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def query_metrics(
    warehouse: Warehouse,
    metrics: Sequence[str],
    group_by: Sequence[str] = (),
    where: Sequence[str] = (),
    order: Sequence[str] = (),
    limit: int | None = None,
    definitions: Definitions | None = None,
) -> Answer:
    """The values of metrics, in one row for each group.

    Args:
        warehouse: any with the schemas marts and quality; it is only read.
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
    rows = [tuple(map(_as_day, row)) for row in warehouse.query(question.sql)]
    return Answer(question.columns, rows)


def _as_day(value: Any) -> Any:
    """Engines give the first day of a month as a day, a time, or a time with a zone; no metric has a finer grain."""
    return value.date() if isinstance(value, datetime) else value
