"""No feature knows the future: neither what happened after its day, nor what was delivered after it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from brokerage_sources.generate.run import parameters_of
from brokerage_sources.truth import truth
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

# The cut-offs as the macro `is_known` writes them.
VALID_TIME = re.compile(r" < as_of_\w+\.known_until")
LOAD_TIME = re.compile(r"batch_id <= as_of_\w+\.known_batch_id")

Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Case:
    """Features that must not know the future.

    Attributes:
        model: that has them.
        day: the as-of date.
        last_batch: that had come by then.
        inputs: the tables that features read, and when their rows hold or happened; None of those that have the time of another one.
        corrections: how tables are corrected by a later batch; the others are delivered a second time. `{0}` stands for the table.
        cut_offs: how many conditions of each kind there are.
        planted: rows in some of the tables that the sample has not, as a query.
    """

    model: str
    day: str
    last_batch: int
    inputs: dict[str, str | None]
    corrections: dict[str, str]
    cut_offs: int
    planted: dict[str, str] = field(default_factory=dict)

    def until_the_day(self) -> dict[str, str]:
        """The tables as they were when the day was over."""
        return {
            name.split(".")[
                1
            ]: f"select * from {{0}} where {moment} < timestamp '{self.day}' + interval 1 day"
            for name, moment in self.inputs.items()
            if moment
        }

    def delivered_again(self) -> dict[str, str]:
        """The tables after everything was corrected, a year later."""
        return {
            table: "select * from {0} union all by name"
            f" select * replace ({', '.join(['99 as batch_id', *filter(None, [self.corrections.get(table)])])}) from {{0}}"
            for table in (name.split(".")[1] for name in self.inputs)
        }


# Changes of holdings have the time of their trades.
CUSTOMERS = Case(
    model="ftr_customer_quarters",
    day="2016-03-31",
    last_batch=1,
    inputs={
        "business_vault.bv_customer__state": "valid_from",
        "business_vault.bv_account__state": "valid_from",
        "raw_vault.nhl_trade": None,
        "raw_vault.nhl_trade_event": "applied_at",
        "raw_vault.sat_trade__brokerage": "applied_at",
        "raw_vault.nhl_cash_transaction": "applied_at",
        "raw_vault.nhl_watch_event": "applied_at",
        "raw_vault.nhl_holding_change": None,
        "raw_vault.nhl_daily_price": "price_date",
    },
    corrections={
        "bv_customer__state": "'INAC' as status_code",
        "bv_account__state": "'INAC' as status_code",
        "nhl_trade": "account_id + 1 as account_id",
        "nhl_trade_event": "applied_at - interval 45 day as applied_at",
        "nhl_daily_price": "2 * close_price as close_price",
    },
    cut_offs=7,
)
# Somebody on the list who is no customer.
STRANGER = """(
    select min(prospect_hk) from live.features.ftr_prospects
    inner join live.raw_vault.hub_prospect on agency_id = prospect_id
)"""
PROSPECTS = Case(
    model="ftr_prospect_weeks",
    day="2017-07-08",
    last_batch=3,
    inputs={
        "raw_vault.sts_prospect__prospect": "applied_at",
        "raw_vault.timeline_prospect__prospect": "valid_from",
        "business_vault.bv_prospect__customer_identity": "valid_from",
    },
    corrections={
        "sts_prospect__prospect": "not is_present as is_present",
        "timeline_prospect__prospect": "valid_from - interval 400 day as valid_from",
        "bv_prospect__customer_identity": f"{STRANGER} as prospect_hk",
    },
    cut_offs=3,
    # In the sample, nobody becomes a customer who was on the list before.
    planted={
        "bv_prospect__customer_identity": "select * from {0} union all by name (select * replace"
        f" ({STRANGER} as prospect_hk, date '2017-07-09' as valid_from) from {{0}} limit 1)"
    },
)
CASES = pytest.mark.parametrize(
    "features", [CUSTOMERS, PROSPECTS], indirect=True, ids=lambda case: case.model
)


class Features:
    """The query of the features of a day, over the tables as they are, or over others."""

    def __init__(
        self,
        case: Case,
        folder: Path,
        built: Workspace,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        assert isinstance(built.warehouse, DuckDBWarehouse)
        self.case = case
        self.sql = (folder / f"{case.model}.sql").read_text().replace('"warehouse".', '"live".')
        self.connection = connection
        connection.execute(f"attach '{built.warehouse.file}' as live (read_only)")
        connection.execute("create schema planted")
        connection.execute(
            f"""
            create view planted.ftr_as_of_dates as
            select
                date '{case.day}' as as_of_date, true as is_quarter_end, true as is_week_end, false as is_last,
                {case.last_batch} as known_batch_id, {case.last_batch} as complete_batch_id,
                timestamp '{case.day}' + interval 1 day as known_until, timestamp '{case.day}' - interval 89 day as window_from,
                timestamp '{case.day}' - interval 6 day as last_prices_from, timestamp '{case.day}' - interval 96 day as earlier_prices_from
            """
        )

    def rows(self, sql: str, **tables: str) -> Rows:
        """The features of the day, with other rows in some tables.

        Args:
            sql: the query.
            tables: by name without the schema, what is read instead; `{0}` stands for the table.
        """
        replaced = sql.replace('"live"."features"."ftr_as_of_dates"', "planted.ftr_as_of_dates")
        for name in self.case.inputs:
            schema, table = name.split(".")
            relation = f'"live"."{schema}"."{table}"'
            there = relation
            for number, query in enumerate((self.case.planted.get(table), tables.get(table))):
                if query:
                    view = f"planted.{table}_{number}"
                    self.connection.execute(
                        f"create or replace table {view} as {query.format(there)}"
                    )
                    there = view
            replaced = replaced.replace(relation, there)
        return self.connection.execute(f"select * from ({replaced}) order by all").fetchall()


@pytest.fixture(scope="module")
def compiled(built: Workspace) -> Path:
    """The folder of the queries of all features, over all rows: those of the last run are over what was new then."""
    done = built.dbt("compile", "--quiet", "--full-refresh", "--select", "path:models/features")
    assert done.returncode == 0, done.stdout
    return built.target / "compiled/brokerage_warehouse/models/features"


@pytest.fixture
def features(
    request: pytest.FixtureRequest, compiled: Path, built: Workspace
) -> Iterator[Features]:
    with duckdb.connect() as connection:
        yield Features(request.param, compiled, built, connection)


def _broken(sql: str, cut_off: re.Pattern[str]) -> list[str]:
    """The query with each occurrence of a condition made to hold always, one at a time."""
    always = " is not null" if cut_off is VALID_TIME else "batch_id is not null"
    return [sql[: found.start()] + always + sql[found.end() :] for found in cut_off.finditer(sql)]


@CASES
def test_features_of_a_day_are_those_that_were_built_on_that_day(features: Features) -> None:
    rows = features.rows(features.sql)
    assert len(rows) > 200
    assert rows == features.rows(features.sql, **features.case.until_the_day())


@CASES
def test_features_of_a_day_stay_when_everything_is_corrected_later(features: Features) -> None:
    again = features.rows(features.sql, **features.case.delivered_again())
    assert features.rows(features.sql) == again


@CASES
def test_each_feature_that_would_read_past_its_day_is_found(features: Features) -> None:
    """Without any of the cut-offs of valid time, the first test would be red."""
    assert_each_is_noticed(features, VALID_TIME, features.case.until_the_day())


@CASES
def test_each_feature_that_would_read_later_deliveries_is_found(features: Features) -> None:
    """Without any of the cut-offs of load time, the second test would be red."""
    assert_each_is_noticed(features, LOAD_TIME, features.case.delivered_again())


def assert_each_is_noticed(
    features: Features, cut_off: re.Pattern[str], tables: dict[str, str]
) -> None:
    """Without any one of the cut-offs of a kind, other tables give other rows."""
    broken = _broken(features.sql, cut_off)
    assert len(broken) == features.case.cut_offs
    unnoticed = [
        number
        for number, sql in enumerate(broken)
        if features.rows(sql) == features.rows(sql, **tables)
    ]
    assert unnoticed == []


@pytest.mark.parametrize("features", [CUSTOMERS], indirect=True)
def test_features_of_many_days_at_once_are_those_of_each_day_alone(
    features: Features, built: Workspace
) -> None:
    """Sums since the beginning are summed from day to day."""
    together = built.warehouse.query(
        f"select * from features.ftr_customer_quarters where as_of_date = '{CUSTOMERS.day}' order by all"
    )
    assert [tuple(row) for row in together] == features.rows(features.sql)


@pytest.mark.parametrize(
    "tables", [("ftr_customer_quarters", "ftr_customers"), ("ftr_prospect_weeks", "ftr_prospects")]
)
def test_what_is_asked_about_today_is_what_is_learned_from(
    built: Workspace, tables: tuple[str, str]
) -> None:
    columns = [
        built.warehouse.query(
            "select column_name, data_type from information_schema.columns"
            f" where table_schema = 'features' and table_name = '{table}' order by ordinal_position"
        )
        for table in tables
    ]
    assert columns[0] == columns[1]
    assert len(columns[0]) > 10


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
