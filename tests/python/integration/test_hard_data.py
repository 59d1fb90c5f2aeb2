"""Rows that cannot be modelled, planted into one small dataset: the build ends, each row is named, and everything else is right.

The cases are written into the source files by `plant`; the warehouse is built once on each engine, and every test reads it.

    pytest tests/python/integration/test_hard_data.py
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("hard_data")]

DAY = "2017-07-09"
BROKER = "314"
# Keys that nothing in the dataset has.
NOBODY = 999_999_999
NO_SYMBOL = "NOSUCHSYMBOL"
ZERO_KEY = "00000000-0000-0000-0000-000000000000"
# Change numbers from here on are planted.
FIRST_NUMBER = 90_000_000

RED = {"assert_rejected_rows__there_are_none"}


class Sources:
    """The source files of a dataset, and what was planted in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = FIRST_NUMBER

    def lines(self, name: str) -> list[str]:
        """The lines of a file, without their ends."""
        return (self.folder / name).read_text().splitlines()

    def rows(self, name: str) -> list[list[str]]:
        """The fields of the lines of a file."""
        return [line.split("|") for line in self.lines(name)]

    def write(self, name: str, lines: list[str]) -> None:
        """Replace a file."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))

    def add(self, name: str, *fields: object, flag: str = "I") -> None:
        """A line at the end of a file of a daily batch, with a change number of its own."""
        self.number += 1
        line = "|".join(str(field) for field in (flag, self.number, *fields))
        self.write(name, [*self.lines(name), line])

    def add_trade(
        self, trade_id: int, *, symbol: str, account: object, flag: str = "I", **values: object
    ) -> None:
        """A row of a trade in the last batch; what `values` do not say is usual."""
        usual = {"status": "SBMT", "kind": "TMB", "quantity": 5, "price": "1.00", "figures": "|||"}
        row = usual | values
        self.add(
            "Batch3/Trade.txt",
            trade_id,
            f"{DAY} 11:00:00",
            row["status"],
            row["kind"],
            1,
            symbol,
            row["quantity"],
            row["price"],
            account,
            "planted",
            row["figures"],
            flag=flag,
        )

    def change(self, name: str, line: int, **fields: object) -> list[str]:
        """Other values of some fields of a line; `field_3` is the fourth. Returns the fields of the line."""
        rows = self.rows(name)
        for place, value in fields.items():
            rows[line][int(place.removeprefix("field_"))] = str(value)
        self.write(name, ["|".join(row) for row in rows])
        return rows[line]


@dataclass(frozen=True)
class Planted:
    """What the tests look for."""

    account_of_another_employee: int
    another_employee: int
    account_of_nobody: int
    orphan_account: int
    known_account: int
    priced_at_zero: str
    priced_twice: str
    out_of_order: str
    lots: tuple[int, int]
    closing_trade: int
    implausible_trade: int
    oddly_typed_trade: int


def plant(sources: Sources) -> Planted:
    """Write all cases into the files of the third batch, and those of the newswire into the first."""
    for audit in sources.folder.rglob("*_audit.csv"):
        audit.unlink()
    employees = [line.split(",") for line in sources.lines("Batch1/HR.csv")]
    another = next(int(fields[0]) for fields in employees if fields[5] != BROKER)
    broker = next(int(fields[0]) for fields in employees if fields[5] == BROKER)
    account = sources.rows("Batch3/CashTransaction.txt")[0][2]
    prices = sources.rows("Batch3/DailyMarket.txt")

    # Accounts: the broker has another job, is nobody, or the owner is nobody.
    ids = (800_001, 800_002, 800_003)
    for account_id, broker_id, customer_id in (
        (ids[0], another, 0),
        (ids[1], NOBODY, 0),
        (ids[2], broker, NOBODY),
    ):
        sources.add("Batch3/Account.txt", account_id, broker_id, customer_id, "planted", 1, "ACTV")
    # Inserted although known, updated although unknown.
    sources.add("Batch3/Account.txt", account, broker, 0, "known", 1, "ACTV")
    sources.add("Batch3/Account.txt", 800_004, broker, 0, "unknown", 1, "ACTV", flag="U")

    # Cash and watches without a parent, or on a day that is in no calendar.
    sources.add("Batch3/CashTransaction.txt", NOBODY, f"{DAY} 10:00:00", "5.00", "nobody's")
    sources.add("Batch3/WatchHistory.txt", NOBODY, prices[0][3], f"{DAY} 10:00:00", "ACTV")
    sources.add("Batch3/WatchHistory.txt", 0, NO_SYMBOL, f"{DAY} 10:00:00", "ACTV")
    sources.add("Batch3/WatchHistory.txt", 1, prices[0][3], "1850-01-01 10:00:00", "ACTV")
    sources.add("Batch3/WatchHistory.txt", 2, NO_SYMBOL, f"{DAY} 10:00:00", "CNCL")

    # Prices: none, one too many, of nothing, and in a wrong order.
    sources.change("Batch3/DailyMarket.txt", 0, field_4="0.00", field_6="0.00")
    sources.change("Batch3/DailyMarket.txt", 1, field_5="1.00", field_6="2.00", field_7="-3")
    sources.add("Batch3/DailyMarket.txt", *prices[2][2:])
    sources.add("Batch3/DailyMarket.txt", prices[2][2], NO_SYMBOL, "1.00", "1.00", "1.00", 5)

    # Trades: of nobody, of nothing, of an unknown kind, with absurd figures, and changed although never placed.
    first, symbol = 900_001, prices[0][3]
    sources.add_trade(first, symbol=symbol, account=NOBODY)
    sources.add_trade(first + 1, symbol=NO_SYMBOL, account=account)
    sources.add_trade(first + 2, symbol=symbol, account=account, kind="X")
    sources.add_trade(first + 3, symbol=symbol, account=account, quantity=-5, price="-9.85")
    sources.add_trade(first + 4, symbol=symbol, account=account, flag="U")

    # One sale closes two lots.
    lots, closing = (first + 10, first + 11), first + 12
    for trade_id, kind, quantity in (
        (lots[0], "TMB", 10),
        (lots[1], "TMB", 20),
        (closing, "TMS", 30),
    ):
        done = {
            "status": "CMPT",
            "kind": kind,
            "quantity": quantity,
            "figures": "3.00|0.10|0.20|0.30",
        }
        sources.add_trade(trade_id, symbol=prices[3][3], account=account, **done)
    for opening, current, before, after in (
        (lots[0], lots[0], 0, 10),
        (lots[1], lots[1], 0, 20),
        (lots[0], closing, 10, 0),
        (lots[1], closing, 20, 0),
    ):
        sources.add("Batch3/HoldingHistory.txt", opening, current, before, after)
    # A holding of a trade that was rejected, and one of a trade that nobody placed.
    sources.add("Batch3/HoldingHistory.txt", first, first, 0, 5)
    sources.add("Batch3/HoldingHistory.txt", NOBODY, NOBODY, 0, 5)

    _plant_newswire(sources)
    return Planted(
        account_of_another_employee=ids[0],
        another_employee=another,
        account_of_nobody=ids[1],
        orphan_account=ids[2],
        known_account=int(account),
        priced_at_zero=prices[0][3],
        priced_twice=prices[2][3],
        out_of_order=prices[1][3],
        lots=lots,
        closing_trade=closing,
        implausible_trade=first + 3,
        oddly_typed_trade=first + 2,
    )


def _plant_newswire(sources: Sources) -> None:
    """A company called 3, securities of both that 3 may mean, and records of companies that nobody knows."""
    names = sorted(path.name for path in (sources.folder / "Batch1").glob("FINWIRE*"))
    lines = [(name, line) for name in names for line in sources.lines(f"Batch1/{name}")]
    kinds = {
        kind: [line for _, line in lines if line[15:18] == kind] for kind in ("CMP", "SEC", "FIN")
    }
    company = kinds["CMP"][0]
    security, figures = kinds["SEC"][0], kinds["FIN"][0]
    last = f"Batch1/{names[-1]}"
    time = sources.lines(last)[-1][:15]
    called_three = f"{time}CMP{'3':<60}{9003:010}{company[88:92]}ZZ{company[94:]}"
    planted = [called_three]
    for symbol, reference in (
        ("THREEBYNAME", f"{'3':<60}"),
        ("THREEBYNUMBER", f"{3:010}"),
        ("OFNOBODY", f"{NOBODY:010}"),
    ):
        planted.append(f"{time}SEC{symbol:<15}{security[33:160]}{reference}")
    planted.append(f"{time}{figures[15:186]}{NOBODY:010}")
    sources.write(last, [*sources.lines(last), *planted])


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


@pytest.fixture(scope="module", params=list(Target))
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


def test_every_model_is_built_and_only_the_test_of_rejected_rows_is_red(built: Built) -> None:
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
        f"S_SYMB = OFNOBODY, S_CO_ID = {NOBODY}",
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


def test_rows_without_a_parent_are_rejected_with_a_reason(built: Built) -> None:
    assert built.reasons("fct_cash_balances") == [f"no version of account {NOBODY} holds on {DAY}"]
    assert built.reasons("fct_watches") == sorted(
        [
            f"no version of customer {NOBODY} holds on {DAY}",
            f"no version of security {NO_SYMBOL} holds on {DAY}",
            "1850-01-01 is not a day of the calendar",
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
        ]
    )
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
        (delivered - 2,)
    ]


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


def test_implausible_values_are_reported_and_modelled(built: Built) -> None:
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
    assert built.findings("Insert of a known key") == {f"CA_ID = {planted.known_account}"}
    assert built.findings("Update of an unknown key") == {"CA_ID = 800004"}
    assert built.findings("Date is far off") == {"W_C_ID = 1, W_DTS = 1850-01-01 10:00:00"}
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
    assert "An empty read is no withdrawal" in refused.stdout
    assert built.query(published) == before
    warehouse.restore("complete")
