"""Who is erased: the keys under which a person is known, and the values that are nobody else's.

Usage:
    persons = find_persons(lake, contracts, register, warehouse, customers=["17"], prospects=[])
    persons.keys        {"customer": {"17"}, "account": {"40", "41"}, "prospect": {"DOE00017"}}
    persons = find_listed(lake, contracts, register, suppression)        all who were ever erased
    persons.values      {"123-45-6789", "12 Elm Street", ...}

A client's accounts follow from the feeds that name both. The prospects that are the same person are those that once had the name and address of the client. A value is the person's own,
and searched for afterwards, if it is a text of at least six characters in a personal column of rows of the person, and part of no text in any row of anybody else.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.govern.erasure.search import Search, long_texts, text_columns
from scripts.govern.register import (
    ACCOUNT,
    CUSTOMER,
    PERSON_KEYS,
    PROSPECT,
    FeedEntry,
    Hold,
    Register,
)
from scripts.load.contracts import Contracts, Feed
from scripts.load.lake import Lake
from scripts.load.suppression import Suppression
from scripts.warehouse.base import Warehouse

_MATCHES = Path(__file__).with_name("matching_prospects.sql")


class PersonError(Exception):
    """Somebody cannot be erased: says who and why."""


@dataclass(frozen=True)
class Persons:
    """Who is erased.

    Attributes:
        keys: by kind.
        values: that are nobody else's.
        rows: by feed, how many rows are about them.
    """

    keys: dict[str, set[str]]
    values: set[str]
    rows: dict[str, int]


def find_persons(
    lake: Lake,
    contracts: Contracts,
    register: Register,
    warehouse: Warehouse,
    customers: Collection[str],
    prospects: Collection[str],
) -> Persons:
    """Find all keys and values of some customers and prospects.

    Raises:
        PersonError: there is no such person, a legal hold forbids it, or a prospect is also a client.
    """
    feeds = [feed for feed in contracts.feeds if _is_about_persons(register, feed)]
    matches = matching_prospects(warehouse)
    _refuse_clients(prospects, customers, matches)
    keys = {
        CUSTOMER: set(customers),
        ACCOUNT: set(_accounts_of(lake, feeds, register, set(customers))),
        PROSPECT: {*prospects, *(key for customer, key in matches if customer in customers)},
    }
    _refuse_held(register.holds, keys)
    # A list of its own, with a key of the moment: the same functions find the rows.
    wanted = Suppression(b"\0", {}, register).extended(keys)
    rows, values = _rows_and_values(lake, feeds, register, wanted)
    _refuse_held_feeds(register.holds, rows)
    _refuse_unknown(lake, feeds, register, customers, prospects)
    others = list(contracts.feeds)
    return Persons(keys, _own(lake, others, register, wanted, values), rows)


def find_listed(
    lake: Lake, contracts: Contracts, register: Register, suppression: Suppression
) -> Persons:
    """Find the keys and values that a lake has of persons who are on the list of those who were erased.

    After a restore, their values are in the lake again; otherwise only their keys are.
    """
    feeds = [feed for feed in contracts.feeds if _is_about_persons(register, feed)]
    rows, values = _rows_and_values(lake, feeds, register, suppression)
    own = _own(lake, list(contracts.feeds), register, suppression, values)
    return Persons(_listed_keys(lake, feeds, register, suppression), own, rows)


def _listed_keys(
    lake: Lake, feeds: list[Feed], register: Register, suppression: Suppression
) -> dict[str, set[str]]:
    keys: dict[str, set[str]] = {kind: set() for kind in PERSON_KEYS}
    for feed in feeds:
        erasure = entry_of(register, feed).erasure
        for kind, column in erasure.rows_of.items() if erasure else ():
            for table in _tables(lake, feed, [column]):
                found = [key for key in _texts(table[column]).unique().to_pylist() if key]
                keys[kind].update(suppression.erased_among(kind, found))
    return keys


def _is_about_persons(register: Register, feed: Feed) -> bool:
    entry = register.feeds.get(feed.label)
    return bool(entry and entry.erasure and entry.erasure.rows_of)


def entry_of(register: Register, feed: Feed) -> FeedEntry:
    """What the register says of a feed that is about persons."""
    return register.feeds[feed.label]


def files_of(lake: Lake, feed: Feed) -> Iterator[tuple[int, str]]:
    """Batch and path of each file of rows of a feed."""
    for batch in lake.batches_of(feed.system, feed.name):
        path = lake.path(feed.system, feed.name, batch)
        if lake.exists(path):
            yield batch, path


def _row_groups(lake: Lake, path: str, columns: list[str]) -> Iterator[pa.Table]:
    with lake.open(path) as stream, pq.ParquetFile(stream) as file:
        for group in range(file.metadata.num_row_groups):
            yield file.read_row_group(group, columns)


def _tables(lake: Lake, feed: Feed, columns: list[str]) -> Iterator[pa.Table]:
    for _, path in files_of(lake, feed):
        yield from _row_groups(lake, path, columns)


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _accounts_of(
    lake: Lake, feeds: list[Feed], register: Register, customers: set[str]
) -> Iterator[str]:
    wanted = pa.array(sorted(customers), pa.string())
    for feed in feeds if customers else ():
        erasure = entry_of(register, feed).erasure
        assert erasure is not None
        owner, account = erasure.rows_of.get(CUSTOMER), erasure.rows_of.get(ACCOUNT)
        if not (owner and account):
            continue
        for table in _tables(lake, feed, [owner, account]):
            mine = table.filter(pc.is_in(_texts(table[owner]), value_set=wanted))
            yield from (key for key in _texts(mine[account]).unique().to_pylist() if key)


def matching_prospects(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Customer and prospect that once had the same name and address."""
    return [(str(customer), key) for customer, key in warehouse.query(_MATCHES.read_text("utf-8"))]


def _refuse_clients(
    prospects: Collection[str], customers: Collection[str], matches: list[tuple[str, str]]
) -> None:
    for customer, key in matches:
        if key in prospects and customer not in customers:
            raise PersonError(
                f"prospect {key} has the name and address of customer {customer}, whose contract needs them;"
                f" erase the customer, with --customer {customer}, when that has ended"
            )


def _refuse_held(holds: tuple[Hold, ...], keys: dict[str, set[str]]) -> None:
    for hold in holds:
        held = {CUSTOMER: hold.customers, PROSPECT: hold.prospects}
        for kind, named in held.items():
            for key in sorted(keys[kind] & set(named)):
                raise PersonError(
                    f"{kind} {key} is under a legal hold since {hold.since}, set by {hold.set_by}: {hold.reason};"
                    " nobody was erased (governance/holds.yml)"
                )


def _refuse_held_feeds(holds: tuple[Hold, ...], rows: dict[str, int]) -> None:
    for hold in holds:
        for feed in hold.feeds:
            if rows.get(feed):
                raise PersonError(
                    f"{feed}, which has rows about them, is under a legal hold since {hold.since}, set by {hold.set_by}: {hold.reason};"
                    " nobody was erased (governance/holds.yml)"
                )


def _refuse_unknown(
    lake: Lake,
    feeds: list[Feed],
    register: Register,
    customers: Collection[str],
    prospects: Collection[str],
) -> None:
    for kind, asked in ((CUSTOMER, customers), (PROSPECT, prospects)):
        missing = set(asked)
        for feed in feeds:
            erasure = entry_of(register, feed).erasure
            column = erasure.rows_of.get(kind) if erasure else None
            if column and missing:
                wanted = pa.array(sorted(missing), pa.string())
                for table in _tables(lake, feed, [column]):
                    found = pc.is_in(wanted, value_set=_texts(table[column]).unique())
                    missing -= set(wanted.filter(found).to_pylist())
                    wanted = pa.array(sorted(missing), pa.string())
        if missing:
            raise PersonError(
                f"no {kind} {', '.join(sorted(missing))} in {lake.uri}; nobody was erased"
            )


def _rows_and_values(
    lake: Lake, feeds: list[Feed], register: Register, wanted: Suppression
) -> tuple[dict[str, int], set[str]]:
    """How many rows of each feed are about the persons, and the texts in their personal columns."""
    rows: dict[str, int] = {}
    values: set[str] = set()
    for feed in feeds:
        entry = entry_of(register, feed)
        assert entry.erasure is not None
        texts = [
            name
            for name in entry.erased_columns
            if pa.types.is_string(feed.schema.field(name).type)
        ]
        keys = list(entry.erasure.rows_of.values())
        instead = set(entry.erasure.instead.values())
        for table in _tables(lake, feed, list(dict.fromkeys((*keys, *texts)))):
            mask = wanted.mask(feed, table)
            if mask is None:
                continue
            mine = table.filter(mask)
            rows[feed.label] = rows.get(feed.label, 0) + mine.num_rows
            values |= long_texts(mine[name] for name in texts) - instead
    return rows, values


def _own(
    lake: Lake, feeds: list[Feed], register: Register, wanted: Suppression, values: set[str]
) -> set[str]:
    """Of some values, those that are part of no text of anybody else."""
    search = Search(values)
    for feed in feeds:
        entry = register.feeds.get(feed.label)
        keys = list(entry.erasure.rows_of.values()) if entry and entry.erasure else []
        names = text_columns(feed.schema)
        for table in _tables(lake, feed, list(dict.fromkeys((*keys, *names)))) if names else ():
            mask = wanted.mask(feed, table) if keys else None
            theirs = table if mask is None else table.filter(pc.invert(pc.fill_null(mask, False)))
            for name in names:
                if search.values:
                    search = Search(search.values - search.found_in(theirs[name]))
    return set(search.values)
