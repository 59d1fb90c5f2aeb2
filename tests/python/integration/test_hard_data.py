"""Rows that cannot be modeled, planted into one small dataset: the build ends, each row is named, and everything else is right.

The cases are written into the source files by `tests/python/hard_data.py`; the warehouse is built once on each engine, and every test reads it.

    pytest tests/python/integration/test_hard_data.py
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import Workspace
from tests.python.hard_data import (
    DAY,
    LONG_AGO,
    NO_SYMBOL,
    NOBODY,
    UNLISTED_DAY,
    ZERO_KEY,
    Planted,
    Sources,
    plant,
)

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("hard_data")]

RED = {
    "assert_rejected_rows__there_are_none",
    "assert_dim_trade__every_closed_trade_has_a_day_and_a_second",
}


@dataclass
class Built:
    """A warehouse that was built on the planted cases."""

    workspace: Workspace
    planted: Planted
    statuses: dict[str, str]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.workspace.warehouse.query(sql)

    def reasons(self, model: str) -> list[str]:
        """Why rows are missing from a model."""
        return [
            str(reason)
            for (reason,) in self.query(
                f"select reason from quality.rejected_rows where model_name = '{model}' order by 1"
            )
        ]

    def findings(self, text: str) -> set[str]:
        """The data of all messages with a text."""
        found = self.query(
            f"select message_data from quality.di_messages where message_text = '{text}'"
        )
        return {str(data) for (data,) in found}


# On Postgres, the build takes as long again, and the rules are the same text: `make test-slow` plays it.
ENGINES = [
    pytest.param(engine, marks=[] if engine is Target.DUCKDB else [pytest.mark.slow])
    for engine in WAREHOUSES
]


@pytest.fixture(scope="module", params=ENGINES)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("hard_data")
    with WAREHOUSES[request.param].temporary(folder) as warehouse:
        workspace = Workspace(folder, warehouse)
        generate(Parameters(scale_factor=0.02), workspace.sources, workers=1)
        planted = plant(Sources(workspace.sources))
        options = LoadOptions(str(workspace.sources), str(workspace.lake), target=warehouse.target)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in workspace.environment.items():
                patch.setenv(name, value)
            assert load(options).failures == []
        build = workspace.dbt(
            "--log-level", "warn", "build", "--exclude-resource-type", "unit_test"
        )
        results = json.loads((workspace.target / "run_results.json").read_text())["results"]
        statuses = {result["unique_id"]: result["status"] for result in results}
        assert build.returncode == 1, build.stdout
        yield Built(workspace, planted, statuses)


def test_every_model_is_built_and_only_tests_of_missing_rows_are_red(built: Built) -> None:
    broken = {
        node: status
        for node, status in built.statuses.items()
        if not node.startswith("test.") and status != "success"
    }
    assert {node: status for node, status in broken.items() if status != "no-op"} == {}
    red = {
        node.split(".")[2]
        for node, status in built.statuses.items()
        if node.startswith("test.") and status not in ("pass", "warn")
    }
    assert red == RED


def test_unknown_members_are_yellow_and_name_the_row(built: Built) -> None:
    warned = {node for node, status in built.statuses.items() if status == "warn"}
    assert any("every_member_and_code_is_known" in node for node in warned)
    planted = built.planted
    members = built.findings("Unknown member")
    assert {
        f"CA_ID = {planted.account_of_another_employee}, CA_B_ID = {planted.another_employee}",
        f"CA_ID = {planted.account_of_nobody}, CA_B_ID = {NOBODY}",
        f"CA_ID = {planted.orphan_account}, CA_C_ID = {NOBODY}",
        f"CA_ID = {planted.moved_account}, CA_C_ID = {NOBODY}",
        f"S_SYMB = OFNOBODY, S_CO_ID = {NOBODY}",
        f"S_SYMB = {planted.reissued}, S_CO_ID = {NOBODY}",
    } == members


@pytest.mark.parametrize(
    ("dimension", "key", "business_key"),
    [
        ("dim_broker", "sk_broker_id", "broker_id"),
        ("dim_customer", "sk_customer_id", "customer_id"),
        ("dim_company", "sk_company_id", "company_id"),
    ],
)
def test_an_unknown_member_has_one_row_that_is_always_valid(
    built: Built, dimension: str, key: str, business_key: str
) -> None:
    found = built.query(
        f"select {business_key}, is_current, cast(effective_date as varchar), cast(end_date as varchar)"
        f" from marts.{dimension} where {key} = '{ZERO_KEY}'"
    )
    assert found == [(-1, True, "1950-01-01", "9999-12-31")]


def test_the_accounts_are_there_with_the_unknown_member(built: Built) -> None:
    planted = built.planted
    found = built.query(
        "select account_id, cast(sk_broker_id as varchar), cast(sk_customer_id as varchar) from marts.dim_account"
        " where account_id between 800001 and 800003 order by account_id"
    )
    brokers = [broker == ZERO_KEY for _, broker, _ in found]
    customers = [customer == ZERO_KEY for _, _, customer in found]
    assert [account for account, _, _ in found] == [
        planted.account_of_another_employee,
        planted.account_of_nobody,
        planted.orphan_account,
    ]
    assert brokers == [True, True, False]
    assert customers == [False, False, True]


@pytest.mark.parametrize(
    ("dimension", "key", "business_key", "member"),
    [
        ("dim_account", "sk_customer_id", "account_id", "moved_account"),
        ("dim_security", "sk_company_id", "symbol", "reissued"),
    ],
)
def test_who_moves_to_nobody_refers_to_the_unknown_member_from_then_on(
    built: Built, dimension: str, key: str, business_key: str, member: str
) -> None:
    found = built.query(
        f"select cast({key} as varchar) from marts.{dimension}"
        f" where cast({business_key} as varchar) = '{getattr(built.planted, member)}' order by effective_date"
    )
    assert len(found) > 1
    assert [parent == ZERO_KEY for (parent,) in found] == [False] * (len(found) - 1) + [True]


def test_rows_without_a_parent_are_rejected_with_a_reason(built: Built) -> None:
    assert built.reasons("fct_cash_balances") == [f"no version of account {NOBODY} holds on {DAY}"]
    assert built.reasons("fct_watches") == sorted(
        [
            f"no version of customer {NOBODY} holds on {DAY}",
            f"no version of customer -1 holds on {DAY}",
            f"no version of security {NO_SYMBOL} holds on {DAY}",
            f"{LONG_AGO} is not a day of the calendar",
            "the action is neither ACTV nor CNCL",
            "there is no watch that this row could cancel",
        ]
    )
    assert built.reasons("dim_trade") == sorted(
        [
            f"no version of account {NOBODY} holds on {DAY}",
            f"no version of security {NO_SYMBOL} holds on {DAY}",
            "no row places this trade",
        ]
    )
    assert built.reasons("fct_holdings") == sorted(
        [
            "trade 900001 is unknown, or was rejected itself",
            f"trade {NOBODY} is unknown, or was rejected itself",
        ]
    )
    assert built.reasons("fct_market_history") == sorted(
        [
            f"no version of security {NO_SYMBOL} holds on {DAY}",
            "the price of this security and day was delivered before",
            "the row has no closing price, high, low or volume",
            f"{UNLISTED_DAY} is not a day of the calendar",
        ]
    )
    assert built.reasons("dim_date") == ["the list has an earlier entry of this key"]
    (financial,) = built.reasons("financials")
    assert financial.startswith(f"no version of company {NOBODY:010} holds on ")


def test_a_rejected_row_is_found_in_its_file(built: Built) -> None:
    ((source, row, text),) = built.query(
        "select record_source, source_row, raw_text from quality.rejected_rows where model_name = 'fct_cash_balances'"
    )
    line = Sources(built.workspace.sources).lines(str(source))[int(row) - 1]
    assert line.endswith(str(text))


def test_a_price_of_zero_has_no_yield_and_the_batch_is_complete(built: Built) -> None:
    found = built.query(
        "select f.yield, f.close_price, f.fifty_two_week_low from marts.fct_market_history as f"
        " inner join marts.dim_security as s on f.sk_security_id = s.sk_security_id"
        f" where s.symbol = '{built.planted.priced_at_zero}' and f.batch_id = 3"
    )
    assert [(yields, float(close), float(low)) for yields, close, low in found] == [
        (None, 0.0, 0.0)
    ]
    delivered = len(Sources(built.workspace.sources).lines("Batch3/DailyMarket.txt"))
    assert built.query("select count(*) from marts.fct_market_history where batch_id = 3") == [
        (delivered - 4,)
    ]


def test_the_first_complete_price_of_a_day_counts(built: Built) -> None:
    symbol, high = built.planted.completed_price
    found = built.query(
        "select f.day_high from marts.fct_market_history as f"
        " inner join marts.dim_security as s on f.sk_security_id = s.sk_security_id"
        f" where s.symbol = '{symbol}' and f.batch_id = 3"
    )
    assert [f"{price:.2f}" for (price,) in found] == [high]


def test_an_update_moves_no_creation(built: Built) -> None:
    planted = built.planted
    trades = (planted.backdated_trade, planted.undated_trade)
    assert built.query(
        "select trade_id, sk_create_date_id, sk_close_date_id, status from marts.dim_trade"
        f" where trade_id in {trades} order by trade_id"
    ) == [
        (trades[0], int(DAY.replace("-", "")), None, "Submitted"),
        (trades[1], int(DAY.replace("-", "")), None, "Completed"),
    ]


def test_a_trade_placed_twice_is_one_with_the_terms_stated_last(built: Built) -> None:
    assert built.query(
        f"select quantity from marts.dim_trade where trade_id = {built.planted.placed_twice}"
    ) == [(20,)]


def test_an_unknown_action_does_not_come_between_a_watch_and_its_end(built: Built) -> None:
    day = int(DAY.replace("-", ""))
    assert built.query(
        "select w.sk_date_id_date_placed, w.sk_date_id_date_removed from marts.fct_watches as w"
        " inner join marts.dim_customer as c on w.sk_customer_id = c.sk_customer_id"
        " inner join marts.dim_security as s on w.sk_security_id = s.sk_security_id"
        f" where c.customer_id = 3 and s.symbol = '{built.planted.watched}' and w.sk_date_id_date_placed = {day}"
    ) == [(day, day)]


@pytest.mark.parametrize(
    ("message_source", "table", "key"),
    [
        ("DimTrade", "dim_trade", "trade_id"),
        ("DimDate", "dim_date", "sk_date_id"),
        ("DimCustomer", "dim_customer", "sk_customer_id"),
        ("DimBroker", "dim_broker", "sk_broker_id"),
        ("DimCompany", "dim_company", "sk_company_id"),
        ("Financial", "financials", "sk_company_id"),
    ],
)
def test_rows_are_counted_once_and_the_unknown_member_is_not(
    built: Built, message_source: str, table: str, key: str
) -> None:
    ((rows,),) = built.query(
        f"select count(*) from marts.{table} where cast({key} as varchar) <> '{ZERO_KEY}'"
    )
    assert built.query(
        "select message_data from quality.di_messages"
        f" where message_source = '{message_source}' and message_text = 'Row count' and batch_id = 3"
    ) == [(str(rows),)]


def test_one_sale_closes_two_lots(built: Built) -> None:
    planted = built.planted
    assert built.query(
        f"select trade_id, current_holding from marts.fct_holdings where current_trade_id = {planted.closing_trade}"
        " order by trade_id"
    ) == [(lot, 0) for lot in planted.lots]
    ((contradictions,),) = built.query(
        "select count(*) from marts.fct_positions as p"
        f" where p.account_id = {planted.known_account} and p.batch_id = 3 and p.quantity < 0"
    )
    assert contradictions == 0


def test_a_company_called_3_is_not_the_company_with_cik_3(built: Built) -> None:
    companies = built.query(
        "select s.symbol, c.company_id from marts.dim_security as s"
        " inner join marts.dim_company as c on s.sk_company_id = c.sk_company_id"
        " where s.symbol like 'THREE%' and s.is_current order by s.symbol"
    )
    assert companies == [("THREEBYNAME", 9003), ("THREEBYNUMBER", 3)]


def test_implausible_values_are_reported_and_modeled(built: Built) -> None:
    planted = built.planted
    trade = planted.implausible_trade
    assert built.findings("Quantity is not positive") == {f"T_ID = {trade}, T_QTY = -5"}
    assert f"T_ID = {trade}, T_BID_PRICE = -9.85" in built.findings("Price is not positive")
    assert f"DM_S_SYMB = {planted.priced_at_zero}, DM_CLOSE = 0.00" in built.findings(
        "Price is not positive"
    )
    assert built.findings("Low is above high") == {
        f"DM_S_SYMB = {planted.out_of_order}, DM_LOW = 2.00"
    }
    assert built.findings("Volume is negative") == {
        f"DM_S_SYMB = {planted.out_of_order}, DM_VOL = -3"
    }
    assert built.findings("Insert of a known key") == {
        f"CA_ID = {planted.known_account}",
        f"T_ID = {planted.placed_twice}",
    }
    assert built.findings("Update of an unknown key") == {"CA_ID = 800004"}
    assert built.findings("Date is far off") == {
        f"W_C_ID = 1, W_DTS = {LONG_AGO} 10:00:00",
        f"T_ID = {planted.backdated_trade}, T_DTS = {LONG_AGO} 10:00:00",
        f"T_ID = {planted.undated_trade}, T_DTS = {LONG_AGO} 10:00:00",
        f"DM_S_SYMB = {planted.priced_on_unlisted_day}, DM_DATE = {UNLISTED_DAY}",
    }
    assert built.query(f"select quantity from marts.dim_trade where trade_id = {trade}") == [(-5,)]


def test_codes_that_are_not_listed_are_shown_as_unknown(built: Built) -> None:
    trade = built.planted.oddly_typed_trade
    assert built.query(f"select type from marts.dim_trade where trade_id = {trade}") == [
        ("Unknown",)
    ]
    assert built.query(
        "select distinct industry from marts.dim_company where company_id = 9003"
    ) == [("Unknown",)]
    assert built.findings("Unknown code") == {
        f"T_ID = {trade}, T_TT_ID = X",
        "CO_ID = 9003, CO_IN_ID = ZZ",
    }


def test_an_empty_read_is_no_withdrawal_of_prospects(built: Built) -> None:
    published = "select count(*) from snapshots.prospects_published where published_to is null"
    before = built.query(published)
    warehouse = built.workspace.warehouse
    warehouse.save("complete")
    refused = built.workspace.dbt("build", "--empty", "--select", "prospects_published")
    assert refused.returncode != 0
    assert "would empty its tables" in refused.stdout
    # As if the list of the last batch had not been loaded.
    statement = "begin; update business_vault.bv_prospect__history set is_listed = false; commit"
    emptied = built.workspace.dbt(
        "run-operation", "run_query", "--args", json.dumps({"sql": statement})
    )
    assert emptied.returncode == 0, emptied.stdout
    refused = built.workspace.dbt("snapshot")
    assert refused.returncode != 0
    assert "An empty list is not treated as a withdrawal" in refused.stdout
    assert built.query(published) == before
    warehouse.restore("complete")
