"""What pages show: one published version, read as a role. Answers are kept, so that the same question about the same version is asked once.

Usage:
    data = Data.current("analyst")
    data.rows("branch_review/brokers", branch="North", first_month=..., last_month=...)     the file questions/branch_review/brokers.sql
    data.metrics(["trading_revenue"], ["metric_time__month"], where=[equals("broker__branch", "North")])

A question is a statement of SQL in a file. It names tables as `marts.dim_trade` and values as `$branch`; NULL stands for no filter. What it finds is what the role
may see: tables are replaced by what the role reads, which is masked where it must be.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from scripts.metrics.definitions import Metric
from scripts.metrics.query import Answer
from scripts.publish.manifest import Manifest
from scripts.serve.declarations import database_role
from scripts.serve.metrics import PublishedMetrics, Question
from scripts.serve.published import open_published
from scripts.serve.sessions import Published, Session

Row = Mapping[str, Any]

_QUESTIONS = Path(__file__).with_name("questions")
# A table in a FROM clause.
_TABLE = re.compile(r"\b(from|join)(\s+)(\w+)\.(\w+)")
_VALUE = re.compile(r"\$(\w+)")
_WORD = re.compile(r"\w+")
_COMMENT = re.compile(r"--.*$", re.MULTILINE)
_KEPT_ANSWERS = 200
_LOCK = threading.Lock()


class QuestionError(Exception):
    """A file of a question and its values do not fit together."""


@dataclass(frozen=True)
class SQL:
    """A statement.

    Attributes:
        sql: with `?` where values belong, and tables as `schema.table`.
        values: the names of the values, in the order of their places.
        tables: what it reads.
    """

    sql: str
    values: tuple[str, ...]
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Data:
    """A version and a role.

    Attributes:
        published: what is published.
        manifest: of the version.
        role: who reads.
    """

    published: Published
    manifest: Manifest
    role: str

    @classmethod
    def current(cls, role: str) -> Self:
        """The version that readers have now.

        Raises:
            ServeError: there is none, or it cannot be read.
        """
        opened = published()
        return cls(opened, opened.current(), role)

    def is_current(self) -> bool:
        """Whether no other version was published since."""
        return self.published.current().version == self.manifest.version

    def rows(self, name: str, **values: Any) -> pa.Table:
        """The rows of a question.

        Args:
            name: its file below `questions`, without the ending.
            values: what stands for each `$name`; None for no filter.

        Raises:
            ServeError: they cannot be read.
            QuestionError: a value is missing, or has no place.
        """
        statement = statement_of(name)
        if set(statement.values) != values.keys():
            raise QuestionError(
                f"{name}.sql has the values {sorted(set(statement.values))}, not {sorted(values)}"
            )
        parameters = tuple(values[value] for value in statement.values)
        version, role = self.manifest.version, self.role
        return _answer(version, role, statement.sql, parameters, self.published)

    def row(self, name: str, **values: Any) -> Row | None:
        """The first row of a question; None if there is none."""
        found: list[Row] = self.rows(name, **values).slice(0, 1).to_pylist()
        return found[0] if found else None

    def metrics(
        self,
        metrics: Sequence[str],
        group_by: Sequence[str] = (),
        where: Sequence[str] = (),
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[Row]:
        """The values of metrics, as `query_metrics` gives them: one row for each group.

        Raises:
            MetricsError: the question has no answer.
            ServeError: they cannot be read.
        """
        question = Question(tuple(metrics), tuple(group_by), tuple(where), tuple(order), limit)
        found = _answer_of_metrics(self.manifest.version, self.role, question, self.published)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    def metric(self, name: str) -> Metric:
        """What is known about a metric."""
        return _metrics().all()[name]

    def hidden_columns(self, name: str) -> list[str]:
        """The columns of a question whose values the role sees masked."""
        statement, role = statement_of(name), database_role(self.role)
        words = set(_WORD.findall(statement.sql))
        return sorted(
            column
            for table in map(self.published.declarations.tables.get, statement.tables)
            if table is not None and role in table.masked_grants
            for column in table.masks
            if column in words
        )

    def descriptions(self, name: str) -> dict[str, str]:
        """What the columns of the tables of a question mean, as their models say."""
        declared = self.published.declarations.tables
        tables = [declared[table] for table in statement_of(name).tables if table in declared]
        return {
            column: text for table in reversed(tables) for column, text in table.columns.items()
        }


@lru_cache(maxsize=_KEPT_ANSWERS)
def _answer(
    version: str, role: str, sql: str, parameters: tuple[Any, ...], published: Published
) -> pa.Table:
    """An answer about a version never changes, so it can be kept; those that were not asked for lately are forgotten."""
    with published.opened(role, version) as session:
        return session.arrow(_as_read(session, sql), parameters)


@lru_cache(maxsize=_KEPT_ANSWERS)
def _answer_of_metrics(version: str, role: str, question: Question, published: Published) -> Answer:
    """The same for metrics."""
    with published.opened(role, version) as session:
        return _metrics().answer(session, question)


def equals(name: str, value: Any) -> str:
    """A condition for metrics, whatever the value holds."""
    return f"{name} = '" + str(value).replace("'", "''") + "'"


def published() -> Published:
    """What is published, opened once for all readers."""
    with _LOCK:
        return _opened()


def close() -> None:
    """Close what is open, and forget all answers: the next question begins again."""
    with _LOCK:
        if _opened.cache_info().currsize:
            _opened().close()
        for kept in (_opened, _metrics, _answer, _answer_of_metrics, statement_of):
            kept.cache_clear()


@cache
def _opened() -> Published:
    return open_published()


@cache
def _metrics() -> PublishedMetrics:
    return PublishedMetrics()


@cache
def statement_of(name: str) -> SQL:
    """The question of a file below `questions`."""
    text = _COMMENT.sub("", (_QUESTIONS / f"{name}.sql").read_text(encoding="utf-8")).strip()
    tables = dict.fromkeys(f"{found[3]}.{found[4]}" for found in _TABLE.finditer(text))
    return SQL(_VALUE.sub("?", text), tuple(_VALUE.findall(text)), tuple(tables))


def _as_read(session: Session, sql: str) -> str:
    """A statement with the tables that the role reads."""

    def replaced(found: re.Match[str]) -> str:
        relation = session.relation(f"{found[3]}.{found[4]}")
        # A select takes the name that the statement gives it only if it has none of its own.
        is_select = relation.startswith("(")
        return f"{found[1]}{found[2]}{f'(select * from {relation})' if is_select else relation}"

    return _TABLE.sub(replaced, sql)
