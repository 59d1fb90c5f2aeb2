"""What is collected, why, for how long, who decides and who may have it: `governance/*.yml`, read and completed.

Usage:
    register = Register.read(Path("governance"))
    register.terms_of(Column("crm.customer_mgmt", "c_tax_id")).legal_basis
    register.feeds["crm.customer_mgmt"].classified["c_tax_id"]      ["personal"]

A feed has the terms of its system unless it says otherwise, and a column has those of its feed. The class is said for each column: a column that is named nowhere has none,
and `python -m scripts.govern check` tells. What contracts and models declare (columns, `personal`, readers, owners of metrics) is not repeated here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import yaml

from scripts.govern.columns import Column
from scripts.load.contracts import YAML_LOADER

FOLDER = Path("governance")
TERMS_FILE = "terms.yml"
TABLES_FILE = "tables.yml"
HOLDS_FILE = "holds.yml"
# The classes whose values are masked for those who may not read personal columns.
CLOSED = ("personal", "special")
_TERMS = ("purpose", "legal_basis", "owner", "retention", "agreement", "sharing")
_FEED_KEYS = (*_TERMS, "columns", "exceptions", "erasure")
# What the rows of a feed may be about, and who can be erased: a customer with all accounts, or a prospect.
CUSTOMER, ACCOUNT, PROSPECT = PERSON_KEYS = ("customer", "account", "prospect")
_DAYS_OF_A_YEAR = 365
_ERASURE_KEYS = ("rows_of", "replaced", "instead", "is_quoted_in", "kept_because")
_HOLD_KEYS = ("customers", "prospects", "feeds", "set_by", "since", "reason")


class RegisterError(Exception):
    """A file of the register that cannot be used: names file and place, and what to do."""


@dataclass(frozen=True)
class Terms:
    """On what terms a column is kept.

    Attributes:
        purpose: what it is needed for.
        legal_basis: one of those in terms.yml.
        owner: the role that decides.
        retention: how long, as a number of days, years or batches, and after what.
        agreement: what was agreed with the source.
        sharing: to whom it may be given outside the house; one of those in terms.yml.
    """

    purpose: str = ""
    legal_basis: str = ""
    owner: str = ""
    retention: tuple[tuple[str, Any], ...] = ()
    agreement: str = ""
    sharing: str = ""

    @property
    def kept(self) -> str:
        """How long, in words, such as `6 years after the batch came`."""
        return " ".join(
            f"after {value}" if unit == "after" else f"{value} {unit}"
            for unit, value in self.retention
        )

    @property
    def days(self) -> int | None:
        """How many days; None if it is so many batches."""
        retention = dict(self.retention)
        if "years" in retention:
            return int(retention["years"]) * _DAYS_OF_A_YEAR
        return int(retention["days"]) if "days" in retention else None

    def changed(self, declared: dict[str, Any]) -> "Terms":
        """The same terms, except those that are declared."""
        changes = {key: declared[key] for key in _TERMS if key in declared}
        if "retention" in changes:
            kept = changes["retention"]
            changes["retention"] = tuple(kept.items()) if isinstance(kept, dict) else (("", kept),)
        return replace(self, **changes)


@dataclass(frozen=True)
class Erasure:
    """What becomes of the personal columns of a feed when a person is erased.

    Attributes:
        rows_of: by what a row is about (one of PERSON_KEYS), the column that has its key. Personal columns of these rows become NULL.
        replaced: columns with a key that tells something of the person; each value becomes another one, always the same.
        instead: by column, what it becomes instead of NULL.
        is_quoted_in: rows are not about one person, but messages in them may quote values of anybody: these are cut out.
        kept_because: why the feed is left as it is; empty if it is not.
    """

    rows_of: dict[str, str] = field(default_factory=dict)
    replaced: tuple[str, ...] = ()
    instead: dict[str, str] = field(default_factory=dict)
    is_quoted_in: bool = False
    kept_because: str = ""


@dataclass(frozen=True)
class Hold:
    """A legal hold: who must not be erased, and what must not be retired, until the hold is taken out of the file.

    Attributes:
        customers: their numbers.
        prospects: their keys.
        feeds: as `system.feed`, whose rows stay.
        set_by: the role that decides.
        since: the day.
        reason: why.
    """

    customers: tuple[str, ...]
    prospects: tuple[str, ...]
    feeds: tuple[str, ...]
    set_by: str
    since: str
    reason: str


@dataclass(frozen=True)
class FeedEntry:
    """What the register says of a feed.

    Attributes:
        file: where it is declared.
        terms: those of the feed.
        classified: by column, each class under which it is listed; one, if the register is right.
        exceptions: by column, its own terms.
        erasure: how a person is erased; None if nobody has said.
    """

    file: str
    terms: Terms
    classified: dict[str, list[str]]
    exceptions: dict[str, Terms]
    erasure: Erasure | None = None

    @property
    def personal_columns(self) -> list[str]:
        """The columns about persons."""
        return [column for column, classes in self.classified.items() if {*classes} & {*CLOSED}]

    @property
    def erased_columns(self) -> list[str]:
        """The columns whose values an erasure changes."""
        erasure = self.erasure or Erasure()
        keys = set(erasure.rows_of.values()) - set(erasure.replaced)
        return [
            column
            for column in dict.fromkeys((*self.personal_columns, *erasure.replaced))
            if column not in keys
        ]


@dataclass(frozen=True)
class TableEntry:
    """What the register says of a table that models make.

    Attributes:
        classified: by column that is made there, each class under which it is listed; one, if the register is right.
        at_least: the class that all columns have which would be more open; empty if there is none.
    """

    classified: dict[str, list[str]]
    at_least: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """The words of terms.yml, each with what it means, from open to closed where that matters."""

    classifications: dict[str, str]
    legal_bases: dict[str, str]
    sharing: dict[str, str]
    roles: dict[str, str]
    given: dict[str, str]


@dataclass(frozen=True)
class Register:
    """The register.

    Attributes:
        vocabulary: the words that it may use.
        feeds: by `system.feed`.
        tables: by `schema.table`; `*` has the columns that are made with the same name and class in several tables.
        holds: legal holds.
    """

    vocabulary: Vocabulary
    feeds: dict[str, FeedEntry]
    tables: dict[str, TableEntry]
    holds: tuple[Hold, ...] = ()

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Self:
        """Read all files of a folder.

        Raises:
            RegisterError: if one is missing or not in the form that docs/governance.md describes.
        """
        vocabulary = _mapping(_load(folder / TERMS_FILE), TERMS_FILE, Vocabulary.__annotations__)
        missing = [key for key in Vocabulary.__annotations__ if key not in vocabulary]
        if missing:
            raise RegisterError(f"{TERMS_FILE} has no {', '.join(missing)}")
        tables = {
            table: _table(entry, f"{TABLES_FILE}: {table}")
            for table, entry in _mapping(_load(folder / TABLES_FILE), TABLES_FILE).items()
        }
        feeds: dict[str, FeedEntry] = {}
        for path in sorted(folder.glob("*.yml")):
            if path.name not in (TERMS_FILE, TABLES_FILE, HOLDS_FILE):
                for name, entry in _feeds(path):
                    if name in feeds:
                        raise RegisterError(
                            f"{path.name}: {name} is in {feeds[name].file}, too; keep one of them"
                        )
                    feeds[name] = entry
        return cls(Vocabulary(**vocabulary), feeds, tables, tuple(_holds(folder / HOLDS_FILE)))

    def terms_of(self, column: Column) -> Terms | None:
        """The terms of a column of a feed; None if it is not one."""
        entry = self.feeds.get(column.relation)
        return entry.exceptions.get(column.name, entry.terms) if entry else None

    def class_of(self, column: Column) -> str | None:
        """The class of a column of a feed; None if the register has none."""
        entry = self.feeds.get(column.relation)
        return next(iter(entry.classified.get(column.name, ())), None) if entry else None

    def stated(self, column: Column) -> str | None:
        """The class that tables.yml states for a column that a model makes: for its table, or for its name in any table."""
        for table in (column.relation, "*"):
            if table in self.tables and column.name in self.tables[table].classified:
                return self.tables[table].classified[column.name][0]
        return None

    def raised(self, column: Column, found: str) -> str:
        """The class of a column of a table, if its values alone have the class that was found."""
        entry = self.tables.get(column.relation)
        if entry is None or entry.at_least not in self.vocabulary.classifications:
            return found
        return self.most_closed([found, entry.at_least]) or found

    def most_closed(self, classes: Iterable[str]) -> str | None:
        """The one that lets the fewest know."""
        order = list(self.vocabulary.classifications)
        return max((each for each in classes if each in order), key=order.index, default=None)


def _feeds(path: Path) -> Iterator[tuple[str, FeedEntry]]:
    declared = _mapping(_load(path), path.name, ("system", "feeds", *_TERMS))
    terms = Terms().changed(declared)
    for name, feed in _mapping(declared.get("feeds"), f"{path.name}: feeds").items():
        where = f"{path.name}: {name}"
        feed = _mapping(feed, where, _FEED_KEYS)
        of_feed = terms.changed(feed)
        exceptions = _mapping(feed.get("exceptions") or {}, f"{where}: exceptions")
        yield (
            f"{declared.get('system')}.{name}",
            FeedEntry(
                file=path.name,
                terms=of_feed,
                classified=_classified(feed.get("columns"), f"{where}: columns"),
                exceptions={
                    column: of_feed.changed(
                        _mapping(changes, f"{where}: exceptions: {column}", _TERMS)
                    )
                    for column, changes in exceptions.items()
                },
                erasure=_erasure(feed.get("erasure"), f"{where}: erasure"),
            ),
        )


def _erasure(declared: Any, where: str) -> Erasure | None:
    if declared is None:
        return None
    values = _mapping(declared, where, _ERASURE_KEYS)
    return Erasure(
        rows_of=_mapping(values.get("rows_of") or {}, f"{where}: rows_of", PERSON_KEYS),
        replaced=tuple(values.get("replaced") or ()),
        instead=_mapping(values.get("instead") or {}, f"{where}: instead"),
        is_quoted_in=bool(values.get("is_quoted_in")),
        kept_because=str(values.get("kept_because") or ""),
    )


def _holds(path: Path) -> Iterator[Hold]:
    """The legal holds of a file, which need not be there."""
    if not path.exists():
        return
    declared = _mapping(_load(path), path.name, ("holds",)).get("holds") or []
    for number, each in enumerate(declared, start=1):
        where = f"{path.name}: hold {number}"
        hold = _mapping(each, where, _HOLD_KEYS)
        missing = [key for key in ("set_by", "since", "reason") if not hold.get(key)]
        if missing:
            raise RegisterError(f"{where} has no {', '.join(missing)}")
        yield Hold(
            customers=tuple(map(str, hold.get("customers") or ())),
            prospects=tuple(map(str, hold.get("prospects") or ())),
            feeds=tuple(map(str, hold.get("feeds") or ())),
            set_by=str(hold["set_by"]),
            since=str(hold["since"]),
            reason=str(hold["reason"]),
        )


def _table(declared: Any, where: str) -> TableEntry:
    classes = dict(_mapping(declared, where))
    at_least = str(classes.pop("at_least", ""))
    return TableEntry(_classified(classes, where), at_least)


def _classified(classes: Any, where: str) -> dict[str, list[str]]:
    """By column, the classes under which it is listed. A list may be cut into several, so that lines stay short."""
    result: dict[str, list[str]] = {}
    for name, columns in _mapping(classes, where).items():
        if not isinstance(columns, list):
            raise RegisterError(f"{where}: {name} is not a list of columns")
        for column in _flat(columns):
            result.setdefault(column, []).append(name)
    return result


def _flat(columns: list[Any]) -> Iterator[str]:
    for column in columns:
        if isinstance(column, list):
            yield from _flat(column)
        else:
            yield str(column)


def _load(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=YAML_LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RegisterError(f"{path} cannot be read: {error}") from error


def _mapping(value: Any, where: str, keys: Any = None) -> dict[str, Any]:
    """The value, if it has only keys that are known."""
    if not isinstance(value, dict):
        raise RegisterError(f"{where} is not a mapping of names to values")
    unknown = [key for key in value if keys is not None and key not in keys]
    if unknown:
        raise RegisterError(
            f"{where}: {', '.join(map(str, unknown))} is not known here; use {', '.join(keys)}"
        )
    return value
