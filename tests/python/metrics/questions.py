"""Questions about metrics, each with an answer in SQL that was written without looking at how metrics are made.

A file of SQL gives the answer to several questions: what is grouped by is put into it. Its first column is that, the others are metrics, by name.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scripts.metrics.definitions import Definitions
from scripts.metrics.query import query_metrics
from scripts.warehouse.base import Warehouse

FOLDER = Path(__file__).parent
NOTHING = "null"
# An answer: the values of a group, by the group and the metric.
Values = dict[tuple[Any, str], Any]


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        file: the SQL of the answer, without suffix.
        by: what metrics are grouped by; empty for one figure.
        group: the same in the SQL of the file.
        period: the period of a month in the SQL of the file; only for what has periods.
        without: columns of the file that are not asked for.
        folder: of the file.
    """

    file: str
    by: str = ""
    group: str = NOTHING
    period: str = ""
    without: tuple[str, ...] = ()
    folder: Path = FOLDER

    @property
    def name(self) -> str:
        """In the list of tests."""
        return f"{self.file} by {self.by or 'nothing'}"

    @property
    def sql(self) -> str:
        """Its answer, complete."""
        text = (self.folder / f"{self.file}.sql").read_text()
        return text.replace("{group}", self.group).replace("{period}", self.period)

    @property
    def columns(self) -> list[str]:
        """Its columns: those of the last select of the file."""
        last_select = self.sql.rpartition("\nselect\n")[2].partition("\nfrom ")[0]
        return re.findall(r"\bas (\w+),?$", last_select, flags=re.MULTILINE)

    @property
    def metrics(self) -> list[str]:
        """What is asked for."""
        return [name for name in self.columns if name not in ("grouped", *self.without)]

    @property
    def group_by(self) -> list[str]:
        """As `query_metrics` takes it."""
        return [self.by] if self.by else []


def _month(column: str) -> str:
    return f"date_trunc('month', {column})"


def _periods(file: str) -> Iterator[Question]:
    for grain in ("month", "quarter", "year"):
        truncated = f"date_trunc('{grain}', month_start)"
        yield Question(file, f"metric_time__{grain}", "period", truncated)
    yield Question(file, "", NOTHING, "'ever'")


QUESTIONS = [
    Question("trades"),
    Question("trades", "metric_time__month", _month("closed_on")),
    Question("trades", "metric_time__year", "date_trunc('year', closed_on)"),
    Question("trades", "trade__type", "type"),
    Question("trades", "customer__tier", "tier"),
    Question("trades", "customer__customer_id", "customer_id"),
    Question("trades", "account__status", "account_status"),
    Question("trades", "broker__branch", "branch"),
    Question("trades", "security__exchange_id", "exchange_id"),
    Question("trades", "company__industry", "industry"),
    Question("placed"),
    Question("placed", "metric_time__month", _month("placed_on")),
    Question("placed", "trade__type", "type"),
    Question("growth", "metric_time__month"),
    Question("collected", "metric_time__month"),
    *_periods("assets"),
    Question("assets", "customer__tier", "tier", "'ever'"),
    Question("assets", "broker__branch", "branch", "'ever'"),
    Question("assets", "account__status", "account_status", "'ever'"),
    Question("customer_assets", "customer__tier"),
    Question("cash_flow"),
    Question("cash_flow", "metric_time__month", _month("moved_on")),
    *_periods("customers"),
    # Nobody was a client when the first month began, so there are no groups to begin with.
    Question(
        "customers", "customer__tier", "tier", "'ever'", ("opening_clients", "attrition_rate")
    ),
    Question("per_client", "metric_time__month"),
    Question("assets_per_client"),
    Question("prospects"),
    Question("prospects", "prospect__state", "state"),
    Question("loads"),
    Question("loads", "load__feed", "feed"),
    Question("loads", "batch", "batch_id"),
    Question("batches", "batch"),
]


def as_values(columns: Sequence[str], rows: list[tuple[Any, ...]]) -> Values:
    """The figures of an answer, by group and metric. The first column is the group.

    A figure that is not there says the same as one that is unknown: MetricFlow leaves out groups without rows.
    """
    found: Values = {}
    for group, *figures in rows:
        group = group.date() if isinstance(group, datetime) else group
        for metric, figure in zip(columns[1:], figures, strict=True):
            assert (group, metric) not in found, f"{metric} of {group} is there twice"
            found[group, metric] = float(figure) if isinstance(figure, Decimal) else figure
    return {key: value for key, value in found.items() if value is not None}


def answer(question: Question, warehouse: Warehouse, definitions: Definitions) -> Values:
    """What the metrics say."""
    found = query_metrics(warehouse, question.metrics, question.group_by, definitions=definitions)
    rows = found.rows if question.by else [(None, *row) for row in found.rows]
    return as_values(found.columns if question.by else ("", *found.columns), rows)


def expected(question: Question, warehouse: Warehouse) -> Values:
    """What the SQL says."""
    found = as_values(question.columns, warehouse.query(question.sql))
    return {key: value for key, value in found.items() if key[1] in question.metrics}


def differences(one: Values, other: Values) -> list[str]:
    """The first figures that are not the same, but for the rounding of binary fractions."""
    return [
        f"{metric} of {group}: {one.get((group, metric))}, and {other.get((group, metric))}"
        for group, metric in sorted(one.keys() | other.keys(), key=str)
        if one.get((group, metric)) != pytest.approx(other.get((group, metric)), rel=1e-9, abs=1e-9)
    ][:5]
