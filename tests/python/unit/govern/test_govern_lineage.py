"""Lineage: which columns of feeds a column comes from, and whether its values are passed on."""

from typing import Any

import pytest

from scripts.govern.columns import Column
from scripts.govern.lineage import Lineage, LineageError

FEED = Column("crm.clients", "tax_id")


def lineage(*models: tuple[str, str], seeds: frozenset[str] = frozenset()) -> Lineage:
    """Models by name and SQL; they read the feed `source_feeds.crm__clients`."""
    columns = {
        "source_feeds.crm__clients": ["client_id", "tax_id", "born", "batch_id"],
        "marts.names": ["code", "name"],
    }
    return Lineage(dict(models), columns, seeds)


@pytest.mark.parametrize(
    "value",
    [
        "tax_id",
        "cast(tax_id as varchar(9))",
        "coalesce(tax_id, 'unknown')",
        "max(tax_id)",
        "lag(tax_id) over (partition by client_id order by born)",
        "last_value(tax_id ignore nulls) over (partition by client_id order by born)",
        "arg_max(tax_id, born)",
        "case when born is not null then tax_id end",
        "nullif(tax_id, '')",
        "max(tax_id) filter (where client_id > 0)",
    ],
)
def test_a_value_that_is_copied_or_picked_is_passed_on(value: str) -> None:
    traced = lineage(
        ("marts.dim_client", f"select {value} as t from source_feeds.crm__clients")
    ).trace("marts.dim_client", "t")
    assert traced.is_passed_on
    assert traced.sources == {FEED}


@pytest.mark.parametrize(
    "value",
    [
        "tax_id || ''",
        "md5(tax_id)",
        "count(tax_id)",
        "left(tax_id, 3)",
        "case when tax_id > '5' then 'high' else 'low' end",
        "tax_id is null",
    ],
)
def test_a_value_that_is_made_of_another_one_is_not_passed_on_and_says_of_which(value: str) -> None:
    traced = lineage(
        ("marts.dim_client", f"select {value} as t from source_feeds.crm__clients")
    ).trace("marts.dim_client", "t")
    assert not traced.is_passed_on
    assert traced.sources == {FEED}


@pytest.mark.parametrize(
    ("value", "is_passed_on"), [("'x'", True), ("null", True), ("count(*)", False)]
)
def test_a_constant_comes_from_nowhere_and_a_count_is_made(value: str, is_passed_on: bool) -> None:
    traced = lineage(
        ("marts.dim_client", f"select {value} as t from source_feeds.crm__clients")
    ).trace("marts.dim_client", "t")
    assert traced.sources == set()
    assert traced.is_passed_on == is_passed_on


def test_renamed_through_layers_steps_stars_unions_and_joins() -> None:
    models = (
        (
            "staging.stg",
            "with raw as (select * from source_feeds.crm__clients) select tax_id as number, client_id from raw",
        ),
        ("vault.sat", "select s.*, 1 as one from memory.staging.stg as s"),
        (
            "marts.dim_client",
            "with sat as (select * from vault.sat), a as (select sat.number as taxes, other.one from sat"
            " inner join vault.sat as other on sat.client_id = other.client_id)"
            " select taxes from a union all select 'none' as taxes from a where exists (select 1 from sat)",
        ),
    )
    found = lineage(*models)
    found.columns |= {
        "staging.stg": ["number", "client_id"],
        "vault.sat": ["number", "client_id", "one"],
    }
    traced = found.trace("marts.dim_client", "taxes")
    assert traced.sources == {FEED}
    assert traced.is_passed_on
    assert found.inputs("marts.dim_client", "taxes").sources == {Column("vault.sat", "number")}


def test_once_changed_stays_changed_in_the_layers_above() -> None:
    found = lineage(
        ("staging.stg", "select md5(tax_id) as h from source_feeds.crm__clients"),
        ("marts.dim_client", "select h from staging.stg"),
    )
    found.columns |= {"staging.stg": ["h"]}
    assert not found.trace("marts.dim_client", "h").is_passed_on


def test_a_subquery_among_the_values_is_followed() -> None:
    traced = lineage(
        (
            "marts.dim_client",
            "select (select max(c.tax_id) from source_feeds.crm__clients as c) as t from marts.names",
        ),
        seeds=frozenset({"marts.names"}),
    ).trace("marts.dim_client", "t")
    assert traced.sources == {FEED}


def test_a_snapshot_that_reads_itself_comes_to_an_end() -> None:
    found = lineage(("marts.kept", "select name from marts.kept"))
    found.columns |= {"marts.kept": ["name"]}
    assert found.trace("marts.kept", "name").sources == set()


def test_sql_that_cannot_be_read_is_named() -> None:
    with pytest.raises(LineageError, match=r"the SQL of marts\.broken"):
        lineage(("marts.broken", "select from where")).trace("marts.broken", "x")


def test_a_model_that_is_not_compiled_is_named() -> None:
    node: dict[str, Any] = {
        "resource_type": "model",
        "name": "dim_client",
        "schema": "marts",
        "alias": "dim_client",
        "config": {"materialized": "table"},
        "columns": {},
    }
    with pytest.raises(LineageError, match="dim_client is not compiled: run `dbt compile"):
        Lineage.of_manifest({"nodes": {"x": node}, "sources": {}})
