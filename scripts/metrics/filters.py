"""Conditions of a question, such as `customer__tier = 1`.

Nothing of them reaches a warehouse as SQL: the name must be one that metrics can be grouped by, the operator one of a list, and values are quoted.

Usage:
    condition = parse_condition("metric_time__month >= 2017-01-01")
    condition = parse_condition("broker__branch in North, South")
"""

import re
from dataclasses import dataclass

OPERATORS = ("=", "<>", "<=", ">=", "<", ">", "in")
GRAINS = ("day", "week", "month", "quarter", "year")
_CONDITION = re.compile(
    r"\s*([a-zA-Z_]\w*)\s*(<>|<=|>=|=|<|>|\s[iI][nN]\s)\s*(.*?)\s*", flags=re.DOTALL
)
# MetricFlow takes conditions as templates of Jinja.
_TEMPLATE = re.compile(r"\{[{%#]|[%#}]\}|\x00")


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

    def template(self) -> str:
        """As MetricFlow takes it."""
        quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in self.values)
        values = f"({quoted})" if self.operator == "in" else quoted
        return f"{{{{ {self._subject()} }}}} {self.operator} {values}"

    def _subject(self) -> str:
        stem, _, last = self.name.rpartition("__")
        if last in GRAINS and stem:
            return f"TimeDimension('{stem}', '{last}')"
        if self.name == "metric_time":
            return "TimeDimension('metric_time')"
        return f"Dimension('{self.name}')" if stem else f"Entity('{self.name}')"


def parse_condition(text: str) -> Condition:
    """A condition from text: a name, an operator, a value, or after `in` values with commas between them.

    Raises:
        ConditionError: it is none, or a value holds what MetricFlow would take for a template.
    """
    found = _CONDITION.fullmatch(text)
    if not found:
        raise ConditionError(
            f"{text!r} is no condition; write a name, one of {' '.join(OPERATORS)}, and a value: customer__tier = 1"
        )
    name, operator, given = found[1], found[2].strip().lower(), found[3]
    if _TEMPLATE.search(given):
        raise ConditionError(f"{text!r}: a value must not contain {{{{, {{% or {{#")
    values = given.split(",") if operator == "in" else [given]
    return Condition(name, operator, tuple(_unquoted(value.strip()) for value in values))


def _unquoted(value: str) -> str:
    """Quotes around a value may be written, as in SQL."""
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return value
