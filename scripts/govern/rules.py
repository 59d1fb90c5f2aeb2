"""The rules of the register: what `python -m scripts.govern check` checks against contracts, models, lineage and shares.

Usage:
    for violation in find_violations(Facts(manifest, register, lineage, shares)):
        print(violation)

Each rule is a function of the facts that gives one sentence for each violation. There is no list of known violations.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scripts.govern.columns import Column
from scripts.govern.inheritance import Inheritance, Origin, ReadColumn
from scripts.govern.lineage import Lineage
from scripts.govern.register import CLOSED, HOLDS_FILE, TABLES_FILE, FeedEntry, Register, Terms
from scripts.share.policies import Share

_UNITS = ("days", "years", "batches")
_PERSONS = "not about persons"
# Of `sharing` in terms.yml: what may be given to somebody as rows.
_ROWS_MAY_LEAVE = ("anybody", "partners")


@dataclass(frozen=True)
class Facts:
    """What the rules look at.

    Attributes:
        manifest: what dbt has compiled.
        register: what is declared of feeds, and of columns that models make.
        lineage: where columns come from.
        shares: the policies of what is given outside the house.
    """

    manifest: dict[str, Any]
    register: Register
    lineage: Lineage
    shares: tuple[Share, ...] = ()

    @cached_property
    def feeds(self) -> dict[str, list[str]]:
        """The columns of each feed, as its contract has them."""
        return {
            f"{source['source_name']}.{source['name']}": list(source["columns"])
            for source in self.manifest["sources"].values()
        }

    @cached_property
    def columns(self) -> list[ReadColumn]:
        """The columns of tables that anybody but the auditor reads."""
        return Inheritance(self.manifest, self.register, self.lineage).columns


Rule = Callable[[Facts], Iterator[str]]


def find_violations(facts: Facts) -> Iterator[str]:
    """All violations of all rules."""
    for rule in RULES:
        yield from rule(facts)


def each_feed_is_registered(facts: Facts) -> Iterator[str]:
    """Each feed with a contract is in the register, and nothing else is."""
    for feed in facts.feeds.keys() - facts.register.feeds.keys():
        system, name = feed.split(".")
        yield f"{feed} is not registered: add it under `feeds` in governance/{system}.yml, as `{name}`"
    for feed in facts.register.feeds.keys() - facts.feeds.keys():
        yield f"{facts.register.feeds[feed].file}: {feed} has no contract in models/staging; remove it"


def each_column_of_a_feed_has_one_class(facts: Facts) -> Iterator[str]:
    """Each column of a contract is listed under exactly one class, and nothing else is."""
    for feed, entry, columns in _registered(facts):
        for column in columns:
            classes = entry.classified.get(column, [])
            if not classes:
                yield f"{entry.file}: {feed}.{column} has no class: list it under one of {_listed(facts.register.vocabulary.classifications)}"
            elif len(classes) > 1:
                yield f"{entry.file}: {feed}.{column} is listed {len(classes)} times ({', '.join(classes)}); keep one"
        for column in (*entry.classified, *entry.exceptions):
            if column not in columns:
                yield f"{entry.file}: {feed}.{column} is not in the contract of the feed; remove it"


def terms_are_complete(facts: Facts) -> Iterator[str]:
    """Each feed, and each column with terms of its own, has a purpose, a legal basis, an owner, a retention, an agreement and says who may have it."""
    for where, terms in _all_terms(facts):
        for key in ("purpose", "legal_basis", "owner", "retention", "agreement", "sharing"):
            if not getattr(terms, key):
                yield f"{where} has no `{key}`: give it to the feed or to the whole system"


def words_are_in_the_vocabulary(facts: Facts) -> Iterator[str]:
    """Classes, legal bases, owners and sharing are words of terms.yml."""
    words = facts.register.vocabulary
    for where, terms in _all_terms(facts):
        for key, known in (
            ("legal_basis", words.legal_bases),
            ("owner", words.roles),
            ("sharing", words.sharing),
        ):
            value = getattr(terms, key)
            if value and value not in known:
                yield f"{where}: {key} `{value}` is not in terms.yml; use one of {_listed(known)}"
    for where, classes in (
        *((entry.file, entry.classified) for entry in facts.register.feeds.values()),
        *((TABLES_FILE, entry.classified) for entry in facts.register.tables.values()),
        *(
            (TABLES_FILE, {f"{table}: at_least": [entry.at_least]})
            for table, entry in facts.register.tables.items()
            if entry.at_least
        ),
    ):
        for column, names in classes.items():
            for name in names:
                if name not in words.classifications:
                    yield f"{where}: {column}: class `{name}` is not in terms.yml; use one of {_listed(words.classifications)}"


def retention_is_a_number_and_an_event(facts: Facts) -> Iterator[str]:
    """How long a column is kept can be calculated: so many days, years or batches after something."""
    for where, terms in _all_terms(facts):
        retention = dict(terms.retention)
        units = [unit for unit in _UNITS if unit in retention]
        is_number = len(units) == 1 and isinstance(retention[units[0]], int)
        if retention and not (
            is_number and retention[units[0]] > 0 and retention.keys() == {units[0], "after"}
        ):
            yield f"{where}: retention is not of the form {{years: 6, after: the batch came}}, with one of {', '.join(_UNITS)}"


def personal_columns_have_a_legal_basis(facts: Facts) -> Iterator[str]:
    """A feed with columns about persons says why it may have them, and is not for anybody."""
    openest = next(iter(facts.register.vocabulary.sharing))
    for feed, entry, columns in _registered(facts):
        closed = [column for column in columns if set(entry.classified.get(column, ())) & {*CLOSED}]
        for column in closed:
            terms = entry.exceptions.get(column, entry.terms)
            if terms.legal_basis == _PERSONS:
                yield f"{entry.file}: {feed}.{column} is about persons, but its legal basis is `{_PERSONS}`"
            if terms.sharing == openest:
                yield f"{entry.file}: {feed}.{column} is about persons, but may be given to `{openest}`"


def personal_columns_can_be_erased(facts: Facts) -> Iterator[str]:
    """Each feed with columns about persons says how one of them is forgotten, in columns that it has."""
    for feed, entry, columns in _registered(facts):
        erasure = entry.erasure
        if erasure is None:
            if entry.personal_columns:
                yield f"{entry.file}: {feed} has columns about persons and no `erasure`: say whose rows they are, or why they are kept"
            continue
        ways = (bool(erasure.rows_of), erasure.is_quoted_in, bool(erasure.kept_because))
        if sum(ways) != 1:
            yield f"{entry.file}: {feed}: erasure needs one of rows_of, is_quoted_in and kept_because"
        for column in (*erasure.rows_of.values(), *erasure.replaced, *erasure.instead):
            if column not in columns:
                yield f"{entry.file}: {feed}: erasure names {column}, which is not in the contract of the feed"
        for column in erasure.instead:
            if column not in entry.erased_columns:
                yield f"{entry.file}: {feed}: erasure changes {column}, which is not personal"


def holds_are_set_by_roles(facts: Facts) -> Iterator[str]:
    """Each legal hold names a role and feeds that there are."""
    for hold in facts.register.holds:
        if hold.set_by not in facts.register.vocabulary.roles:
            yield f"{HOLDS_FILE}: `{hold.set_by}` is not in terms.yml; use one of {_listed(facts.register.vocabulary.roles)}"
        for feed in hold.feeds:
            if feed not in facts.feeds:
                yield f"{HOLDS_FILE}: there is no feed {feed}"


def owners_are_roles(facts: Facts) -> Iterator[str]:
    """The owners of exposures and metrics are roles of terms.yml, too."""
    roles = facts.register.vocabulary.roles
    for exposure in facts.manifest["exposures"].values():
        if exposure["owner"]["name"] not in roles:
            yield f"exposure {exposure['name']}: owner `{exposure['owner']['name']}` is not in terms.yml; use one of {_listed(roles)}"
    for metric in facts.manifest["metrics"].values():
        owner = (metric["config"].get("meta") or {}).get("owner")
        if owner not in roles:
            yield f"metric {metric['name']}: owner `{owner}` is not in terms.yml; use one of {_listed(roles)}"


def each_column_that_is_read_has_a_class(facts: Facts) -> Iterator[str]:
    """A column that somebody reads is passed on from a feed, declared as personal, or named in tables.yml, and comes from a feed with terms."""
    for read in facts.columns:
        if not read.terms:
            yield f"{read.column} has no terms: nothing in its table comes from a registered feed"
        if read.classification is None:
            made_of = ", ".join(map(str, sorted(read.trace.sources))) or "no column of a feed"
            yield f"{read.column} has no class: it is made of {made_of}; add it to governance/{TABLES_FILE}, or declare `personal` in its model"


def tables_names_only_what_models_make(facts: Facts) -> Iterator[str]:
    """What tables.yml names exists, and has no class without it."""
    made = {read.column for read in facts.columns if read.origin is Origin.STATED}
    all_of_them = {read.column for read in facts.columns}
    for table, entry in facts.register.tables.items():
        if table != "*" and not any(column.relation == table for column in all_of_them):
            yield f"{TABLES_FILE}: there is no table {table}, or only the auditor reads it; remove it"
            continue
        for name, classes in entry.classified.items():
            if len(classes) > 1:
                yield f"{TABLES_FILE}: {table}.{name} is listed {len(classes)} times ({', '.join(classes)}); keep one"
            if table == "*":
                if not any(column.name == name for column in made):
                    yield f"{TABLES_FILE}: no model makes a column {name}; remove it from `*`"
            elif Column(table, name) not in all_of_them:
                yield f"{TABLES_FILE}: {table} has no column {name}; remove it"
            elif Column(table, name) not in made:
                yield f"{TABLES_FILE}: {table}.{name} is passed on or declared as personal, and has its class from there; remove it"


def personal_values_stay_masked(facts: Facts) -> Iterator[str]:
    """A value that is personal where it comes from is personal wherever it is passed on to, so it is masked for those who may not read it."""
    for read in facts.columns:
        if read.trace.is_passed_on and read.inherited in CLOSED and not read.personal:
            origin = ", ".join(
                str(source)
                for source in sorted(read.trace.sources)
                if facts.register.class_of(source) in CLOSED
            )
            yield f"{read.column} passes on {origin}, which is {read.inherited}: declare `meta: {{personal: <kind>}}` in its model, so that it is masked"


def shares_give_only_what_may_leave(facts: Facts) -> Iterator[str]:
    """A share passes on no value of a feed that must not be given away as rows. What is computed of such values, as a version that begins with one, is for the share's approval."""
    columns = {str(read.column): read for read in facts.columns}
    for share in facts.shares:
        for table in share.tables.values():
            for name in sorted(table.shared):
                read = columns.get(f"{table.table}.{name}")
                if read is None or not read.trace.is_passed_on:
                    continue
                for terms in read.terms:
                    if terms.sharing not in _ROWS_MAY_LEAVE:
                        yield (
                            f"shares/{share.name}.yml: {read.column} passes on a feed whose `sharing` is `{terms.sharing}`:"
                            f" leave it out, or ask its owner, the {terms.owner}"
                        )


RULES: tuple[Rule, ...] = (
    each_feed_is_registered,
    each_column_of_a_feed_has_one_class,
    terms_are_complete,
    words_are_in_the_vocabulary,
    retention_is_a_number_and_an_event,
    personal_columns_have_a_legal_basis,
    personal_columns_can_be_erased,
    holds_are_set_by_roles,
    owners_are_roles,
    each_column_that_is_read_has_a_class,
    tables_names_only_what_models_make,
    personal_values_stay_masked,
    shares_give_only_what_may_leave,
)


def _registered(facts: Facts) -> Iterator[tuple[str, FeedEntry, list[str]]]:
    """Each feed of the register that has a contract, with the columns of the contract."""
    for feed, entry in facts.register.feeds.items():
        if feed in facts.feeds:
            yield feed, entry, facts.feeds[feed]


def _all_terms(facts: Facts) -> Iterator[tuple[str, Terms]]:
    for feed, entry in facts.register.feeds.items():
        yield f"{entry.file}: {feed}", entry.terms
        for column, terms in entry.exceptions.items():
            if terms != entry.terms:
                yield f"{entry.file}: {feed}.{column}", terms


def _listed(words: dict[str, str]) -> str:
    return ", ".join(words)
