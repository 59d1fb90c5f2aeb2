"""Which shares a change of a model breaks: the declarations before it against those after it.

Usage:
    for problem in broken_shares(read_shares(), Declarations.of_file(old), Declarations.of_project()):
        print(problem)
"""

from collections.abc import Iterable, Iterator

from scripts.serve.declarations import Declarations
from scripts.share.policies import Share, SharedTable
from scripts.share.rules import Model, Violation, model_of


def broken_shares(shares: Iterable[Share], before: Declarations, after: Declarations) -> list[str]:
    """What recipients find changed, one line each: tables and columns that are gone, other types, another key, columns that have become personal."""
    return [
        Violation(share.label, "changes_of_models_break_no_share", f"{table.name}: {reason}").text
        for share in shares
        for table in share.tables.values()
        for reason in _changes(table, model_of(table, before), model_of(table, after))
    ]


def _changes(table: SharedTable, before: Model | None, after: Model | None) -> Iterator[str]:
    if before is None:
        return
    if after is None:
        yield f"{table.table} is gone, or analysts may not read it any more"
        return
    if before.key != after.key:
        yield f"the key was {', '.join(before.key)} and is {', '.join(after.key) or 'gone'}"
    for name in sorted(table.shared & before.columns.keys()):
        old, new = before.columns[name], after.columns.get(name)
        if new is None:
            yield f"{name} is gone"
        elif old.data_type != new.data_type:
            yield f"{name} was {old.data_type} and is {new.data_type}"
        elif old.personal != new.personal:
            yield f"{name} was {_kind(old.personal)} and is {_kind(new.personal)}"


def _kind(personal: str | None) -> str:
    return f"personal ({personal})" if personal else "not personal"
