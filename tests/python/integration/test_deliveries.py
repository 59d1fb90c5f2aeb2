"""Deliveries that are incomplete, in the wrong order or odd: only the test that names the batch is red, and everything else is built."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.workspace import Workspace
from tests.python.hard_data import Sources

pytestmark = pytest.mark.integration

GAP = "assert_batches__none_is_missing"
DATES = "assert_batches__each_has_a_later_date_than_the_one_before"
GONE = "assert_load_log__has_every_batch_of_the_vault"
FAILED = "assert_load_log__no_file_has_failed"
# In the calendar, but before everything of the dataset.
LONG_AGO = "1950-02-01"


@dataclass(frozen=True)
class Odd:
    """Keys of the rows that are odd."""

    account: str
    customer: str
    watch: tuple[str, str]
    symbol: str
    prospect: str
    torn_line: int


def plant(folder: Path) -> Odd:
    """Leave out batch 3, give batch 4 a date that was there before, and put one row of each kind that is odd into the others."""
    sources = Sources(folder)
    (folder / "Batch3").rename(folder / "Batch4")
    sources.write("Batch4/BatchDate.txt", ["2017-07-07"])
    account = sources.change("Batch2/Account.txt", 0, field_7="CMPT")
    customer = sources.change("Batch2/Customer.txt", 0, field_4="CMPT")
    watch = next(row for row in sources.rows("Batch2/WatchHistory.txt") if row[5] == "ACTV")
    sources.add("Batch2/WatchHistory.txt", watch[2], watch[3], f"{LONG_AGO} 09:00:00", "ACTV")
    price = sources.rows("Batch2/DailyMarket.txt")[0]
    sources.add("Batch2/DailyMarket.txt", LONG_AGO, *price[3:])
    listed = {line.split(",")[0] for line in sources.lines("Batch1/Prospect.csv")}
    lines = sources.lines("Batch2/Prospect.csv")
    place = next(place for place, line in enumerate(lines) if line.split(",")[0] in listed)
    prospect = lines[place].split(",")[0]
    lines[place] = f"{prospect},torn"
    sources.write("Batch2/Prospect.csv", lines)
    actions = sources.lines("Batch1/CustomerMgmt.xml")
    first = next(place for place, line in enumerate(actions) if "ActionTS=" in line)
    actions[first] = re.sub(r'ActionTS="[0-9]{4}', 'ActionTS="1850', actions[first])
    sources.write("Batch1/CustomerMgmt.xml", actions)
    for kind, position in (("CMP", 88), ("SEC", 39)):
        plant_status(sources, kind, position)
    return Odd(account[2], customer[2], (watch[2], watch[3]), price[3], prospect, place + 1)


def plant_status(sources: Sources, kind: str, position: int) -> None:
    """Give the last record of a kind in the newswire a status of trades."""
    for file in sorted(sources.folder.glob("Batch1/FINWIRE????Q?"), reverse=True):
        name = f"Batch1/{file.name}"
        lines = sources.lines(name)
        places = [place for place, line in enumerate(lines) if line[15:18] == kind]
        if places:
            line = lines[places[-1]]
            lines[places[-1]] = f"{line[:position]}CMPT{line[position + 4 :]}"
            sources.write(name, lines)
            return
    raise AssertionError(f"no record {kind}")


@dataclass(frozen=True)
class Built:
    """A warehouse, what is odd in it, and status and number of rows of each node, in the order in which they ended."""

    workspace: Workspace
    planted: Odd
    results: dict[str, tuple[str, int]]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.workspace.warehouse.query(sql)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A warehouse that was built, with all tests, on such a delivery."""
    workspace = Workspace.on_duckdb(tmp_path_factory.mktemp("odd"))
    generate(Parameters(scale_factor=0.02), workspace.sources, workers=1)
    # What the official figures say no longer holds.
    for file in workspace.sources.rglob("*_audit.csv"):
        file.unlink()
    planted = plant(workspace.sources)
    loaded = load(LoadOptions(str(workspace.sources), str(workspace.lake)))
    assert [text.partition(":")[0] for text in loaded.failures] == ["control.batch_date of batch 4"]
    workspace.dbt("--log-level", "warn", "build", "--exclude-resource-type", "unit_test")
    found = json.loads((workspace.target / "run_results.json").read_text())["results"]
    results = {
        node["unique_id"].split(".")[2]: (node["status"], node["failures"]) for node in found
    }
    return Built(workspace, planted, results)


def test_only_the_tests_that_name_the_batch_are_red(odd: Built) -> None:
    found = odd.results
    green = ("success", "pass", "warn", "no-op")
    assert {name for name, (status, _) in found.items() if status not in green} == {DATES, FAILED}
    last = list(found).index
    assert min(last(DATES), last(FAILED)) > max(last("di_messages"), last("audit_results"))


def test_a_gap_and_a_date_that_does_not_rise_are_named(odd: Built) -> None:
    assert (odd.results[GAP], odd.results[DATES]) == (("warn", 1), ("fail", 1))
    shown = odd.workspace.dbt("show", "-q", "-s", DATES, "--output", "json")
    (row,) = json.loads(shown.stdout)["show"]
    assert row["batch_id"] == 4
    date = (odd.workspace.sources / "Batch2/BatchDate.txt").read_text().strip()
    assert f"batch_date 2017-07-07 of batch 4 is not after {date} of batch 2" in row["message"]


def test_a_torn_line_is_yellow_and_kept_as_it_came(odd: Built) -> None:
    assert odd.results["assert_quarantined_rows__there_are_none"] == ("warn", 1)
    torn = f"{odd.planted.prospect},torn"
    assert odd.query(
        "select feed, record_source, source_row, raw_text from quality.quarantined_rows"
    ) == [("prospect", "Batch2/Prospect.csv", odd.planted.torn_line, torn)]


def test_a_batch_without_a_date_waits(odd: Built) -> None:
    assert odd.query("select max(batch_id) from raw_vault.nhl_daily_price") == [(2,)]
    assert odd.query("select max(batch_id) from staging.stg_market__daily_prices") == [(4,)]
    assert odd.query("select max(batch_id) from raw_vault.sts_prospect__prospect") == [(2,)]


def test_what_is_odd_is_a_finding(odd: Built) -> None:
    planted = odd.planted
    found = odd.query(
        "select message_text, message_data from quality.di_messages where message_type = 'Finding'"
    )
    findings = {(str(text), str(data)) for text, data in found}
    customer, symbol = planted.watch
    assert {
        ("Unknown code", f"CA_ID = {planted.account}, CA_ST_ID = CMPT"),
        ("Unknown code", f"C_ID = {planted.customer}, C_ST_ID = CMPT"),
        ("Watch is set while it is open", f"W_C_ID = {customer}, W_S_SYMB = {symbol}"),
        ("Withdrawal is uncertain", f"AgencyID = {planted.prospect}"),
    } <= findings
    codes = {data.split(" = ")[0] for text, data in findings if text == "Unknown code"}
    assert codes == {"CA_ID", "C_ID", "CO_ID", "S_SYMB"}
    far_off = {data for text, data in findings if text == "Date is far off"}
    assert any("ActionTS = 1850" in data for data in far_off)


def test_a_price_and_a_watch_before_their_versions_are_facts(odd: Built) -> None:
    planted = odd.planted
    day = LONG_AGO.replace("-", "")
    assert odd.query(
        "select symbol from marts.fct_market_history join marts.dim_security using (sk_security_id)"
        f" where sk_date_id = {day}"
    ) == [(planted.symbol,)]
    assert odd.query(
        f"select count(*) from marts.fct_watches where sk_date_id_date_placed = {day}"
    ) == [(1,)]


def test_a_batch_that_is_gone_from_the_lake_is_named(odd: Built, tmp_path: Path) -> None:
    lake = odd.workspace.lake
    gone = (
        lake / "hr/employee/batch_id=1",
        lake / "control/load_log/batch_id=1/hr__employee.parquet",
    )
    for path in gone:
        path.rename(tmp_path / path.name)
    try:
        test = odd.workspace.dbt("build", "-s", "stg_control__load_log", "load_log", GONE)
    finally:
        for path in gone:
            (tmp_path / path.name).rename(path)
    assert test.returncode == 1
    assert odd.query(
        "select count(*) from operations.vault_batches where feed = 'hr.employee' and batch_id = 1"
    ) != [(0,)]
    found = json.loads((odd.workspace.target / "run_results.json").read_text())["results"]
    assert [node["failures"] for node in found if node["unique_id"].split(".")[2] == GONE] == [1]
