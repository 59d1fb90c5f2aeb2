"""Read the SQL in the `.sql` files beside the modules of the verifier.

A file is a sequence of named statements, each ended by a semicolon:

    -- check: watches.actions
    -- An action is ACTV or CNCL
    select w_action from watch_history
    where w_action not in ('ACTV', 'CNCL');

The first comment line gives the name, the following ones say what is true (of a check) or what a row is (of a table).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

from brokerage_sources.verify.check import Check, NoRows

_STATEMENT = re.compile(
    r"-- (?:check|table): (?P<name>\S+)\n(?P<comment>(?:-- [^\n]*\n)+)(?P<sql>.+?);\n\s*", re.DOTALL
)


@dataclass(frozen=True)
class Statement:
    """A named statement without its semicolon, and the comment before it as one line."""

    name: str
    comment: str
    sql: str


def read_statements(file: str) -> list[Statement]:
    """The statements of a file, by its path inside this package.

    Raises:
        ValueError: a part of the file is no named statement; the message quotes its first line.
    """
    text = files("brokerage_sources.verify").joinpath(file).read_text(encoding="utf-8")
    statements, position = [], 0
    while position < len(text):
        found = _STATEMENT.match(text, position)
        if found is None:
            line = text[position:].splitlines()[0]
            raise ValueError(f"{file}: expected '-- check: name' and a comment, not {line!r}")
        comment = " ".join(line.removeprefix("-- ") for line in found["comment"].splitlines())
        statements.append(Statement(found["name"], comment, found["sql"]))
        position = found.end()
    return statements


def read_checks(file: str) -> list[Check]:
    """A check for each statement of a file, which lists the rows that contradict the comment."""
    return [NoRows(item.name, item.comment, item.sql) for item in read_statements(file)]
