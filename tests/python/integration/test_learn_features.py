"""No feature knows the future: neither what happened after its day, nor what was delivered after it."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest

from brokerage_sources.generate.run import parameters_of
from brokerage_sources.truth import truth
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

DAY = "2016-03-31"
# The raw vault and the business vault, as far as features read them, and when their rows hold or happened. Changes of holdings have the time of their trades.
INPUTS = {
    "business_vault.bv_customer__state": "valid_from",
    "business_vault.bv_account__state": "valid_from",
    "raw_vault.nhl_trade": None,
    "raw_vault.nhl_trade_event": "applied_at",
    "raw_vault.sat_trade__brokerage": "applied_at",
    "raw_vault.nhl_cash_transaction": "applied_at",
    "raw_vault.nhl_watch_event": "applied_at",
    "raw_vault.nhl_holding_change": None,
    "raw_vault.nhl_daily_price": "price_date",
}
# The cut-offs as the macro `is_known` writes them.
VALID_TIME, LOAD_TIME = " < as_of_dates.known_until", "batch_id <= as_of_dates.known_batch_id"

Rows = list[tuple[object, ...]]


class Features:
    """The query of the features, over the tables as they are, or over others."""

    def __init__(self, built: Workspace, connection: duckdb.DuckDBPyConnection) -> None:
        assert isinstance(built.warehouse, DuckDBWarehouse)
        folder = built.target / "compiled/brokerage_warehouse/models/features"
        self.sql = (
            (folder / "ftr_customer_quarters.sql").read_text().replace('"warehouse".', '"live".')
        )
        self.connection = connection
        connection.execute(f"attach '{built.warehouse.file}' as live (read_only)")
        connection.execute("create schema planted")
        self.connection.execute(
            f"create view planted.ftr_as_of_dates as select * from live.features.ftr_as_of_dates where as_of_date = '{DAY}'"
        )

    def rows(self, sql: str, **tables: str) -> Rows:
        """The features of the day, with other rows in some tables.

        Args:
            sql: the query.
            tables: by name without the schema, what is read instead; `{}` stands for the table.
        """
        replaced = sql.replace('"live"."features"."ftr_as_of_dates"', "planted.ftr_as_of_dates")
        for name in INPUTS:
            schema, table = name.split(".")
            if table in tables:
                relation = f'"live"."{schema}"."{table}"'
                self.connection.execute(
                    f"create or replace table planted.{table} as {tables[table].format(relation)}"
                )
                replaced = replaced.replace(relation, f"planted.{table}")
        return self.connection.execute(f"select * from ({replaced}) order by all").fetchall()


@pytest.fixture(scope="module")
def features(built: Workspace) -> Iterator[Features]:
    with duckdb.connect() as connection:
        yield Features(built, connection)


def _broken(sql: str, text: str) -> list[str]:
    """The query with each occurrence of a condition made to hold always, one at a time."""
    found = [match.span() for match in re.finditer(re.escape(text), sql)]
    always = " is not null" if text == VALID_TIME else "batch_id is not null"
    return [sql[:start] + always + sql[end:] for start, end in found]


def until_the_day() -> dict[str, str]:
    """The tables as they were when the day was over."""
    return {
        name.split(".")[
            1
        ]: f"select * from {{}} where {moment} < timestamp '{DAY}' + interval 1 day"
        for name, moment in INPUTS.items()
        if moment
    }


# How each table is corrected by a later batch; the others are delivered a second time.
CORRECTIONS = {
    "bv_customer__state": "'INAC' as status_code",
    "bv_account__state": "'INAC' as status_code",
    "nhl_trade": "account_id + 1 as account_id",
    "nhl_trade_event": "applied_at - interval 45 day as applied_at",
    "nhl_daily_price": "2 * close_price as close_price",
}


def delivered_again() -> dict[str, str]:
    """The tables after everything was corrected, a year later."""
    return {
        table: "select * from {0} union all by name"
        f" select * replace ({', '.join(['99 as batch_id', *filter(None, [CORRECTIONS.get(table)])])}) from {{0}}"
        for table in (name.split(".")[1] for name in INPUTS)
    }


def test_features_of_a_day_are_those_that_were_built_on_that_day(features: Features) -> None:
    rows = features.rows(features.sql)
    assert len(rows) > 200
    assert rows == features.rows(features.sql, **until_the_day())


def test_features_of_a_day_stay_when_everything_is_corrected_later(features: Features) -> None:
    assert features.rows(features.sql) == features.rows(features.sql, **delivered_again())


def test_each_feature_that_would_read_past_its_day_is_found(features: Features) -> None:
    """Without any of the cut-offs of valid time, the first test would be red."""
    assert_each_is_noticed(features, VALID_TIME, until_the_day())


def test_each_feature_that_would_read_later_deliveries_is_found(features: Features) -> None:
    """Without any of the cut-offs of load time, the second test would be red."""
    assert_each_is_noticed(features, LOAD_TIME, delivered_again())


def assert_each_is_noticed(features: Features, cut_off: str, tables: dict[str, str]) -> None:
    """Without any one of the cut-offs of a kind, other tables give other rows."""
    broken = _broken(features.sql, cut_off)
    assert len(broken) == 7
    unnoticed = [
        number
        for number, sql in enumerate(broken)
        if features.rows(sql) == features.rows(sql, **tables)
    ]
    assert unnoticed == []


def test_what_a_customer_is_asked_about_today_is_what_is_learned_from(built: Workspace) -> None:
    columns = [
        built.warehouse.query(
            "select column_name, data_type from information_schema.columns"
            f" where table_schema = 'features' and table_name = '{table}' order by ordinal_position"
        )
        for table in ("ftr_customer_quarters", "ftr_customers")
    ]
    assert columns[0] == columns[1]
    assert len(columns[0]) > 15


def test_everybody_who_stays_has_a_row_on_each_day(built: Workspace) -> None:
    """Counted another way: those who came, less those who became inactive or lost all accounts."""
    for day, rows in built.warehouse.query(
        "select as_of_date, count(*) from features.ftr_customer_quarters group by 1 order by 1"
    ):
        ((expected,),) = built.warehouse.query(
            f"""
            select count(distinct customers.customer_id)
            from marts.dim_customer as customers
            inner join marts.dim_account as accounts
                on accounts.sk_customer_id in (
                    select sk_customer_id from marts.dim_customer as versions
                    where versions.customer_id = customers.customer_id
                )
            where customers.status = 'Active' and accounts.status = 'Active'
                and date '{day}' >= customers.effective_date and date '{day}' < customers.end_date
                and date '{day}' >= accounts.effective_date and date '{day}' < accounts.end_date
            """
        )
        assert rows == expected, day


def test_who_has_left_is_who_left_in_the_sources(built: Workspace) -> None:
    """The generator knows it from its plan, the warehouse from the files."""
    expected = {
        (customer, date(1970, 1, 1) + timedelta(days=each.day), has_left)
        for each in truth(parameters_of(built.sources), date(2013, 3, 31))
        for customer, has_left in zip(each.customers.tolist(), each.has_left.tolist(), strict=True)
    }
    found = built.warehouse.query(
        "select customer_id, as_of_date, has_left from features.ftr_customer_attrition"
    )
    assert set(found) == expected
    assert len(found) == len(expected) > 4000
