"""A share is the same, byte for byte, whichever engine its rows come from."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scripts.load.filesystems import sha256_of
from scripts.postgres_server import PostgresServer
from scripts.publish.run import publish
from scripts.publish.tables import published_tables
from scripts.publish.versions import Versions
from scripts.serve.declarations import Declarations
from scripts.serve.duckdb_files import DuckDBPublished
from scripts.serve.postgres import PostgresPublished
from scripts.serve.sessions import Limits, Published
from scripts.share.build import Outcome, build
from scripts.share.policies import Share
from scripts.share.rules import read_rules
from scripts.warehouse.changes import project_digest
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT
from tests.python.sharing import KEY, TODAY, envelope, written
from tests.python.small_warehouse import SmallWarehouse

pytestmark = pytest.mark.integration

# Types whose text, order or arithmetic engines have in their own way.
COLUMNS = {
    "amount": "decimal(10,2)",
    "at": "timestamp",
    "hour": "time",
    "is_open": "boolean",
    "ref": "uuid",
    "name": "varchar(20)",
}


class _Small(SmallWarehouse):
    """Has a column of each type, and NULLs."""

    def build(self, number: int, **_: object) -> None:  # type: ignore[override]
        super().build(number)
        values = {
            "amount": "trade_id * 1.10",
            "at": "timestamp '2026-11-30 10:15:30.250' + trade_id * interval '1 second'",
            "hour": "time '10:15:30'",
            "is_open": "trade_id % 2 = 0",
            "ref": "cast('00000000-0000-0000-0000-000000000001' as uuid)",
            "name": "case trade_id % 3 when 0 then 'Ä, \"b\"' when 1 then '' end",
        }
        with self._opened() as query:
            for name, value in values.items():
                query(f'alter table marts.fct_trades add column "{name}" {COLUMNS[name]}')
                query(f'update marts.fct_trades set "{name}" = {value}')


def declarations(small: SmallWarehouse) -> Declarations:
    """Those of the small warehouse, with its keys."""
    nodes = {
        f"{node.schema}.{node.alias}": {
            "description": node.description,
            "constraints": [],
            "columns": {
                name: {
                    "data_type": column.data_type,
                    "description": column.description,
                    "meta": column.meta,
                    "constraints": [{"type": "primary_key"}]
                    if (node.alias, name)
                    in (("dim_customer", "customer_id"), ("fct_trades", "trade_id"))
                    else [],
                }
                for name, column in node.columns.items()
            },
        }
        for node in small.project.nodes.values()
    }
    tables = {table.name: table for table in published_tables(small.project)}
    return Declarations(nodes, tables, project_digest(ROOT))


def policy(folder: Path) -> Share:
    customers = {
        "table": "marts.dim_customer",
        "columns": ["customer_id"],
        "personal": {
            "tax_id": {"transformation": "keyed_hash", "reason": "x"},
            "born": {"transformation": "year", "reason": "x"},
        },
        "small_groups": {"by": ["born"], "minimum": 5, "counted": "tax_id"},
    }
    trades = {
        "table": "marts.fct_trades",
        "columns": ["trade_id", "customer_id", *COLUMNS],
        "rows": {"trade_id": "gt.10", "ref": "eq.00000000-0000-0000-0000-000000000001"},
    }
    return written(folder, envelope({"customers": customers, "trades": trades}))


@pytest.fixture(scope="module")
def engines(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[dict[Target, Outcome]]:
    """Two versions of a share from each engine; yields the second ones."""
    with pytest.MonkeyPatch.context() as patch:
        yield _built(tmp_path_factory.mktemp("engines"), patch, postgres)


def _built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> dict[Target, Outcome]:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SHARE_KEYS", str(tmp_path / "keys"))
    (tmp_path / "keys/partner").mkdir(parents=True)
    (tmp_path / "keys/partner/people.key").write_text(KEY.hex())
    # The kinds of personal data of the small warehouse are those of nobody else.
    rules = read_rules()
    rules.transformations["date"] = ("year",)
    share = policy(tmp_path / "policies")
    found = {}
    with ExitStack() as stack:
        for target in WAREHOUSES:
            monkeypatch.setenv("DBT_TARGET", target)
            folder = tmp_path / target
            folder.mkdir()
            warehouse = (
                stack.enter_context(PostgresWarehouse.on(postgres))
                if target is Target.POSTGRES
                else DuckDBWarehouse(folder / "warehouse.duckdb")
            )
            small = _Small(warehouse, columns={})
            small.columns.update(COLUMNS)
            for number in (1, 2):
                _build_without(small, number)
                publish(warehouse, folder / "published", small.project)
                declared = declarations(small)
                published: Published = (
                    PostgresPublished(warehouse.database, declared, Limits())
                    if isinstance(warehouse, PostgresWarehouse)
                    else DuckDBPublished(
                        Versions(folder / "published"), declared, Limits(), keeps_types=True
                    )
                )
                with closing(published):
                    found[target] = build(
                        share, rules, published, today=TODAY, shares=folder / "shares"
                    )
    return found


def _build_without(small: _Small, number: int) -> None:
    """The columns are declared, and added after the table was made."""
    declared, small.columns = small.columns, {}
    small.build(number)
    small.columns = declared


def test_both_engines_give_the_same_bytes(engines: dict[Target, Outcome]) -> None:
    files = {
        target: {file.path: file.sha256 for file in outcome.index.files}
        for target, outcome in engines.items()
    }
    assert len(files[Target.DUCKDB]) == 12
    assert files[Target.DUCKDB] == files[Target.POSTGRES]
    outcome = engines[Target.POSTGRES]
    assert all(
        sha256_of(str(outcome.folder / path)) == sha for path, sha in files[Target.POSTGRES].items()
    )


def test_values_keep_their_types(engines: dict[Target, Outcome]) -> None:
    table = pq.read_table(engines[Target.POSTGRES].folder / "tables/trades/part-00000.parquet")
    types = {name: str(table.schema.field(name).type) for name in table.schema.names}
    assert types == {
        "trade_id": "int64",
        "customer_id": "int64",
        "amount": "decimal128(10, 2)",
        "at": "timestamp[us]",
        "hour": "time64[us]",
        "is_open": "bool",
        "ref": "string",
        "name": "string",
    }
    assert table.num_rows == 190
    assert set(table["name"].to_pylist()) == {'Ä, "b"', "", None}


def test_changes_come_from_either_engine(engines: dict[Target, Outcome]) -> None:
    changes = {str(outcome.index.changes["trades"]) for outcome in engines.values()}
    assert changes == {"Changes(added=100, modified=0, deleted=0)"}
