"""Read JSON lines: one record per line, a JSON object; the contract says where in it each value is.

A value must have the JSON type of its column: a string for text, dates and times, a number for numbers (for a decimal also a string, because
senders write its digits so), true or false for a boolean. It then lands by the same rules as text of any other format: a number is its digits as
they are written, an empty string is NULL like null and a missing key. Keys that the contract does not know are left out and reported.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

import numpy as np
import pyarrow as pa

from scripts.load.contracts import Column, Feed, PathNode, path_tree
from scripts.load.lines import CONTROL, Lines, read_lines
from scripts.load.rows import Progress, Rows
from scripts.load.text import cast_rows

_CONTROL_CHARACTER = re.compile(CONTROL.pattern.decode())


class _Number(str):
    """The digits of a JSON number, as they are written."""

    __slots__ = ()


# A JSON object, or None where there is none.
_Object = dict[str, Any] | None


def read_json_lines(
    stream: IO[bytes], feed: Feed, batch: int, block_bytes: int, progress: Progress
) -> Iterator[Rows]:
    """Yield the rows of a file of JSON lines, block by block, in file order.

    Raises:
        FileError: the file is not text.
    """
    layout = feed.layout(batch)
    known = path_tree(feed.columns)
    for lines in read_lines(stream, block_bytes, feed.header_lines, progress):
        yield _typed(lines, layout, known)


def _typed(lines: Lines, layout: tuple[Column, ...], known: PathNode) -> Rows:
    objects, problems = _parsed(lines)
    found = _Found(len(objects), problems)
    _collect(objects, known, "", found)
    text = {column.name: _text(found, column) for column in layout}
    typed, reasons = cast_rows(text, layout)
    # What is wrong with a value of another type is said once, and not also that it is missing.
    reasons |= problems
    keep = np.ones(len(objects), dtype=bool)
    keep[list(reasons)] = False
    mask = pa.array(keep)
    violations = [lines.violation(row, reason) for row, reason in reasons.items()]
    return Rows(
        {name: column.filter(mask) for name, column in typed.items()},
        pa.array(lines.numbers[keep]),
        sorted(lines.violations + violations, key=lambda violation: violation.line),
        lines.numbered,
        [(int(lines.numbers[row]), path) for row, path in found.unknown if keep[row]],
    )


def _parsed(lines: Lines) -> tuple[list[_Object], dict[int, str]]:
    """The object of each line, and by its index why a line is none."""
    objects: list[_Object] = []
    problems: dict[int, str] = {}
    for index, line in enumerate(lines.data.decode().split("\n")[:-1]):
        try:
            value = _DECODE(line)
        except (ValueError, RecursionError) as error:
            problems[index] = _not_json(error)
            value = None
        else:
            if not isinstance(value, dict):
                problems[index] = "the line is not a JSON object"
                value = None
        objects.append(value)
    return objects, problems


def _not_json(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} in column {error.colno}; it may be cut off"
    if isinstance(error, RecursionError):
        return "not JSON that can be read: it is nested too deeply"
    return str(error)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} occurs twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"not JSON: {constant} is no number")


_DECODE = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_Number, parse_int=_Number, parse_constant=_refuse
).decode


@dataclass
class _Found:
    """What was found in the objects of some lines.

    Attributes:
        count: the number of lines.
        problems: by the index of a line why it does not land.
        values: for each column, the value in each line.
        unknown: index of a line, and path of a value that the contract does not know.
    """

    count: int
    problems: dict[int, str]
    values: dict[str, list[Any]] = field(default_factory=dict)
    unknown: list[tuple[int, str]] = field(default_factory=list)


def _collect(objects: list[_Object], node: PathNode, path: str, found: _Found) -> None:
    """Collect the values of all columns below a key."""
    keys: set[str] = set()
    for value in objects:
        if value:
            keys.update(value)
    unknown = keys - node.children.keys()
    if unknown:
        found.unknown += [
            (index, f"{path}{key}")
            for index, value in enumerate(objects)
            for key in sorted(unknown.intersection(value or ()))
        ]
    for name, child in node.children.items():
        values = [value.get(name) if value else None for value in objects]
        if child.column is not None:
            found.values[child.column.name] = values
        else:
            for index in _others(values, {dict}):
                found.problems.setdefault(index, f"{path}{name} is not an object")
                values[index] = None
            _collect(values, child, f"{path}{name}/", found)


def _others(values: list[Any], types: set[type]) -> list[int]:
    """The indexes of the values of other types; None is of any type."""
    accepted = types | {type(None)}
    if set(map(type, values)) <= accepted:
        return []
    return [index for index, value in enumerate(values) if type(value) not in accepted]


def _text(found: _Found, column: Column) -> pa.Array:
    """The values of a column as text; what is not of its type becomes a problem of its line."""
    values = found.values[column.name]
    wanted, name = _json_types(column)
    for index in _others(values, wanted):
        value = values[index]
        shown = value if isinstance(value, _Number) else json.dumps(value)
        found.problems.setdefault(index, f"{column.name} is not a JSON {name}: {shown[:60]}")
        values[index] = None
    if wanted == {bool}:
        values = [None if value is None else str(value).lower() for value in values]
    else:
        for index in _unstorable(values):
            found.problems.setdefault(
                index, f"{column.name} holds a character that no text may hold"
            )
            values[index] = None
    return pa.array([value or None for value in values], pa.string())


def _json_types(column: Column) -> tuple[set[type], str]:
    if pa.types.is_boolean(column.type):
        return {bool}, "boolean"
    if pa.types.is_integer(column.type):
        return {_Number}, "number"
    if pa.types.is_decimal(column.type):
        return {_Number, str}, "number"
    return {str}, "string"


def _unstorable(values: list[Any]) -> list[int]:
    """The indexes of texts with control characters, or with half of a pair of surrogates: only escapes can write them."""
    together = "".join(value for value in values if value)
    if together.isprintable() or not _is_unstorable(together):
        return []
    return [index for index, value in enumerate(values) if value and _is_unstorable(value)]


def _is_unstorable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return _CONTROL_CHARACTER.search(text) is not None
