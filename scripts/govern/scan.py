"""Look for personal values in columns that are not declared as personal.

Usage:
    for finding in scan(warehouse, columns, names_in=personal_columns):
        print(finding.column, finding.kind, finding.found, finding.looked_at)

A tax number, an e-mail address, a telephone number and the number of a payment card are known by their form, cards also by their check digit. A name is known if all words of a
value, or two that follow each other, are names of somebody in the warehouse. Values are sampled: the same ones each time. A finding never has the value itself.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from scripts.govern.columns import Column
from scripts.warehouse.base import Warehouse

# How many different values of a column are looked at.
SAMPLE = 5_000
# A name is also a word. In so many different values, and so large a share of them, it is no accident.
SHARE_OF_NAMES = 0.05
FEWEST_NAMES = 3
# Shorter names are found in too many words.
_SHORTEST_NAME = 4

_TAX_NUMBER = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_E_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
_PHONE = re.compile(
    r"(?<![\w-])(?:\+?\d{1,3}[- ])?(?:\(\d{3}\) ?|\d{3}[- ])\d{3}-\d{4}(?!-?\d)(?!\w)"
)
# Without an area, only if there is nothing else: an extension may follow without a space.
_LOCAL_PHONE = re.compile(r"(?:\(\d{3}\) ?)?\d{3}-\d{4,9}")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


@dataclass(frozen=True)
class Finding:
    """Personal values in a column.

    Attributes:
        column: where they are.
        kind: what they are.
        found: in how many of the values.
        looked_at: how many different values were looked at.
    """

    column: Column
    kind: str
    found: int
    looked_at: int

    def __str__(self) -> str:
        return f"{self.column}: {self.kind} in {self.found} of {self.looked_at} different values"


def scan(
    warehouse: Warehouse, columns: Iterable[Column], names_in: Collection[Column]
) -> Iterator[Finding]:
    """Look at a sample of the values of each column.

    Args:
        warehouse: to read.
        columns: to look at.
        names_in: columns that have the names of persons.
    """
    names = {
        word.casefold()
        for column in names_in
        for value in _sample(warehouse, column)
        for word in _WORD.findall(value)
        if len(word) >= _SHORTEST_NAME
    }
    for column in columns:
        values = _sample(warehouse, column)
        kinds = [kind for value in values for kind in kinds_in(value, names)]
        for kind in sorted(set(kinds)):
            found = kinds.count(kind)
            if kind != "name" or found >= max(FEWEST_NAMES, SHARE_OF_NAMES * len(values)):
                yield Finding(column, kind, found, len(values))


def kinds_in(value: str, names: Collection[str] = ()) -> set[str]:
    """The kinds of personal values in a text; names in small letters."""
    kinds = {kind for kind, is_in in _DETECTORS.items() if is_in(value)}
    if _has_name([word.casefold() in names for word in _WORD.findall(value)]):
        kinds.add("name")
    return kinds


def _has_name(is_name: list[bool]) -> bool:
    """Whether all words are names, or two that follow each other: a single one in a sentence may be a word like others."""
    return any(is_name) and (all(is_name) or any(map(all, pairwise(is_name))))


def _has_card(value: str) -> bool:
    return any(_is_valid(re.sub(r"\D", "", found)) for found in _CARD.findall(value))


def _is_valid(digits: str) -> bool:
    """Whether the last digit is the check digit (Luhn) of the others, and the first one that of a kind of card."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + position % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and digits[0] in "3456"


_DETECTORS: dict[str, Callable[[str], bool]] = {
    "tax number": lambda value: _TAX_NUMBER.search(value) is not None,
    "e-mail": lambda value: _E_MAIL.search(value) is not None,
    "phone": lambda value: bool(_PHONE.search(value) or _LOCAL_PHONE.fullmatch(value.strip())),
    "card number": _has_card,
}


def _sample(warehouse: Warehouse, column: Column) -> list[str]:
    """Different values of a column as text, the same ones each time."""
    text = f'cast("{column.name}" as varchar)'
    rows = warehouse.query(
        f"select value from (select distinct {text} as value from {column.relation}"
        f' where "{column.name}" is not null) as different order by md5(value) limit {SAMPLE}'
    )
    return [str(value) for (value,) in rows]
