"""Metrics of what is published, as a role.

Usage:
    metrics = PublishedMetrics()
    with published.opened("analyst") as session:
        answer = metrics.answer(session, Question(("clients",), group_by=("metric_time__month",)))
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scripts.metrics.definitions import Definitions, Metric, Statement
from scripts.metrics.query import Answer, answer
from scripts.serve.sessions import Session
from scripts.warehouse.settings import Target


@dataclass(frozen=True)
class Question:
    """What is asked; see `query_metrics`."""

    metrics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None


class PublishedMetrics:
    """The metrics of the project, for any number of threads. Definitions are read once.

    Args:
        read: makes the definitions, given how tables are named; None for those of the project in the working directory.
    """

    def __init__(self, read: Callable[[Mapping[str, str]], Definitions] | None = None) -> None:
        self._read = read or Definitions.of_project
        self._lock = threading.Lock()
        self._definitions: dict[tuple[tuple[str, str], ...], Definitions] = {}
        self._group_bys: dict[str, list[str]] = {}

    def all(self) -> dict[str, Metric]:
        """Every metric, by name.

        Raises:
            MetricsError: the definitions cannot be read.
        """
        return self._of(()).metrics

    def group_bys(self, metric: str) -> list[str]:
        """What a metric can be grouped by.

        Raises:
            MetricsError: there is no such metric, or MetricFlow is missing.
        """
        with self._lock:
            known = self._group_bys.get(metric)
        if known is None:
            known = self._of(()).group_bys([metric])
            with self._lock:
                self._group_bys[metric] = known
        return known

    def answer(self, session: Session, question: Question) -> Answer:
        """The rows of a question.

        Raises:
            MetricsError: it has no answer.
            ServeError: see `Session.query`.
        """
        return answer(session, self.statement(session, question))

    def statement(self, session: Session, question: Question) -> Statement:
        """The SQL of a question.

        Raises:
            MetricsError: it has no answer.
        """
        # The files of DuckDB have the names of the warehouse; the schemas of Postgres depend on the role.
        names: tuple[tuple[str, str], ...] = ()
        if session.target is Target.POSTGRES:
            names = tuple((name, session.relation(name)) for name in sorted(session.tables))
        return self._of(names).statement(
            session.target,
            question.metrics,
            question.group_by,
            question.where,
            question.order,
            question.limit,
        )

    def _of(self, names: tuple[tuple[str, str], ...]) -> Definitions:
        with self._lock:
            if names not in self._definitions:
                self._definitions[names] = self._read(dict(names))
            return self._definitions[names]
