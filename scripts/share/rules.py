"""What no share may do. A violation has the name of the rule, which is that of a function here; limits are in shares/_rules.yml.

Usage:
    rules = read_rules()
    for violation in violations(share, rules, declarations):
        print(violation.text)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from scripts.publish.tables import PublishedTable, Reader
from scripts.serve.api.kinds import kind_of
from scripts.serve.api.questions import Condition
from scripts.serve.api.resources import primary_key
from scripts.serve.declarations import Declarations
from scripts.share.policies import (
    FOLDER,
    POSTGRES,
    REDIS,
    Given,
    Share,
    SharedTable,
    Transformation,
    scheme_of,
)

FILE = FOLDER / "_rules.yml"
# Names of columns that begin so are those of changes.
OWN_PREFIX = "_"
_KINDS_OF_TRANSFORMATIONS = {
    Transformation.YEAR: ("day", "time"),
    Transformation.BUCKET: ("whole number", "number"),
}
# Values stay apart, so rows can still be told from each other.
_KEEPS_KEYS = (Transformation.KEYED_HASH,)


@dataclass(frozen=True)
class Rules:
    """The limits of shares.

    Attributes:
        transformations: of each kind of personal data, what it may become.
        smallest_group: that may be shared where years or buckets tell something about people.
        longest_approval_days: for which anybody may approve a share.
    """

    transformations: dict[str, tuple[str, ...]]
    smallest_group: int
    longest_approval_days: int


@dataclass(frozen=True)
class Violation:
    """A rule that a share violates.

    Attributes:
        share: recipient and name.
        rule: its name.
        reason: what is wrong, and what to do.
    """

    share: str
    rule: str
    reason: str

    @property
    def text(self) -> str:
        """In one line."""
        return f"{self.share}: {self.rule}: {self.reason}"


@dataclass(frozen=True)
class Column:
    """A column of a published table, as declared in its model.

    Attributes:
        name: of the column.
        data_type: of SQL.
        description: for people.
        personal: the kind of personal data; None if it is not personal.
        has_telling_mask: whether its mask says something about the person, such as the year of birth.
    """

    name: str
    data_type: str
    description: str
    personal: str | None
    has_telling_mask: bool


@dataclass(frozen=True)
class Model:
    """A table that is shared, as declared.

    Attributes:
        published: who reads it, and its masks.
        description: for people.
        columns: by name, in their order.
        key: the columns of its primary key, in the order of the columns.
    """

    published: PublishedTable
    description: str
    columns: dict[str, Column]
    key: tuple[str, ...]


def read_rules(file: Path = FILE) -> Rules:
    """The limits in a file.

    Raises:
        PolicyError: it cannot be understood.
    """
    given = Given.of_file(file)
    kinds = given.part("transformations")
    rules = Rules(
        transformations={kind: kinds.names(kind, tuple(Transformation)) for kind in kinds.keys},
        smallest_group=given.number("smallest_group", at_least=2),
        longest_approval_days=given.number("longest_approval_days", at_least=1),
    )
    given.nothing_else()
    return rules


def model_of(table: SharedTable, declarations: Declarations) -> Model | None:
    """The model of a shared table; None if analysts read no such table."""
    published = declarations.tables.get(table.table)
    node = declarations.nodes.get(table.table)
    if published is None or node is None or not published.is_read_by(Reader.ANALYST):
        return None
    columns = {name: _column(name, column) for name, column in node["columns"].items()}
    key = primary_key(node)
    return Model(
        published=published,
        description=_one_line(node.get("description")),
        columns=columns,
        key=tuple(name for name in columns if name in key),
    )


def violations(
    share: Share, rules: Rules, declarations: Declarations, today: date | None = None
) -> list[Violation]:
    """The rules that a share violates.

    Args:
        share: that is judged.
        rules: with their limits.
        declarations: of the tables.
        today: to judge whether it is approved on that day, too; None to leave the calendar out.
    """
    found: list[tuple[Callable[..., Any], str]] = []
    for rule in _OF_SHARES:
        found += ((rule, reason) for reason in rule(share, rules))
    if today is not None:
        found += ((is_approved, reason) for reason in is_approved(share, today))
    for table in share.tables.values():
        model = model_of(table, declarations)
        for rule_of_tables in _OF_TABLES if model else (tables_are_those_of_analysts,):
            reasons = rule_of_tables(table, model, rules)
            found += ((rule_of_tables, f"{table.name}: {reason}") for reason in reasons)
    return [Violation(share.label, rule.__name__, reason) for rule, reason in found]


def names_are_used_once(shares: list[Share]) -> Iterator[Violation]:
    """Shares of all files have their own names; a file system may not tell upper from lower case, so names have only lower case."""
    for name in sorted({share.name for share in shares}):
        same = [share.label for share in shares if share.name == name]
        if len(same) > 1:
            yield Violation(", ".join(same), names_are_used_once.__name__, "rename one of them")


def destinations_are_used_once(shares: list[Share]) -> Iterator[Violation]:
    """Two shares in one folder or bucket would remove each other's versions. Tables and hashes have the name of their share."""
    places: dict[str, list[str]] = {}
    for share in shares:
        if share.destination and scheme_of(share.destination) not in (*POSTGRES, *REDIS):
            places.setdefault(share.destination.rstrip("/"), []).append(share.label)
    for place, labels in places.items():
        if len(labels) > 1:
            reason = f"all go to {place}; give each a folder of its own"
            yield Violation(", ".join(labels), destinations_are_used_once.__name__, reason)


# What is judged of all shares together.
OF_ALL: tuple[Callable[[list[Share]], Iterator[Violation]], ...] = (
    names_are_used_once,
    destinations_are_used_once,
)


def is_approved(share: Share, today: date) -> Iterator[str]:
    """The day lies between approval and expiry."""
    if today < share.approved_on:
        yield f"approved from {share.approved_on} on only"
    if today > share.approved_until:
        yield f"the approval has expired on {share.approved_until}; ask {share.approved_by} for a new one"


def approvals_end(share: Share, rules: Rules) -> Iterator[str]:
    """An approval lasts for a limited time."""
    longest = share.approved_on + timedelta(days=rules.longest_approval_days)
    if not share.approved_on <= share.approved_until <= longest:
        yield f"approved_until is {share.approved_until}; write a day from {share.approved_on} to {longest}"


def owners_do_not_approve(share: Share, _: Rules) -> Iterator[str]:
    """Two people look at a share."""
    if share.owner.casefold() == share.approved_by.casefold():
        yield f"{share.owner} owns it and has approved it; somebody else has to approve"


def tables_are_those_of_analysts(
    table: SharedTable, model: Model | None, _: Rules
) -> Iterator[str]:
    """What analysts may not read is not shared."""
    if model is None:
        yield f"analysts read no published table {table.table}"


def columns_exist(table: SharedTable, model: Model, _: Rules) -> Iterator[str]:
    """Each name is that of a column."""
    groups = table.small_groups
    named = [*table.columns, *table.personal, *table.rows]
    named += [groups.counted] if groups and groups.counted else []
    for name in dict.fromkeys(named):
        if name not in model.columns:
            yield f"{table.table} has no column {name}"
        elif name.startswith(OWN_PREFIX):
            yield f"{name}: names that begin with {OWN_PREFIX} are those of changes"


def tables_are_shared_with_their_key(table: SharedTable, model: Model, _: Rules) -> Iterator[str]:
    """Without the key, nobody can tell which row has changed."""
    if not model.key:
        yield f"{table.table} has no primary key in its constraints"
    for name in model.key:
        personal = table.personal.get(name)
        if name not in table.shared:
            yield f"{name} belongs to the key; add it to columns"
        elif personal and personal.transformation not in _KEEPS_KEYS:
            yield f"{name} belongs to the key; as {personal.transformation}, rows could not be told apart"


def personal_columns_have_a_reason(table: SharedTable, model: Model, _: Rules) -> Iterator[str]:
    """A personal column is shared with a reason and a transformation, or not at all."""
    for name in table.columns:
        if name in model.columns and model.columns[name].personal:
            yield f"{name} is personal ({model.columns[name].personal}); name it under personal, with transformation and reason"
    for name in table.personal:
        if name in model.columns and not model.columns[name].personal:
            yield f"{name} is not personal; name it under columns"


def kinds_of_personal_data_become_what_is_allowed(
    table: SharedTable, model: Model, rules: Rules
) -> Iterator[str]:
    """Each kind of personal data has its transformations."""
    for name, column in table.personal.items():
        kind = model.columns[name].personal if name in model.columns else None
        allowed = rules.transformations.get(kind or "", ())
        if kind and column.transformation not in allowed:
            yield f"{name} ({kind}) may not become {column.transformation}; allowed: {', '.join(allowed) or 'nothing'}"


def transformations_fit_their_columns(table: SharedTable, model: Model, _: Rules) -> Iterator[str]:
    """A year is that of a day, a bucket is one of numbers."""
    for name, column in table.personal.items():
        kinds = _KINDS_OF_TRANSFORMATIONS.get(column.transformation)
        if kinds and name in model.columns:
            data_type = model.columns[name].data_type
            if kind_of(data_type).name not in kinds:
                yield f"{name} is a {data_type}, of which there is no {column.transformation}"


def filters_can_be_read(table: SharedTable, model: Model, _: Rules) -> Iterator[str]:
    """Each filter is one of the column's kind of values."""
    for name, texts in table.rows.items():
        for text in texts:
            try:
                if name in model.columns:
                    Condition.parse(name, kind_of(model.columns[name].data_type), text)
            except ValueError as error:
                yield f"rows: {name}: {error}"


def rows_are_not_chosen_by_personal_columns(
    table: SharedTable, model: Model, _: Rules
) -> Iterator[str]:
    """Who gets the rows of rich people knows that they are rich."""
    for name in table.rows:
        if name in model.columns and model.columns[name].personal:
            yield f"rows: {name} is personal; choose rows by other columns"


def small_groups_are_withheld(table: SharedTable, model: Model, rules: Rules) -> Iterator[str]:
    """Where years, buckets or masks tell something about people, the smallest group is one of several people."""
    telling = [
        name
        for name, column in table.personal.items()
        if column.transformation in _KINDS_OF_TRANSFORMATIONS
        or (
            column.transformation is Transformation.MASK
            and name in model.columns
            and model.columns[name].has_telling_mask
        )
    ]
    groups = table.small_groups
    if groups is None:
        if telling:
            yield f"{', '.join(telling)}: declare small_groups by {', '.join(telling)}, minimum {rules.smallest_group}"
        return
    for name in groups.by:
        if name not in table.shared:
            yield f"small_groups: {name} is not shared, so it makes no group"
    if left := [name for name in telling if name not in groups.by]:
        yield f"small_groups: add {', '.join(left)} to by"
    if telling and groups.minimum < rules.smallest_group:
        yield f"small_groups: minimum is {groups.minimum}; write at least {rules.smallest_group}"


_OF_SHARES = (approvals_end, owners_do_not_approve)
_OF_TABLES: tuple[Callable[..., Iterator[str]], ...] = (
    columns_exist,
    tables_are_shared_with_their_key,
    personal_columns_have_a_reason,
    kinds_of_personal_data_become_what_is_allowed,
    transformations_fit_their_columns,
    filters_can_be_read,
    rows_are_not_chosen_by_personal_columns,
    small_groups_are_withheld,
)


def _column(name: str, column: Mapping[str, Any]) -> Column:
    meta = column.get("meta") or {}
    return Column(
        name=name,
        data_type=column.get("data_type") or "varchar",
        description=_one_line(column.get("description")),
        personal=meta.get("personal") or None,
        has_telling_mask=bool(meta.get("masked_as")),
    )


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
