"""What a test of an erasure compares: the rows before and after, by the keys of whom they are about, and the values of the persons, found without the code under test."""

import gzip
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import duckdb

from scripts.warehouse.base import Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.workspace import Workspace

SHORTEST = 6
# In which columns a row says whom it is about.
_CUSTOMER = (
    "customer_id",
    "customer_hk",
    "sk_customer_id",
    "customer_version_hk",
    "c_id",
    "ca_c_id",
)
_ACCOUNT = (
    "account_id",
    "account_hk",
    "sk_account_id",
    "account_version_hk",
    "ca_id",
    "t_ca_id",
    "ct_ca_id",
)
_PROSPECT = ("prospect_id", "prospect_hk", "agency_id")
KEY_COLUMNS = {*_CUSTOMER, *_ACCOUNT, *_PROSPECT}
# Rows of these tables say when something ran.
_OF_RUNS = ("snapshots.", "operations.", "raw.operations__", "raw.copied_batch")
# In rows of these columns of the lake a person is described.
_DESCRIBED = {
    "crm/customer_mgmt": (
        "c_id",
        ["c_tax_id", "c_adline1", "c_prim_email", "c_alt_email"],
    ),
    "brokerage/customer": (
        "c_id",
        ["c_tax_id", "c_adline1", "c_email_1", "c_email_2"],
    ),
    "prospect/prospect": (
        "agency_id",
        ["agency_id", "address_line1", "phone"],
    ),
}


@dataclass(frozen=True)
class Chosen:
    """Persons to erase.

    Attributes:
        customers: their numbers.
        prospects: keys of prospects that are no clients.
        values: by kind of value, those that nobody else has; found in the lake by SQL.
    """

    customers: list[str]
    prospects: list[str]
    values: set[str]

    @property
    def options(self) -> list[str]:
        """Of the command."""
        return [
            *(f"--customer={key}" for key in self.customers),
            *(f"--prospect={key}" for key in self.prospects),
        ]


def chosen(workspace: Workspace, customers: int, prospects: int, seed: int = 17) -> Chosen:
    """So many customers, one of them with a prospect of the same name and address, and so many prospects that are nobody's."""
    query = workspace.warehouse.query
    matched = "select customer_id from marts.dim_customer where agency_id is not null"
    known = [
        str(key) for (key,) in query("select customer_id from raw_vault.hub_customer order by 1")
    ]
    matching = [str(key) for (key,) in query(f"{matched} order by 1")]
    free = [
        key
        for (key,) in query(
            "select agency_id from marts.prospects where upper(last_name) || ', ' || upper(first_name) not in"
            " (select upper(last_name) || ', ' || upper(first_name) from marts.dim_customer"
            "  where last_name is not null and first_name is not null) order by 1"
        )
    ]
    picked = random.Random(seed)
    some = picked.sample(known, customers)
    if not {*some} & {*matching}:
        some[0] = picked.choice(matching)
    others = picked.sample(free, prospects)
    return Chosen(some, others, _values(workspace.lake, some, others))


def _values(lake: Path, customers: list[str], prospects: list[str]) -> set[str]:
    """Tax numbers, addresses, e-mails, telephone numbers and telling keys that only these persons have, in any of these feeds."""
    mine: set[str] = set()
    theirs: set[str] = set()
    for feed, (key, columns) in _DESCRIBED.items():
        keys = _listed(customers if key == "c_id" else prospects)
        for column in columns:
            rows = _rows(
                f"select distinct {column}, coalesce(cast({key} as varchar) in ({keys}), false)"
                f" from read_parquet('{lake}/{feed}/*/*.parquet') where length({column}) >= {SHORTEST}"
            )
            mine |= {value for value, is_mine in rows if is_mine}
            theirs |= {value for value, is_mine in rows if not is_mine}
    # A short name may be a part of another text: only what stands alone is sure to be theirs.
    everything = "\n".join(theirs)
    return {value for value in mine - theirs if value not in everything}


def _listed(keys: list[str]) -> str:
    """Keys as a list of SQL; some have an apostrophe."""
    return ", ".join("'" + key.replace("'", "''") + "'" for key in keys) or "null"


def _rows(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def occurrences(place: Path | Warehouse, values: set[str]) -> Iterator[str]:
    """Where one of the values is: in the bytes of a file, unpacked too, or in the rows of a table."""
    if isinstance(place, Warehouse):
        for name, content in _dumps(place):
            yield from (f"{name}: {value}" for value in values if value.encode() in content)
        return
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if path.is_file() and not path.is_symlink():
            for content in _contents(path):
                yield from (f"{path}: {value}" for value in values if value.encode() in content)
            if path.suffix == ".duckdb":
                yield from occurrences(DuckDBWarehouse(path), values)


def _contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what they stand for."""
    content = path.read_bytes()
    yield content
    if path.suffix == ".gz":
        yield gzip.decompress(content)
    elif path.suffix == ".parquet":
        with duckdb.connect() as connection:
            source = f"read_parquet('{path}', hive_partitioning = false)"
            yield _dump(connection.execute, f"select * from {source}")


def _dumps(warehouse: Warehouse) -> Iterator[tuple[str, bytes]]:
    """The rows of each table as text."""
    with warehouse.opened() as query:
        relations = warehouse.all_tables(query)
        if isinstance(warehouse, DuckDBWarehouse):
            for name, relation in relations.items():
                yield f"{warehouse.file} {name}", _dump(query, f"select * from {relation}")
    if isinstance(warehouse, PostgresWarehouse):
        with closing(warehouse.database.connect()) as connection:
            for name, relation in (*relations.items(), ("statistics", "(select * from pg_stats)")):
                rows = BytesIO()
                with connection.cursor() as cursor:
                    cursor.copy_expert(f"copy {relation} to stdout", rows)
                yield name, rows.getvalue()


def _dump(execute: Callable[[str], object], select: str) -> bytes:
    with NamedTemporaryFile(suffix=".csv") as file:
        execute(f"copy ({select}) to '{file.name}' (format csv, quote '')")
        return Path(file.name).read_bytes()


def changed_rows(before: Warehouse, after: Warehouse) -> Iterator[tuple[str, list[str], int]]:
    """The tables with other rows: name, for each row that is gone or new the keys in it that say whom it is about, and how many more rows there are now."""
    tables = before.tables()
    assert tables.keys() == after.tables().keys()
    compared = {name: each for name, each in tables.items() if not name.startswith(_OF_RUNS)}
    old, new = before.fingerprints(compared), after.fingerprints(compared)
    for name in compared:
        if old[name] == new[name]:
            continue
        columns = after.columns(compared[name])
        assert columns == before.columns(compared[name])
        was, now = (Counter(each.row_texts(compared[name])) for each in (before, after))
        keys = [
            "|".join(
                value
                for column, value in zip(columns, text.split("\x1f"), strict=True)
                if column in KEY_COLUMNS
            )
            for text in (*(was - now), *(now - was))
        ]
        yield name, keys, now.total() - was.total()


def erased_prospects(before: Warehouse, after: Warehouse) -> tuple[list[str], list[str]]:
    """The keys that prospects had and have not any more, and those that have taken their place."""
    was, now = (
        {key for (key,) in each.query("select prospect_id from raw_vault.hub_prospect")}
        for each in (before, after)
    )
    return sorted(was - now), sorted(now - was)


def keys_of(warehouse: Warehouse, customers: list[str], prospects: list[str]) -> set[str]:
    """All keys of some persons in a warehouse: numbers, hashes and surrogate keys, also of the prospects that customers match."""
    numbers = ", ".join(customers) or "null"
    names = _listed(prospects)
    people = f"select customer_hk from raw_vault.hub_customer where customer_id in ({numbers})"
    accounts = (
        f"select account_hk from raw_vault.link_account_customer where customer_hk in ({people})"
    )
    matched = f"select prospect_hk from business_vault.bv_prospect__customer_match where customer_hk in ({people})"
    hubs = f"prospect_hk in ({matched}) or prospect_id in ({names})"
    queries = (
        f"select customer_id from raw_vault.hub_customer where customer_id in ({numbers})",
        people,
        accounts,
        f"select account_id from raw_vault.hub_account where account_hk in ({accounts})",
        f"select prospect_hk from raw_vault.hub_prospect where {hubs}",
        f"select prospect_id from raw_vault.hub_prospect where {hubs}",
        f"select sk_customer_id from marts.dim_customer where customer_id in ({numbers})",
        f"select sk_account_id from marts.dim_account where account_id in"
        f" (select account_id from raw_vault.hub_account where account_hk in ({accounts}))",
    )
    return {str(key) for query in queries for (key,) in warehouse.query(query)}
