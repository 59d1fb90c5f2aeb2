"""Fingerprints of tables: equal if and only if the tables hold the same rows, in any order and on any engine.

The recipe is the same on every engine. Each row becomes one text: its values by the name of their column,
separated by U+001F, NULL as U+001E. Values are cast to text, except where engines write the same value in
two ways: decimals lose their trailing zeros, floats have 15 digits, lists begin with their length and have
U+001D between items. The first 60 bits of the MD5 of this text are a number, and the fingerprint is the sum
of these numbers, so a row that occurs twice counts twice.

Usage:
    warehouse.fingerprints()                    of every table (see scripts.warehouse.base)
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

# When something was loaded, and how long that took, differs from run to run of the same sources.
LOAD_COLUMNS = ("loaded_at", "message_date_and_time", "seconds")


class Fingerprint(NamedTuple):
    """What a table holds: the number of its rows, and a digest of them as a decimal number."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Recipe:
    """The recipe in the SQL of one engine; the attributes are what engines write differently.

    Attributes:
        decimal_type: how the names of types of decimal numbers begin.
        float_type: how the names of types of floating-point numbers begin.
        float_text: the text of a float, given as `{0}`.
        list_text: the text of a list, given as `{0}`.
        first_60_bits: the number of the first 15 hexadecimal digits of a text, given as `{0}`.
        joined: how to join texts with U+001F between them, given as a list with commas as `{0}`; none of them is NULL.
        quote: what stands around the name of a column.
        text_type: the type of texts of any length.
        without_zeros: the text of a decimal number, given as `{0}`, without the zeros at its end.
    """

    decimal_type: str
    float_type: str
    float_text: str
    list_text: str
    first_60_bits: str
    joined: str
    quote: str = '"'
    text_type: str = "varchar"
    without_zeros: str = "rtrim(rtrim({0}, '0'), '.')"

    def fingerprint_query(
        self, relation: str, types: Mapping[str, str], ignored: Collection[str]
    ) -> str:
        """The query of the number of rows and the digest of a relation."""
        bits = self.first_60_bits.format("md5(row_text)")
        rows = self.row_text_query(relation, types, ignored)
        return (
            f"select count(*), coalesce(sum(cast({bits} as decimal(38, 0))), 0)"
            f" from ({rows}) as rows"
        )

    def row_text_query(
        self, relation: str, types: Mapping[str, str], ignored: Collection[str]
    ) -> str:
        """The query of the texts of all rows of a relation, given its columns with their types."""
        values = [
            f"coalesce({self._value_text(name, types[name])}, chr(30))"
            for name in counted_columns(types, ignored)
        ]
        row_text = self.joined.format(", ".join(values)) if values else "''"
        return f"select {row_text} as row_text from {relation}"

    def _value_text(self, name: str, data_type: str) -> str:
        column = f"{self.quote}{name}{self.quote}"
        text = f"cast({column} as {self.text_type})"
        if data_type.endswith("[]"):
            return self.list_text.format(column)
        if data_type.startswith(self.float_type):
            return self.float_text.format(column)
        if data_type.startswith(self.decimal_type):
            # Most have no zero to lose, and looking for one costs less than losing it.
            shorter = self.without_zeros.format(text)
            return f"case when {text} like '%.%0' then {shorter} else {text} end"
        return text


def counted_columns(columns: Collection[str], ignored: Collection[str]) -> list[str]:
    """The columns that count, in the order of their values in the text of a row."""
    return sorted(name for name in columns if name not in ignored)
