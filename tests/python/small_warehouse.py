"""A warehouse of a few tables that is built without dbt, in a moment: what is published from it, and what its readers see.

Usage:
    small = SmallWarehouse(warehouse)
    small.build(1)
    publish(warehouse, folder, small.project)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import duckdb

from scripts.publish.tables import Reader
from scripts.warehouse.base import Query, Warehouse
from scripts.warehouse.changes import project_digest, relations_digest
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import ROOT

ROWS = 100
READERS = tuple(reader.role for reader in Reader)
# Reads the marts only.
APPLICATION = "brokerage_application"


@dataclass
class SmallWarehouse:
    """Customers and their trades: each build has more of both, and a customer that has changed.

    Attributes:
        warehouse: on any engine.
        columns: further columns of the trades, by name, with their types.
        is_bought_a_view: whether a view that reads another view and a table with personal columns says that masks do not change it; it is copied otherwise.
    """

    warehouse: Warehouse
    columns: dict[str, str] = field(default_factory=dict)
    is_bought_a_view: bool = True

    @property
    def project(self) -> Any:
        """What dbt would have parsed, as far as it is looked at."""
        tax_id = _column("varchar", "The tax number.", personal="tax number")
        born = _column("date", "Born.", personal="date", masked_as="date_trunc('year', born)")
        customers = {"customer_id": _column("bigint"), "tax_id": tax_id, "born": born}
        trades = {name: _column("bigint") for name in ("trade_id", "customer_id")} | {
            name: _column(kind) for name, kind in self.columns.items()
        }
        nodes = [
            _node("marts", "dim_customer", columns=customers),
            _node("marts", "fct_trades", columns=trades),
            _node("marts", "rpt_trades", kind="view", below=["fct_trades"]),
            _node("marts", "rpt_customers", kind="view", below=["dim_customer"]),
            # By its name it comes before what it reads.
            _node(
                "marts",
                "rpt_bought",
                kind="view",
                below=["dim_customer", "rpt_trades"],
                meta={"unaffected_by_masks": self.is_bought_a_view},
            ),
            _node("marts", "rpt_lake", kind="view", below=["stg_trades"]),
            _node("marts", "rpt_watched", readers=[Reader.AUDITOR.role]),
            _node("quality", "load_log"),
            _node("raw_vault", "hub_trade", readers=[Reader.AUDITOR.role]),
            _node(
                "staging",
                "stg_trades",
                kind="view",
                below=["source.trades"],
                readers=[Reader.AUDITOR.role],
            ),
        ]
        return SimpleNamespace(nodes={node.alias: node for node in nodes})

    def build(
        self, number: int, *, name: str = "", accepted: str = "", is_green: bool = True
    ) -> None:
        """Build everything again, and mark that it is green."""
        more = "".join(
            f", cast({number} as {kind}) as {name}" for name, kind in self.columns.items()
        )
        trades = self._numbers("trade_id", ROWS * number)
        tables = {
            "marts.dim_customer": "select customer_id, cast(customer_id as varchar) as tax_id,"
            f" cast('1970-07-08' as date) + case customer_id when 1 then {number} else 0 end as born"
            f" from {self._numbers('customer_id', ROWS * number)}",
            "marts.fct_trades": f"select trade_id, trade_id as customer_id{more} from {trades}",
            "marts.rpt_watched": f"select {number} as trades",
            # No key, and rows that occur twice.
            "quality.load_log": f"select batch_id / 2 as batch_id from {self._numbers('batch_id', number)}",
            "raw_vault.hub_trade": f"select trade_id from {trades}",
        }
        with self._opened() as query:
            for schema in ("marts", "quality", "raw_vault", "staging", "operations"):
                query(f"create schema if not exists {schema}")
            for view in ("rpt_bought", "rpt_trades", "rpt_customers", "rpt_lake"):
                query(f"drop view if exists marts.{view}")
            for table, rows in tables.items():
                query(f"drop table if exists {table} cascade")
                query(f"create table {table} as {rows}")
            query("alter table marts.dim_customer add primary key (customer_id)")
            query("alter table marts.fct_trades add primary key (trade_id)")
            query("create or replace view staging.stg_trades as select 1 as trade_id")
            query("create view marts.rpt_lake as select * from staging.stg_trades")
            query(
                "create view marts.rpt_trades as with fct_trades as (select * from marts.fct_trades)"
                " select * from fct_trades where trade_id > 1"
            )
            query(
                "create view marts.rpt_customers as select count(tax_id) as n from marts.dim_customer"
            )
            query(
                "create view marts.rpt_bought as with dim_customer as (select * from marts.dim_customer),"
                " rpt_trades as (select * from marts.rpt_trades) select dim_customer.customer_id"
                " from dim_customer inner join rpt_trades on dim_customer.customer_id = rpt_trades.customer_id"
            )
            query("drop table if exists operations.last_build")
            query(
                "create table operations.last_build as select"
                f" cast('{name or f'build {number}'}' as varchar) as invocation_id, 'control.batch_date' as feed,"
                f" {number} as batch_id, 'x' as digest, '{project_digest(ROOT)}' as project_digest,"
                " cast('' as varchar) as relations_digest, cast(null as varchar) as accepted_tests"
            )
        digest = relations_digest(self.warehouse)
        with self._opened() as query:
            query(f"update operations.last_build set relations_digest = '{digest}'")
            if accepted:
                query(f"update operations.last_build set accepted_tests = '{accepted}'")
            if not is_green:
                query("update operations.last_build set project_digest = null")

    @contextmanager
    def _opened(self) -> Iterator[Query]:
        """For writing."""
        if isinstance(self.warehouse, DuckDBWarehouse):
            with duckdb.connect(str(self.warehouse.file)) as connection:
                yield lambda statement: connection.execute(statement).fetchall()
        else:
            with self.warehouse.opened() as query:
                for role in (*READERS, APPLICATION):
                    if not query(f"select 1 from pg_roles where rolname = '{role}'"):
                        query(f"create role {role}")
                yield query

    def _numbers(self, name: str, count: int) -> str:
        function = f"generate_series(1, {count})"
        return f"(select cast(number as bigint) as {name} from {function} as series (number)) as numbers"


def _node(
    schema: str,
    name: str,
    *,
    kind: str = "table",
    columns: dict[str, Any] | None = None,
    below: list[str] | None = None,
    readers: list[str] | None = None,
    meta: dict[str, Any] | None = None,
) -> Any:
    if readers is None:
        readers = [*READERS, APPLICATION] if schema == "marts" else list(READERS)
    grants = {"select": readers}
    return SimpleNamespace(
        resource_type="model",
        schema=schema,
        alias=name,
        description=f"One row per thing; it's {name}.",
        columns=columns or {},
        config=SimpleNamespace(materialized=kind, grants=grants, meta=meta or {}),
        depends_on_nodes=below or [],
    )


def _column(data_type: str, description: str = "", **meta: str) -> Any:
    return SimpleNamespace(data_type=data_type, description=description, meta=meta)
