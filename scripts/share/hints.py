"""Which files of a table can be left out of an answer, by what the client says it looks for. Only hints: a file is left out if none of its rows can match, and stays if in doubt.

Usage:
    hints = Hints(["quantity >= 100"], None, limit=10)
    chosen = hints.chosen(dump, folder)

What is compared are the statistics that Parquet files have: the smallest and the largest value of a column, and how many are missing.
"""

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, reduce
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from scripts.share.dumps import File
from scripts.share.index import Resource

# What a condition can be for a row: true, false, or unknown because a value is missing.
Outcomes = frozenset[bool | None]
_FALSE: Outcomes = frozenset((False,))
# The end of a longer text may be cut off in the statistics.
_LONGEST_TEXT = 60
_COLUMN = r'(?P<{0}>[A-Za-z_][A-Za-z0-9_]*|`[^`]+`|"[^"]+")'
_LITERAL = r"(?P<{0}>-?[0-9]+(?:\.[0-9]+)?|'(?:[^']|'')*'|true|false)"
_OPERATOR = r"\s*(?P<operator><=|>=|<>|!=|=|<|>)\s*"
_COMPARISON = re.compile(
    rf"\s*{_COLUMN.format('column')}{_OPERATOR}{_LITERAL.format('literal')}\s*", re.I
)
_REVERSED = re.compile(
    rf"\s*{_LITERAL.format('literal')}{_OPERATOR}{_COLUMN.format('column')}\s*", re.I
)
_MISSING = re.compile(rf"\s*{_COLUMN.format('column')}\s+is\s+(?P<negated>not\s+)?null\s*", re.I)
_OPERATIONS = {
    "=": "equal",
    "<": "lessThan",
    "<=": "lessThanOrEqual",
    ">": "greaterThan",
    ">=": "greaterThanOrEqual",
}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class _NotUnderstoodError(Exception):
    """A hint that says nothing here."""


@dataclass(frozen=True)
class Statistics:
    """What a file says about a column.

    Attributes:
        least: the smallest value; None if it does not say.
        most: the largest one.
        missing: values that are missing; None if it does not say.
        rows: of the file.
    """

    least: Any
    most: Any
    missing: int | None
    rows: int


@dataclass(frozen=True)
class Hints:
    """What a client looks for.

    Attributes:
        predicates: conditions of SQL that all hold.
        json_predicate: a condition as a tree, in JSON; None if there is none.
        limit: how many rows it will read; None for all.
    """

    predicates: tuple[str, ...] = ()
    json_predicate: str | None = None
    limit: int | None = None

    def chosen(self, resource: Resource, folder: Path) -> list[File]:
        """The files of a table that may have rows that the client looks for; those without rows are never among them.

        Args:
            resource: the table.
            folder: of its version.
        """
        files = [file for file in resource.files if file.rows]
        for tree in self._trees():
            files = [file for file in files if _may_hold(tree, resource, folder / file.path)]
        # How many rows of a file match, nobody knows before they are read.
        is_filtered = self.predicates or self.json_predicate
        return files if is_filtered or self.limit is None else _first(files, self.limit)

    def _trees(self) -> list[Any]:
        trees = []
        for text in self.predicates:
            try:
                trees.append(_tree_of(text))
            except _NotUnderstoodError:
                continue
        if self.json_predicate:
            with suppress(ValueError, RecursionError):
                trees.append(json.loads(self.json_predicate))
        return trees


def statistics_of(file: Path) -> dict[str, Statistics]:
    """What a file of Parquet says about its columns, by name."""
    return _statistics(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _statistics(file: Path, _: int) -> dict[str, Statistics]:
    with pq.ParquetFile(file) as opened:
        metadata = opened.metadata
        paths = [metadata.schema.column(place).path for place in range(metadata.num_columns)]
        # What is below a column, such as the items of a list, is left out.
        names = {path: place for place, path in enumerate(paths) if "." not in path}
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        return {
            name: _of_groups([group.column(place).statistics for group in groups], metadata)
            for name, place in names.items()
        }


def _of_groups(groups: list[Any], metadata: Any) -> Statistics:
    rows = metadata.num_rows
    if not all(groups):
        return Statistics(None, None, None, rows)
    counted = [each.has_null_count for each in groups]
    known = [each for each in groups if each.has_min_max]
    # A group of nothing but missing values has no smallest one.
    is_known = bool(known) and all(each.has_min_max or each.num_values == 0 for each in groups)
    least: Any = min(each.min for each in known) if is_known else None
    most: Any = max(each.max for each in known) if is_known else None
    is_cut = isinstance(most, str) and max(len(least), len(most)) > _LONGEST_TEXT
    return Statistics(
        None if is_cut else least,
        None if is_cut else most,
        sum(each.null_count for each in groups) if all(counted) else None,
        rows,
    )


def _first(files: Iterable[File], limit: int) -> list[File]:
    """As many files as have a number of rows."""
    chosen: list[File] = []
    for file in files:
        if sum(each.rows for each in chosen) >= limit:
            break
        chosen.append(file)
    return chosen


def _tree_of(text: str) -> dict[str, Any]:
    """A condition of SQL as a tree."""
    if found := _MISSING.fullmatch(text):
        tree = {"op": "isNull", "children": [_column(found)]}
        return {"op": "not", "children": [tree]} if found["negated"] else tree
    is_reversed = False
    found = _COMPARISON.fullmatch(text)
    if found is None:
        found, is_reversed = _REVERSED.fullmatch(text), True
    if found is None:
        raise _NotUnderstoodError(text)
    operator = "<>" if found["operator"] == "!=" else found["operator"]
    if is_reversed:
        operator = _MIRRORED.get(operator, operator)
    literal = found["literal"]
    if literal.startswith("'"):
        literal = literal[1:-1].replace("''", "'")
    children = [_column(found), {"op": "literal", "value": literal}]
    if operator == "<>":
        return {"op": "not", "children": [{"op": "equal", "children": children}]}
    return {"op": _OPERATIONS[operator], "children": children}


def _column(found: re.Match[str]) -> dict[str, Any]:
    return {"op": "column", "name": found["column"].strip('`"')}


def _may_hold(tree: Any, resource: Resource, file: Path) -> bool:
    """Whether a condition may hold for a row of a file; it may if nobody understands it."""
    try:
        return True in _outcomes(tree, resource, statistics_of(file))
    except (_NotUnderstoodError, ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        return True


def _outcomes(tree: Any, resource: Resource, known: dict[str, Statistics]) -> Outcomes:
    """What a condition can be for the rows of a file."""
    operation, children = tree["op"], tree["children"]
    if operation in ("and", "or"):
        join = _and if operation == "and" else _or
        parts = (_outcomes(each, resource, known) for each in children)
        return reduce(
            lambda left, right: frozenset(join(*pair) for pair in product(left, right)), parts
        )
    if operation == "not":
        (child,) = children
        return frozenset(
            None if each is None else not each for each in _outcomes(child, resource, known)
        )
    if operation == "isNull":
        (column,) = children
        return _is_missing(_found(column, resource, known)[1])
    if operation not in _COMPARED:
        raise _NotUnderstoodError(operation)
    left, right = children
    if left["op"] == "literal":
        left, right = right, left
        operation = {_OPERATIONS[old]: _OPERATIONS[new] for old, new in _MIRRORED.items()}.get(
            operation, operation
        )
    data_type, statistics = _found(left, resource, known)
    if right["op"] != "literal" or statistics.least is None:
        raise _NotUnderstoodError(operation)
    value = _value(str(right["value"]), data_type, left.get("valueType"))
    can_be_true, can_be_false = _COMPARED[operation](statistics.least, statistics.most, value)
    outcomes: set[bool | None] = set()
    if can_be_true:
        outcomes.add(True)
    if can_be_false:
        outcomes.add(False)
    if statistics.missing != 0:
        outcomes.add(None)
    return frozenset(outcomes)


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _or(left: bool | None, right: bool | None) -> bool | None:
    if left or right:
        return True
    return None if left is None or right is None else False


def _is_missing(statistics: Statistics) -> Outcomes:
    if statistics.missing is None:
        return frozenset((True, False))
    if statistics.missing == 0:
        return _FALSE
    return frozenset((True,)) if statistics.missing == statistics.rows else frozenset((True, False))


# Of each comparison, given the smallest and the largest value of a file: can it be true, and can it be false?
_COMPARED: dict[str, Callable[[Any, Any, Any], tuple[bool, bool]]] = {
    "equal": lambda least, most, value: (least <= value <= most, not least == value == most),
    "lessThan": lambda least, most, value: (least < value, most >= value),
    "lessThanOrEqual": lambda least, most, value: (least <= value, most > value),
    "greaterThan": lambda least, most, value: (most > value, least <= value),
    "greaterThanOrEqual": lambda least, most, value: (most >= value, least < value),
}


def _found(column: Any, resource: Resource, known: dict[str, Statistics]) -> tuple[str, Statistics]:
    """The type of a column and what the file says about it; names are the same in upper and lower case."""
    if column["op"] != "column":
        raise _NotUnderstoodError(column)
    names = {name.lower(): name for name in resource.columns}
    name = names[str(column["name"]).lower()]
    return resource.columns[name], known[name]


def _value(text: str, data_type: str, asked: Any) -> Any:
    """A value of the type of its column; a comparison as another type is not understood."""
    base = data_type.partition("(")[0]
    read, same = _READ.get(base, (None, ()))
    if read is None or asked not in (None, *same):
        raise _NotUnderstoodError(data_type)
    return read(text)


# By type of SQL: how a literal is read, and as which types of JSON predicates the column keeps its order.
_WHOLE: tuple[Callable[[str], Any], tuple[str, ...]] = (Decimal, ("int", "long"))
_READ: dict[str, tuple[Callable[[str], Any], tuple[str, ...]]] = {
    "bigint": _WHOLE,
    "integer": _WHOLE,
    "smallint": _WHOLE,
    "tinyint": _WHOLE,
    "decimal": (Decimal, ()),
    "date": (date.fromisoformat, ("date",)),
    "timestamp": (datetime.fromisoformat, ()),
    "boolean": ({"true": True, "false": False}.__getitem__, ("bool",)),
    "varchar": (str, ("string",)),
}
