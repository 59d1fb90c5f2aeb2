"""Conditions of a question, such as `customer__tier = 1`.

Nothing of them reaches a warehouse as SQL: the name must be one that metrics can be grouped by, the operator one of a list, and values are quoted.
MetricFlow plans with placeholders, so that questions that differ only in their values have the same plan.

Usage:
    condition = parse_condition("metric_time__month >= 2017-01-01")
    condition = parse_condition("broker__branch in North, South")
    condition.template(first=0)
    with_values(planned_sql, condition.values)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

OPERATORS = ("=", "<>", "<=", ">=", "<", ">", "in")
GRAINS = ("day", "week", "month", "quarter", "year")
_CONDITION = re.compile(
    r"\s*([a-zA-Z_]\w*)\s*(<>|<=|>=|=|<|>|\s[iI][nN]\s)\s*(.*?)\s*", flags=re.DOTALL
)
_PLACEHOLDER = re.compile(r"'<value (\d+)>'")


class ConditionError(Exception):
    """A condition that cannot be understood: says what is expected."""


@dataclass(frozen=True)
class Condition:
    """A comparison with values; with several, of the operator `in`.

    Attributes:
        name: what is compared, as in a `group_by`.
        operator: one of `OPERATORS`.
        values: as text; the engine reads them in the type of what is compared.
    """

    name: str
    operator: str
    values: tuple[str, ...]

    def template(self, first: int) -> str:
        """As MetricFlow takes it, with placeholders for its values, which are counted from `first`."""
        places = ", ".join(f"'<value {first + index}>'" for index in range(len(self.values)))
        compared = f"({places})" if self.operator == "in" else places
        return f"{{{{ {self._subject()} }}}} {self.operator} {compared}"

    def _subject(self) -> str:
        stem, _, last = self.name.rpartition("__")
        if last in GRAINS and stem:
            return f"TimeDimension('{stem}', '{last}')"
        if self.name == "metric_time":
            return "TimeDimension('metric_time')"
        return f"Dimension('{self.name}')" if stem else f"Entity('{self.name}')"


def with_values(sql: str, values: Sequence[str]) -> str:
    """A planned statement with values, quoted, in their places."""

    def quoted(found: re.Match[str]) -> str:
        return "'" + values[int(found[1])].replace("'", "''") + "'"

    return _PLACEHOLDER.sub(quoted, sql)


def parse_condition(text: str) -> Condition:
    """A condition from text: a name, an operator, a value, or after `in` values with commas between them.

    Raises:
        ConditionError: it is none, or a value has a character that no text of a database can have.
    """
    found = _CONDITION.fullmatch(text)
    if not found:
        raise ConditionError(
            f"{text!r} is no condition; write a name, one of {' '.join(OPERATORS)}, and a value: customer__tier = 1"
        )
    name, operator, given = found[1], found[2].strip().lower(), found[3]
    if "\x00" in given:
        raise ConditionError(f"{text!r}: a value must not contain the character NUL")
    values = given.split(",") if operator == "in" else [given]
    return Condition(name, operator, tuple(_unquoted(value.strip()) for value in values))


def _unquoted(value: str) -> str:
    """Quotes around a value may be written, as in SQL."""
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return value
