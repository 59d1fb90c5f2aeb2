"""Deliveries that are incomplete, in the wrong order or odd: only the test that names the batch is red, and everything else is built."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.workspace import Workspace
from tests.python.hard_data import Sources

pytestmark = pytest.mark.integration

GAP = "assert_batches__none_is_missing"
DATES = "assert_batches__each_has_a_later_date_than_the_one_before"
FAILED = "assert_load_log__no_file_has_failed"
# In the calendar, but before everything of the dataset.
LONG_AGO = "1950-02-01"


def test_a_gap_and_a_date_that_does_not_rise_are_named(small_dataset: Path, tmp_path: Path) -> None:
    workspace = Workspace.on_duckdb(tmp_path)
    for batch in (1, 3):
        folder = workspace.sources / f"Batch{batch}"
        folder.mkdir(parents=True)
        shutil.copyfile(small_dataset / "Batch3/Account.txt", folder / "Account.txt")
        (folder / "BatchDate.txt").write_text(f"2017-07-{9 - batch:02}\n")
    loaded = load(LoadOptions(str(workspace.sources), str(workspace.lake)))
    failures = [text for text in loaded.failures if text.startswith("control.batch_date")]
    assert [text.partition(":")[0] for text in failures] == ["control.batch_date of batch 3"]
    assert results(workspace) == {GAP: ("warn", 1), DATES: ("fail", 1)}
    shown = workspace.dbt("show", "-q", "-s", DATES, "--output", "json")
    (row,) = json.loads(shown.stdout)["show"]
    assert row["batch_id"] == 3
    assert "batch_date 2017-07-06 of batch 3 is not after 2017-07-08 of batch 1" in row["message"]


@dataclass(frozen=True)
class Odd:
    """Keys of the rows that are odd."""

    account: str
    customer: str
    watch: tuple[str, str]
    symbol: str
    prospect: str


def plant(folder: Path) -> Odd:
    """Give batch 3 a date that was there before, and put one row of each kind that is odd into the others."""
    sources = Sources(folder)
    sources.write("Batch3/BatchDate.txt", ["2017-07-07"])
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
    return Odd(account[2], customer[2], (watch[2], watch[3]), price[3], prospect)


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


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Odd]:
    """A warehouse that was built, with all tests, on such a delivery."""
    workspace = Workspace.on_duckdb(tmp_path_factory.mktemp("odd"))
    generate(Parameters(scale_factor=0.02), workspace.sources, workers=1)
    # What the official figures say no longer holds.
    for file in workspace.sources.rglob("*_audit.csv"):
        file.unlink()
    planted = plant(workspace.sources)
    loaded = load(LoadOptions(str(workspace.sources), str(workspace.lake)))
    assert [text.partition(":")[0] for text in loaded.failures] == ["control.batch_date of batch 3"]
    workspace.dbt("--log-level", "warn", "build", "--exclude-resource-type", "unit_test")
    return workspace, planted


def test_only_the_tests_that_name_the_batch_are_red(odd: tuple[Workspace, Odd]) -> None:
    workspace, _ = odd
    found = json.loads((workspace.target / "run_results.json").read_text())["results"]
    statuses = {result["unique_id"]: result["status"] for result in found}
    red = {
        name.split(".")[2]
        for name, status in statuses.items()
        if status not in ("success", "pass", "warn", "no-op")
    }
    assert red == {DATES, FAILED}
    last = [result["unique_id"].split(".")[2] for result in found].index
    assert min(last(DATES), last(FAILED)) > max(last("di_messages"), last("audit_results"))


def test_a_batch_without_a_date_waits(odd: tuple[Workspace, Odd]) -> None:
    query = odd[0].warehouse.query
    assert query("select max(batch_id) from raw_vault.nhl_daily_price") == [(2,)]
    assert query("select max(batch_id) from staging.stg_market__daily_prices") == [(3,)]
    assert query("select max(batch_id) from raw_vault.sts_prospect__prospect") == [(2,)]


def test_what_is_odd_is_a_finding(odd: tuple[Workspace, Odd]) -> None:
    workspace, planted = odd
    found = workspace.warehouse.query(
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


def test_a_price_and_a_watch_before_their_versions_are_facts(odd: tuple[Workspace, Odd]) -> None:
    workspace, planted = odd
    day = LONG_AGO.replace("-", "")
    assert workspace.warehouse.query(
        "select symbol from marts.fct_market_history join marts.dim_security using (sk_security_id)"
        f" where sk_date_id = {day}"
    ) == [(planted.symbol,)]
    assert workspace.warehouse.query(
        f"select count(*) from marts.fct_watches where sk_date_id_date_placed = {day}"
    ) == [(1,)]


def results(workspace: Workspace) -> dict[str, tuple[str, int]]:
    """Status and number of rows of the two tests."""
    selected = ("stg_control__load_log", "stg_control__batches", GAP, DATES)
    workspace.dbt("build", "-s", *selected)
    found = json.loads((workspace.target / "run_results.json").read_text())["results"]
    names = {result["unique_id"].split(".")[2]: result for result in found}
    return {name: (names[name]["status"], names[name]["failures"]) for name in (GAP, DATES)}
