"""A question about a resource, from the parameters of a request, and the SQL that answers it.

Usage:
    question = Question.parse(resource, [("status", "eq.Completed"), ("order", "-trade_id"), ("limit", "10")], largest_page=10_000)
    statement = question.rows(session.relation(resource.table))
    session.query(statement.sql, statement.values)

Nothing of a request becomes SQL: names are looked up, operators come from a list, values are bound.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from scripts.serve.api.kinds import LONGEST_FILTER, Kind
from scripts.serve.api.problems import INVALID_PARAMETER, NO_SUCH_PAGE, Problem
from scripts.serve.api.resources import OF_ALL_ROWS, OF_PAGES, Order, Resource, with_key

_OPERATORS = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_NULLS = {"null": "is null", "not_null": "is not null"}
_PATTERNS = ("like", "ilike")
FILTERS_OF_A_COLUMN = 3
_NUMBER = re.compile("[0-9]{1,9}")
_CURSOR = re.compile("[A-Za-z0-9_-]{1,4000}")


@dataclass(frozen=True)
class Statement:
    """SQL, and the values that belong where its question marks are."""

    sql: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Condition:
    """A filter: a column, an operator, values."""

    column: str
    operator: str
    values: tuple[Any, ...]

    def statement(self, kind: Kind) -> Statement:
        """As SQL."""
        column = f'"{self.column}"'
        if self.operator == "is":
            return Statement(f"{column} {_NULLS[self.values[0]]}", ())
        if self.operator == "in":
            places = ", ".join(kind.place for _ in self.values)
            return Statement(f"{column} in ({places})", self.values)
        if self.operator in _PATTERNS:
            return Statement(f"{column} {self.operator} ? escape '!'", self.values)
        return Statement(f"{column} {_OPERATORS[self.operator]} {kind.place}", self.values)

    @classmethod
    def parse(cls, column: str, kind: Kind, text: str) -> "Condition":
        """From a text such as `eq.Completed`.

        Raises:
            ValueError: it is no filter of this kind of values.
        """
        operator, _, value = text.partition(".")
        return cls(column, operator, _values(kind, operator, value))


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: after a row, of a version.

    Attributes:
        version: that the page belongs to.
        question: digest of the question without `select`, `limit` and `count`.
        values: of the columns that rows are sorted by, in the row before the page.
    """

    version: str
    question: str
    values: tuple[str | None, ...]

    @property
    def text(self) -> str:
        """As in the parameter `after`."""
        content = json.dumps([self.version, self.question, self.values], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """From the parameter `after`.

        Raises:
            Problem: it is none.
        """
        try:
            content = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            version, question, values = json.loads(content)
            parts = [version, question, *(value for value in values if value is not None)]
        except (ValueError, TypeError, RecursionError) as error:
            raise _no_cursor() from error
        is_whole = isinstance(values, list) and all(isinstance(part, str) for part in parts)
        if not is_whole or not _CURSOR.fullmatch(text):
            raise _no_cursor()
        return cls(version, question, tuple(values))


@dataclass(frozen=True)
class Question:
    """What is asked of a resource.

    Attributes:
        resource: that is asked.
        conditions: that all hold.
        columns: of the answer.
        order: of the rows of a page; no two are alike. All rows are sorted only if somebody wants that: it takes all of them into memory.
        limit: the number of rows of a page; None if all rows are asked for.
        is_counted: the number of all rows is asked for, too.
        after: where the page begins; None for the first one.
    """

    resource: Resource
    conditions: tuple[Condition, ...]
    columns: tuple[str, ...]
    order: tuple[Order, ...]
    limit: int | None
    is_counted: bool
    after: Cursor | None

    @classmethod
    def parse(
        cls, resource: Resource, parameters: Iterable[tuple[str, str]], largest_page: int | None
    ) -> "Question":
        """From the parameters of a request.

        Args:
            resource: that is asked.
            parameters: names and texts, in their order.
            largest_page: the most rows of a page; None if all rows are asked for, which have no pages.

        Raises:
            Problem: one of them cannot be understood.
        """
        given: dict[str, str] = {}
        conditions = []
        for name, text in parameters:
            if name in resource.filters:
                conditions.append(_condition(name, resource.columns[name].kind, text))
            elif name not in (OF_PAGES if largest_page else OF_ALL_ROWS):
                known = (*(OF_PAGES if largest_page else OF_ALL_ROWS), *resource.filters)
                raise _invalid(name, "there is no such parameter", f"there are {', '.join(known)}")
            elif name in given:
                raise _invalid(name, "is given twice", "give it once, values separated by commas")
            else:
                given[name] = text
        for name in resource.filters:
            if sum(each.column == name for each in conditions) > FILTERS_OF_A_COLUMN:
                raise _invalid(name, "too many filters", f"give at most {FILTERS_OF_A_COLUMN}")
        order = [Order.parse(text) for text in _names("order", given)]
        for each in order:
            if each.column not in resource.filters:
                raise _invalid(
                    "order", f"no sorting by {each.column[:50]!r}", _any_of(resource.filters)
                )
        columns = _names("select", given)
        for column in columns:
            if column not in resource.columns:
                raise _invalid("select", f"no column {column[:50]!r}", _any_of(resource.columns))
        for name in OF_ALL_ROWS:
            words = _names(name, given)
            if len(set(words)) < len(words):
                raise _invalid(name, "names something twice", "name it once")
        question = cls(
            resource=resource,
            conditions=tuple(conditions),
            columns=tuple(columns) or tuple(resource.columns),
            order=_whole_order(resource, order, is_page=largest_page is not None),
            limit=_limit(given, resource.page_size, largest_page) if largest_page else None,
            is_counted=_flag("count", given),
            after=Cursor.parse(given["after"]) if "after" in given else None,
        )
        question._check_cursor()
        return question

    @property
    def version(self) -> str | None:
        """The version that is asked for; None for the current one."""
        return self.after.version if self.after else None

    @cached_property
    def digest(self) -> str:
        """Identifies which rows are asked for, and in which order."""
        parts = [self.resource.name, repr(self.conditions), repr(self.order)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def hidden(self) -> tuple[str, ...]:
        """Columns that the next cursor needs, and the answer does not have."""
        return tuple(each.column for each in self.order if each.column not in self.columns)

    def rows(self, relation: str) -> Statement:
        """The rows of the page and one more, which tells whether there is another page; or all rows. The hidden columns come last."""
        columns = self.columns if self.limit is None else (*self.columns, *self.hidden)
        where = self._where(with_cursor=True)
        order = ", ".join(
            f'"{each.column}"{" desc" if each.is_descending else ""}{self._nulls(each)}'
            for each in self.order
        )
        sql = f"select {_list(columns)} from {relation}{where.sql}"
        if order:
            sql = f"{sql} order by {order}"
        page = "" if self.limit is None else f" limit {self.limit + 1}"
        return Statement(sql + page, where.values)

    def count(self, relation: str) -> Statement:
        """The number of all rows, on whatever page."""
        where = self._where(with_cursor=False)
        return Statement(f"select count(*) from {relation}{where.sql}", where.values)

    def next_cursor(self, version: str, columns: Sequence[str], row: Sequence[Any]) -> Cursor:
        """Where the page after a row begins."""
        values = dict(zip(columns, row, strict=True))
        texts = (_text(values[each.column]) for each in self.order)
        return Cursor(version, self.digest, tuple(texts))

    def _check_cursor(self) -> None:
        if self.after is None:
            return
        if self.after.question != self.digest or len(self.after.values) != len(self.order):
            raise Problem(
                NO_SUCH_PAGE,
                "the cursor belongs to another question",
                parameter="after",
                fix="keep filters and order from page to page, or begin again without `after`",
            )
        # Values that somebody has made up end here.
        _ = self._after

    @cached_property
    def _after(self) -> Statement:
        """The rows after the cursor: the first columns are equal, the next one is later."""
        assert self.after is not None
        values = []
        for each, text in zip(self.order, self.after.values, strict=True):
            try:
                kind = self.resource.columns[each.column].kind
                # Text of a row may be anything.
                read = kind.read if kind.is_text and "\0" not in (text or "") else kind.parse
                values.append(None if text is None else read(text))
            except ValueError as error:
                raise _no_cursor() from error
        is_plain = not any(self._is_nullable(each) for each in self.order)
        directions = {each.is_descending for each in self.order}
        if is_plain and len(directions) == 1 and None not in values:
            # One comparison of all columns, for which an index can be used.
            places = ", ".join(self.resource.columns[e.column].kind.place for e in self.order)
            sign = "<" if directions.pop() else ">"
            names = _list([each.column for each in self.order])
            return Statement(f"({names}) {sign} ({places})", tuple(values))
        ways, bound = [], []
        for position, each in enumerate(self.order):
            parts = [
                self._same(before, value)
                for before, value in zip(self.order[:position], values[:position], strict=True)
            ]
            parts.append(self._later(each, values[position]))
            ways.append(" and ".join(part.sql for part in parts))
            bound += [value for part in parts for value in part.values]
        return Statement(f"({' or '.join(f'({way})' for way in ways)})", tuple(bound))

    def _same(self, order: Order, value: Any) -> Statement:
        if value is None:
            return Statement(f'"{order.column}" is null', ())
        place = self.resource.columns[order.column].kind.place
        return Statement(f'"{order.column}" = {place}', (value,))

    def _later(self, order: Order, value: Any) -> Statement:
        if value is None:
            return Statement("false", ())
        place = self.resource.columns[order.column].kind.place
        sign = "<" if order.is_descending else ">"
        later = f'"{order.column}" {sign} {place}'
        if self._is_nullable(order):
            later = f'({later} or "{order.column}" is null)'
        return Statement(later, (value,))

    def _where(self, *, with_cursor: bool) -> Statement:
        columns = self.resource.columns
        parts = [each.statement(columns[each.column].kind) for each in self.conditions]
        if with_cursor and self.after is not None:
            parts.append(self._after)
        if not parts:
            return Statement("", ())
        return Statement(
            " where " + " and ".join(part.sql for part in parts),
            tuple(value for part in parts for value in part.values),
        )

    def _is_nullable(self, order: Order) -> bool:
        return self.resource.columns[order.column].is_nullable

    def _nulls(self, order: Order) -> str:
        return " nulls last" if self._is_nullable(order) else ""


def one_row(
    resource: Resource, relation: str, columns: Sequence[str], keys: Sequence[Any]
) -> Statement:
    """The row with a key."""
    where = " and ".join(f'"{name}" = {resource.columns[name].kind.place}' for name in resource.key)
    return Statement(f"select {_list(columns)} from {relation} where {where}", tuple(keys))


def selected(resource: Resource, parameters: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The columns of the answer about one row, which has no other parameters.

    Raises:
        Problem: a parameter cannot be understood.
    """
    given = list(parameters)
    for name, _ in given:
        if name != "select":
            raise _invalid(name, "there is no such parameter", "give only `select`")
    return Question.parse(resource, given, largest_page=resource.page_size).columns


def _whole_order(resource: Resource, order: list[Order], *, is_page: bool) -> tuple[Order, ...]:
    if order:
        return with_key(order, resource.key)
    return resource.order if is_page else ()


def _condition(name: str, kind: Kind, text: str) -> Condition:
    if len(text) > LONGEST_FILTER:
        fix = f"write at most {LONGEST_FILTER} characters"
        raise _invalid(name, f"{len(text)} characters are too many", fix)
    try:
        return Condition.parse(name, kind, text)
    except ValueError as error:
        likes = ", like.Comp*" if kind.is_text else ""
        fix = f"write it as {name}=eq.{kind.example}, with eq, neq, gt, gte, lt or lte; or in.({kind.example}), is.null, is.not_null{likes}"
        raise _invalid(name, str(error), fix) from error


def _values(kind: Kind, operator: str, text: str) -> tuple[Any, ...]:
    """The values of a filter.

    Raises:
        ValueError: they do not go with the operator.
    """
    if operator == "is" and text in _NULLS:
        return (text,)
    if operator == "in":
        return tuple(map(kind.parse, _items(kind, text)))
    if operator in _PATTERNS and kind.is_text:
        return (re.sub("([!%_])", r"!\1", kind.parse(text)).replace("*", "%"),)
    if operator in _OPERATORS:
        return (kind.parse(text),)
    raise ValueError(f"{operator[:20]!r} with {text[:50]!r} is no filter of a {kind.name}")


def _items(kind: Kind, text: str) -> list[str]:
    """The values of a list in parentheses."""
    inner = text.removeprefix("(").removesuffix(")")
    item = re.compile(kind.item)
    found: list[str] = []
    position = 0
    while text == f"({inner})" and (match := item.match(inner, position)):
        value = match[0]
        if kind.is_text and value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.append(value)
        position = match.end()
        if position == len(inner):
            return found
        if inner[position] != ",":
            break
        position += 1
    raise ValueError(f"{text[:50]!r} is no list of values in parentheses")


def _names(parameter: str, given: dict[str, str]) -> list[str]:
    return given[parameter].split(",") if parameter in given else []


def _flag(name: str, given: dict[str, str]) -> bool:
    text = given.get(name, "false")
    if text not in ("true", "false"):
        raise _invalid(name, f"{text[:50]!r} is no truth value", "write true or false")
    return text == "true"


def _limit(given: dict[str, str], usual: int, largest: int) -> int:
    text = given.get("limit")
    if text is None:
        return min(usual, largest)
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= largest:
        raise _invalid(
            "limit", f"{text[:50]!r} is no number of rows", f"write a number from 1 to {largest}"
        )
    return int(text)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _no_cursor() -> Problem:
    return Problem(NO_SUCH_PAGE, "after is not a cursor of this server", parameter="after")


def _invalid(parameter: str, detail: str, fix: str) -> Problem:
    return Problem(
        INVALID_PARAMETER, f"{parameter[:50]}: {detail}", parameter=parameter[:50], fix=fix
    )


def _any_of(names: Iterable[str]) -> str:
    return f"use {', '.join(names)}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
