"""The types of values: what a filter or a key of each type looks like, and how it is written into an answer.

Usage:
    kind = kind_of("decimal(10,2)")
    value = kind.parse("12.50")
    kind.json(value)
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any

_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][48]|[13579][26])00|(?:[2468]0)00)"
_DAY = (
    r"(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_TEXT = r"[^\x00]*"
# A whole filter, with its operator; an address has room for some of them.
LONGEST_FILTER = 2000
_COMPARED = ("eq", "neq", "gt", "gte", "lt", "lte")


def _quoted(value: Any) -> str:
    return f'"{value}"'


@dataclass(frozen=True)
class Kind:
    """A type of values.

    Attributes:
        name: what it is called in messages.
        pattern: a regular expression of its values in filters and keys; what matches can be read.
        schema: of its values in an answer, as in OpenAPI.
        read: makes a value of a text that matches.
        write: makes JSON of a value that is not null.
        place: where a value belongs in a statement.
        example: a value.
    """

    name: str
    pattern: str
    schema: dict[str, Any]
    read: Callable[[str], Any] = field(repr=False)
    write: Callable[[Any], str] = field(repr=False)
    place: str = "?"
    example: str = ""

    @property
    def is_text(self) -> bool:
        """Whether patterns can be searched in it."""
        return self.name == "text"

    @cached_property
    def item(self) -> str:
        """A regular expression of a value in a list; text may be quoted."""
        if self.is_text:
            return r'(?:"(?:[^"\\\x00]|\\["\\])*"|[^",()\\\x00]+)'
        return f"(?:{self.pattern})"

    @cached_property
    def filter_pattern(self) -> str:
        """A regular expression of a whole filter: operator, point, value."""
        ways = [rf"(?:{'|'.join(_COMPARED)})\.(?:{self.pattern})"]
        ways.append(rf"in\.\({self.item}(?:,{self.item})*\)")
        ways.append(r"is\.(?:null|not_null)")
        if self.is_text:
            ways.append(rf"i?like\.{_TEXT}")
        return f"^(?:{'|'.join(ways)})$"

    @cached_property
    def _value(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def parse(self, text: str) -> Any:
        """The value of a text.

        Raises:
            ValueError: it is none.
        """
        if not self._value.fullmatch(text):
            raise ValueError(f"{text[:50]!r} is no {self.name}; write it as {self.example}")
        return self.read(text)

    def json(self, value: Any) -> str:
        """A value as JSON."""
        return "null" if value is None else self.write(value)


_TEXT_KIND = Kind(
    "text",
    _TEXT,
    {"type": "string"},
    str,
    lambda value: json.dumps(str(value), ensure_ascii=False),
    example="Completed",
)
_WHOLE = r"-?[0-9]{1,18}"
_FRACTION = r"-?[0-9]{1,26}(?:\.[0-9]{1,10})?"
_KINDS = (
    (
        re.compile(r"smallint|integer|bigint|int|u?tinyint"),
        Kind("whole number", _WHOLE, {"type": "integer"}, int, str, example="42"),
    ),
    (
        re.compile(r"(decimal|numeric).*"),
        Kind(
            "number",
            _FRACTION,
            {"type": "number"},
            Decimal,
            lambda value: f"{value:f}",
            example="12.50",
        ),
    ),
    (
        re.compile(r"double( precision)?|real|float"),
        Kind(
            "number",
            _FRACTION,
            {"type": "number"},
            float,
            # JSON has no infinity.
            lambda value: json.dumps(value) if abs(value) < float("inf") else "null",
            example="12.50",
        ),
    ),
    (
        re.compile("boolean"),
        Kind(
            "truth value",
            "true|false",
            {"type": "boolean"},
            lambda text: text == "true",
            lambda value: "true" if value else "false",
            example="true",
        ),
    ),
    (
        re.compile("date"),
        Kind(
            "day",
            f"(?:{_DAY}|{_LEAP}-02-29)",
            {"type": "string", "format": "date"},
            date.fromisoformat,
            _quoted,
            example="2017-07-08",
        ),
    ),
    (
        re.compile("timestamp.*"),
        Kind(
            "time",
            f"(?:{_DAY}|{_LEAP}-02-29)[T ]{_TIME}",
            {"type": "string", "description": "UTC, without a zone"},
            datetime.fromisoformat,
            lambda value: f'"{value.isoformat()}"',
            example="2017-07-08T12:00:00",
        ),
    ),
    (
        re.compile("time"),
        Kind(
            "time of day",
            _TIME,
            {"type": "string"},
            time.fromisoformat,
            lambda value: f'"{value.isoformat()}"',
            example="12:00:00",
        ),
    ),
    (
        re.compile("uuid"),
        Kind(
            "UUID",
            "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
            {"type": "string", "format": "uuid"},
            str.lower,
            _quoted,
            place="cast(? as uuid)",
            example="00000000-0000-0000-0000-000000000000",
        ),
    ),
)


def kind_of(data_type: str) -> Kind:
    """The kind of a type of SQL, as declared in the YAML of a model; text if it is another one."""
    name = data_type.lower()
    return next((kind for pattern, kind in _KINDS if pattern.fullmatch(name)), _TEXT_KIND)


def kind_of_value(value: Any) -> Kind:
    """The kind of a value of an answer."""
    for types, data_type in (
        (bool, "boolean"),
        (int, "bigint"),
        (Decimal, "decimal"),
        (float, "double"),
        (datetime, "timestamp"),
        (date, "date"),
        (time, "time"),
    ):
        if isinstance(value, types):
            return kind_of(data_type)
    return _TEXT_KIND
