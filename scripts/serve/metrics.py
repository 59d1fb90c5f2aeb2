"""Metrics of what is published, as a role.

Usage:
    metrics = PublishedMetrics()
    with published.opened("analyst") as session:
        answer = metrics.answer(session, Question(("clients",), group_by=("metric_time__month",)))
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scripts.metrics.definitions import Definitions, Metric, Statement
from scripts.metrics.query import Answer, answer
from scripts.serve.sessions import Session
from scripts.warehouse.settings import Target

# Questions whose plans are kept: planning one takes longer than answering it.
_PLANS = 1000


@dataclass(frozen=True)
class Question:
    """What is asked; see `query_metrics`."""

    metrics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None


class PublishedMetrics:
    """The metrics of the project, for any number of threads. Definitions are read once, plans are kept.

    Args:
        read: makes the definitions, given how tables are named; None for those of the project in the working directory.
    """

    def __init__(self, read: Callable[[Mapping[str, str]], Definitions] | None = None) -> None:
        self._read = read or Definitions.of_project
        self._lock = threading.Lock()
        self._definitions: dict[tuple[tuple[str, str], ...], Definitions] = {}
        self._plans: OrderedDict[tuple[object, ...], Statement] = OrderedDict()

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
        return self._of(()).group_bys([metric])

    def answer(self, session: Session, question: Question) -> Answer:
        """The rows of a question.

        Raises:
            MetricsError: it has no answer.
            ServeError: see `Session.query`.
        """
        # The files of DuckDB have the names of the warehouse; the schemas of Postgres depend on the role.
        names: tuple[tuple[str, str], ...] = ()
        if session.target is Target.POSTGRES:
            names = tuple((name, session.relation(name)) for name in sorted(session.tables))
        return answer(session, self._plan(names, session.target, question))

    def _plan(
        self, names: tuple[tuple[str, str], ...], target: Target, question: Question
    ) -> Statement:
        key = (names, target, question)
        with self._lock:
            if known := self._plans.get(key):
                self._plans.move_to_end(key)
                return known
        planned = self._of(names).statement(
            target,
            question.metrics,
            question.group_by,
            question.where,
            question.order,
            question.limit,
        )
        with self._lock:
            self._plans[key] = planned
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        return planned

    def _of(self, names: tuple[tuple[str, str], ...]) -> Definitions:
        with self._lock:
            if names not in self._definitions:
                self._definitions[names] = self._read(dict(names))
            return self._definitions[names]
