"""A whole tiny dataset: its files, their formats, and every feature that a rule of the warehouse depends on."""

import csv
import hashlib
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from brokerage_sources.generate import Dataset, HardCaseOptions, Parameters, generate
from brokerage_sources.generate.parameters import FORMATS
from brokerage_sources.generate.run import expected_bytes
from brokerage_sources.generate.words import QUOTED_EMPLOYER, RATINGS

TINY = Parameters(scale_factor=0.01, seed=11)
BATCHES = (1, 2, 3)
INCREMENTAL = (2, 3)
BATCH_DATES = {1: date(2017, 7, 7), 2: date(2017, 7, 8), 3: date(2017, 7, 9)}
NAMESPACE = "{http://www.tpc.org/tpc-di}"


def rows(folder: Path, batch: int, name: str) -> list[list[str]]:
    text = (folder / f"Batch{batch}" / name).read_bytes().decode("ascii")
    return [line.split("|") for line in text.split("\r\n")[:-1]]


def audit(folder: Path, batch: int, name: str) -> dict[str, int]:
    lines = (folder / f"Batch{batch}" / f"{name}_audit.csv").read_text().splitlines()[1:]
    return {line.split(",")[3]: int(line.split(",")[4]) for line in lines}


def actions(folder: Path) -> Iterator[ElementTree.Element]:
    return (
        ElementTree.parse(folder / "Batch1" / "CustomerMgmt.xml")
        .getroot()
        .iter(f"{NAMESPACE}Action")
    )


def of_type(folder: Path, kind: str) -> list[ElementTree.Element]:
    return [action[0] for action in actions(folder) if action.get("ActionType") == kind]


def wire(folder: Path, kind: str) -> Iterator[str]:
    for path in sorted((folder / "Batch1").glob("FINWIRE????Q?")):
        yield from (line for line in path.read_text("ascii").splitlines() if line[15:18] == kind)


def prospects(folder: Path, batch: int) -> list[list[str]]:
    with open(folder / f"Batch{batch}" / "Prospect.csv", newline="") as file:
        return list(csv.reader(file))


# --- files -------------------------------------------------------------------------------------


def test_the_files_are_those_of_the_workload(folder: Path) -> None:
    daily = [
        "Account",
        "Customer",
        "CashTransaction",
        "DailyMarket",
        "HoldingHistory",
        "Trade",
        "WatchHistory",
    ]
    for batch in INCREMENTAL:
        expected = {f"{name}.txt" for name in daily} | {"BatchDate.txt", "Prospect.csv"}
        expected |= {f"{name}_audit.csv" for name in [*daily, "Prospect"]}
        assert {path.name for path in (folder / f"Batch{batch}").iterdir()} == expected
    first = {path.name for path in (folder / "Batch1").iterdir()}
    assert len([name for name in first if re.fullmatch(r"FINWIRE\d{4}Q\d", name)]) == 203
    without_audit = {name for name in first if f"{name.split('.')[0]}_audit.csv" not in first}
    assert {name for name in without_audit if "_audit" not in name} == {"BatchDate.txt"}
    assert {path.name for path in folder.iterdir()} == {
        *(f"Batch{batch}" for batch in BATCHES),
        *(f"Batch{batch}_audit.csv" for batch in BATCHES),
        "Generator_audit.csv",
        "manifest.json",
    }


def test_the_manifest_describes_every_file(dataset: Dataset, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    on_disk = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == on_disk - {"manifest.json"}
    for path, entry in manifest["files"].items():
        content = (folder / path).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        lines = content.count(b"\r\n")
        if path.endswith("_audit.csv"):
            lines -= 1
        if not path.endswith(".xml"):
            assert entry["rows"] == lines, path
    assert (
        manifest["bytes"]
        == dataset.bytes
        == sum(entry["bytes"] for entry in manifest["files"].values())
    )


def test_files_are_printable_ascii_with_carriage_returns(folder: Path) -> None:
    for path in folder.rglob("Batch*/*"):
        content = path.read_bytes()
        if path.suffix == ".xml":
            assert content.endswith(b"</TPCDI:Actions>")
        else:
            assert content.endswith(b"\r\n"), path
        assert content.count(b"\n") == content.count(b"\r\n"), path
        assert not content.translate(None, bytes(range(32, 127)) + b"\r\n\t"), path


def test_the_xml_prefixes_actions_only_and_is_well_formed(folder: Path) -> None:
    root = ElementTree.parse(folder / "Batch1" / "CustomerMgmt.xml").getroot()
    assert root.tag == f"{NAMESPACE}Actions"
    prefixed = {element.tag for element in root.iter() if element.tag.startswith(NAMESPACE)}
    assert prefixed == {f"{NAMESPACE}Actions", f"{NAMESPACE}Action"}
    assert len(root) == TINY.sizes.first_customers + TINY.sizes.steps * TINY.sizes.actions_per_step


def test_rows_have_their_columns(folder: Path) -> None:
    columns = {
        "Trade": 14,
        "CashTransaction": 4,
        "HoldingHistory": 4,
        "DailyMarket": 6,
        "WatchHistory": 4,
    }
    for name, count in columns.items():
        for batch in BATCHES:
            widths = {len(row) for row in rows(folder, batch, f"{name}.txt")}
            assert widths == {count if batch == 1 else count + 2}, (name, batch)
    for name, count in {"Customer": 33, "Account": 8}.items():
        assert {len(row) for row in rows(folder, 2, f"{name}.txt")} == {count}
    for name, count in {
        "Date": 18,
        "Time": 10,
        "TaxRate": 3,
        "Industry": 3,
        "StatusType": 2,
        "TradeType": 4,
    }.items():
        assert {len(row) for row in rows(folder, 1, f"{name}.txt")} == {count}
    assert {len(row) for row in prospects(folder, 2)} == {22}
    assert {len(line) for line in wire(folder, "CMP")} == {543}
    assert {len(line) for line in wire(folder, "SEC")} == {170, 220}
    assert {len(line) for line in wire(folder, "FIN")} == {196, 246}


def test_sequence_numbers_ascend_within_and_across_batches(folder: Path) -> None:
    for name in (
        "Trade",
        "CashTransaction",
        "HoldingHistory",
        "DailyMarket",
        "WatchHistory",
        "Customer",
        "Account",
    ):
        numbers = [
            int(row[1]) for batch in INCREMENTAL for row in rows(folder, batch, f"{name}.txt")
        ]
        if name in (
            "Trade",
            "CashTransaction",
            "HoldingHistory",
        ):  # made of the trade id: ascending in a file only
            numbers = [int(row[1]) for row in rows(folder, 2, f"{name}.txt")]
        assert all(first < second for first, second in itertools.pairwise(numbers)), name


# --- same bytes --------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_writes_the_same_bytes(
    dataset: Dataset, tmp_path: Path, workers: int
) -> None:
    again = generate(TINY, tmp_path / "again", workers=workers)
    assert again.files == dataset.files


def format_of(path: str) -> str | None:
    """The format of a file by its path, `None` in the root."""
    if "/" not in path:
        return None
    if "FINWIRE" in path:
        return "fixed_width"
    return "xml" if "CustomerMgmt" in path else "delimited"


@pytest.mark.parametrize("formats", [{"xml"}, {"fixed_width"}, {"delimited"}, {"xml", "delimited"}])
def test_a_dataset_of_some_formats_has_these_files_of_the_complete_dataset(
    dataset: Dataset, tmp_path: Path, formats: set[str]
) -> None:
    chosen = Parameters(scale_factor=0.01, seed=11, formats=frozenset(formats))
    some = generate(chosen, tmp_path / "some")
    assert some.files == [
        file for file in dataset.files if format_of(file.path) in {None, *formats}
    ]
    on_disk = {str(path.relative_to(some.output)) for path in some.output.rglob("*")}
    folders = {str(Path(file.path).parent) for file in some.files} - {"."}
    assert on_disk == {file.path for file in some.files} | folders | {"manifest.json"}
    manifest = json.loads((some.output / "manifest.json").read_text())
    assert manifest["formats"] == sorted(formats)


@pytest.mark.parametrize("name", FORMATS)
def test_the_expected_size_is_of_the_right_order(name: str, tmp_path: Path) -> None:
    one = Parameters(scale_factor=0.3, formats=frozenset([name]))
    size = generate(one, tmp_path / "one").bytes
    assert expected_bytes(one) == pytest.approx(size, rel=0.4)


def test_a_dataset_reports_every_file_once_by_the_task_that_wrote_it(dataset: Dataset) -> None:
    files = [file for task in dataset.tasks for file in task.files]
    assert len(files) == len(dataset.files) == len({file.path for file in files})
    assert all(task.files and task.cpu_seconds >= 0 for task in dataset.tasks)
    assert sum(task.cpu_seconds for task in dataset.tasks) > 0
    by_module = {file.path: task.module for task in dataset.tasks for file in task.files}
    assert by_module["Batch2/HoldingHistory.txt"] == "trades"


def test_another_seed_writes_other_bytes_but_the_same_reference_data(
    dataset: Dataset, tmp_path: Path
) -> None:
    other = generate(Parameters(scale_factor=0.01, seed=12), tmp_path / "other")
    pairs = {file.path: file for file in dataset.files}
    same = {Path(file.path).name for file in other.files if file.sha256 == pairs[file.path].sha256}
    data = {name for name in same if "audit" not in name}
    assert data == {
        f"{name}.txt"
        for name in ["BatchDate", "Date", "Time", "TaxRate", "Industry", "StatusType", "TradeType"]
    }


def test_more_batches_go_on_day_by_day_and_leave_the_first_ones_alone(
    dataset: Dataset, tmp_path: Path
) -> None:
    longer = generate(
        Parameters(scale_factor=0.01, seed=11, incremental_batches=6), tmp_path / "six"
    )
    for batch in range(1, 8):
        day = date(2017, 7, 6) + timedelta(batch)
        assert rows(longer.output, batch, "BatchDate.txt") == [[str(day)]]
    assert {row[2] for row in rows(longer.output, 7, "DailyMarket.txt")} == {"2017-07-12"}
    assert {row[4][:10] for row in rows(longer.output, 7, "WatchHistory.txt")} == {"2017-07-13"}
    later = {file.path: file for file in longer.files}
    changed = {file.path for file in dataset.files if later[file.path] != file}
    assert changed == {"Generator_audit.csv"}  # holds the number of batches


def test_all_hard_cases_can_be_turned_off(tmp_path: Path) -> None:
    off = HardCaseOptions(0, 0, 0, 0, 0, inactivated_owner_change=False)
    plain = generate(Parameters(scale_factor=0.01, hard_cases=off), tmp_path / "plain").output
    assert audit(plain, 1, "CustomerMgmt")["C_ID_HIST"] == 0
    assert audit(plain, 2, "Trade")["T_InvalidCharge"] == 0


# --- features of the customer system -----------------------------------------------------------


def test_dirty_customers_occur_in_every_batch(folder: Path) -> None:
    for batch, name in ((1, "CustomerMgmt"), (2, "Customer"), (3, "Customer")):
        counted = audit(folder, batch, name)
        least = 4 if batch == 1 else 1
        assert counted["C_DOB_TO"] >= least
        assert counted["C_DOB_TY"] >= least
        assert counted["C_TIER_INV"] >= 2 * least


def test_the_history_has_missing_and_invalid_tiers(folder: Path) -> None:
    tiers = Counter(customer.get("C_TIER") for customer in of_type(folder, "NEW"))
    assert tiers[None] >= 4
    assert sum(count for tier, count in tiers.items() if tier not in (None, "1", "2", "3")) >= 4
    assert audit(folder, 1, "CustomerMgmt")["C_TIER_INV"] == sum(
        count for tier, count in tiers.items() if tier not in ("1", "2", "3")
    )


def test_batches_have_missing_and_invalid_tiers(folder: Path) -> None:
    for batch in INCREMENTAL:
        tiers = Counter(row[9] for row in rows(folder, batch, "Customer.txt") if row[0] == "I")
        assert tiers[""] >= 1
        assert any(tier not in ("", "1", "2", "3") for tier in tiers)


def test_ages_are_counted_against_the_date_of_the_batch(folder: Path) -> None:
    for batch in INCREMENTAL:
        births = [date.fromisoformat(row[10]) for row in rows(folder, batch, "Customer.txt")]
        today = BATCH_DATES[batch]
        counted = audit(folder, batch, "Customer")
        assert counted["C_DOB_TO"] == sum(birth < today - timedelta(36_525) for birth in births)
        assert counted["C_DOB_TY"] == sum(birth > today for birth in births)


def test_updates_leave_values_out_and_clear_others(folder: Path) -> None:
    updates = of_type(folder, "UPDCUST")
    tiers = Counter(customer.get("C_TIER", "absent") for customer in updates)
    assert tiers["absent"] >= 4
    assert tiers[""] >= 4
    for tag in ("C_ADLINE1", "C_ADLINE2", "C_CTRY", "C_PRIM_EMAIL", "C_ALT_EMAIL"):
        assert any(customer.find(f".//{tag}") is None for customer in updates), tag
    for tag in ("C_ADLINE2", "C_ALT_EMAIL"):
        assert any(
            found is not None and found.text is None
            for c in updates
            for found in [c.find(f".//{tag}")]
        ), tag
    assert all(
        customer.find(f".//C_PHONE_{phone}/C_LOCAL") is not None
        for customer in updates
        for phone in (1, 2, 3)
    )


def test_some_account_updates_say_nothing(folder: Path) -> None:
    silent = [
        c for c in of_type(folder, "UPDACCT") if len(c[0]) == 0 and c[0].get("CA_TAX_ST") is None
    ]
    assert len(silent) >= 4
    assert any(
        c.find(".//CA_NAME") is not None and c.find(".//CA_NAME").text is None
        for c in of_type(folder, "UPDACCT")
    )


def test_inactivation_reaches_several_open_accounts(folder: Path) -> None:
    open_accounts: dict[str, set[str]] = defaultdict(set)
    at_inactivation = []
    for action in actions(folder):
        customer, kind = action[0], action.get("ActionType")
        owned = open_accounts[customer.get("C_ID", "")]
        if kind in ("NEW", "ADDACCT"):
            owned.add(customer.find("Account").get("CA_ID"))
        elif kind == "CLOSEACCT":
            owned.discard(customer.find("Account").get("CA_ID"))
        elif kind == "INACT":
            at_inactivation.append(len(owned))
    assert sum(count > 1 for count in at_inactivation) >= 3


def test_phones_miss_parts_but_never_the_wrong_ones(folder: Path) -> None:
    shapes = Counter()
    for customer in of_type(folder, "NEW"):
        for phone in (1, 2, 3):
            parts = customer.find(f".//C_PHONE_{phone}")
            shapes[tuple(part.text is not None for part in parts)] += 1
    assert not any(country and not area for country, area, _, _ in shapes)
    assert not any((area or extension) and not local for _, area, local, extension in shapes)
    assert len(shapes) >= 6  # none, local, area, country, with and without extension


def test_genders_come_in_both_cases_and_as_nonsense(folder: Path) -> None:
    genders = Counter(customer.get("C_GNDR") for customer in of_type(folder, "NEW"))
    assert {None, "M", "F", "m", "f"} <= set(genders)
    assert set(genders) - {None, "M", "F", "m", "f"}


def test_every_local_tax_rate_belongs_to_a_customer(folder: Path) -> None:
    rates = {row[0] for row in rows(folder, 1, "TaxRate.txt")}
    local = {customer.findtext(".//C_LCL_TX_ID") for customer in of_type(folder, "NEW")}
    assert local == rates
    assert len({tuple(row[1:]) for row in rows(folder, 1, "TaxRate.txt")}) == 320


def test_every_batch_changes_an_account_of_an_inactive_customer(folder: Path) -> None:
    inactive = {customer.get("C_ID") for customer in of_type(folder, "INACT")}
    for batch in INCREMENTAL:
        inactive |= {row[2] for row in rows(folder, batch, "Customer.txt") if row[4] == "INAC"}
        changed = [
            row for row in rows(folder, batch, "Account.txt") if row[0] == "U" and row[7] == "ACTV"
        ]
        assert any(row[4] in inactive for row in changed)


# --- features of the newswire ------------------------------------------------------------------


def test_ratings_dates_and_countries_are_sometimes_bad(folder: Path) -> None:
    companies = list(wire(folder, "CMP"))
    ratings = [line[94:98].strip() for line in companies]
    assert sum(rating not in RATINGS for rating in ratings) >= 4
    assert sum(not line[98:106].strip() for line in companies) >= 4
    assert sum(not line[323:347].strip() for line in companies) >= 4
    names = {line[78:88]: line[18:78] for line in companies}
    assert len(set(names.values())) == len(names)


def test_companies_are_named_by_number_and_by_name(folder: Path) -> None:
    names = {line[18:78].strip() for line in wire(folder, "CMP")}
    numbers = {line[78:88] for line in wire(folder, "CMP")}
    for kind, start in (("SEC", 160), ("FIN", 186)):
        references = [line[start:].strip() for line in wire(folder, kind)]
        assert {len(reference) == 10 and reference.isdigit() for reference in references} == {
            True,
            False,
        }
        assert set(references) <= names | numbers


def test_some_earnings_per_share_are_zero(folder: Path) -> None:
    assert any(line[74:86].strip() == "0.00" for line in wire(folder, "FIN"))


def test_securities_move_to_another_company_and_companies_end_before_them(folder: Path) -> None:
    names = {line[18:78].strip(): line[78:88] for line in wire(folder, "CMP")}
    company_of: dict[str, list[str]] = defaultdict(list)
    for line in wire(folder, "SEC"):
        reference = line[160:].strip()
        company_of[line[18:33]].append(names.get(reference, reference))
    assert any(len(set(companies)) > 1 for companies in company_of.values())
    ended = {line[78:88] for line in wire(folder, "CMP") if line[88:92] == "INAC"}
    active = {line[18:33] for line in wire(folder, "SEC")} - {
        line[18:33] for line in wire(folder, "SEC") if line[39:43] == "INAC"
    }
    assert any(company_of[symbol][-1] in ended for symbol in active)


def test_a_security_can_be_issued_in_the_quarter_of_its_company(folder: Path) -> None:
    known: set[str] = set()
    issued_at_once = 0
    for path in sorted((folder / "Batch1").glob("FINWIRE????Q?")):
        new: set[str] = set()
        for line in path.read_text("ascii").splitlines():
            if line[15:18] == "CMP":
                new |= {line[78:88], line[18:78].strip()} - known
            elif line[15:18] == "SEC":
                reference = line[160:].strip()
                assert reference in known | new  # of an earlier quarter, or of an earlier line
                issued_at_once += reference in new
        known |= new
    assert issued_at_once >= 1


def test_securities_join_and_leave_the_market_at_quarter_ends(folder: Path) -> None:
    symbols: dict[str, set[str]] = defaultdict(set)
    for day, symbol, *_ in rows(folder, 1, "DailyMarket.txt"):
        symbols[day].add(symbol)
    days = sorted(symbols)
    assert (days[0], days[-1], len(days)) == ("2015-07-06", "2017-07-06", 732)
    changes = {day for before, day in itertools.pairwise(days) if symbols[before] != symbols[day]}
    assert changes
    assert all(day[5:] in ("01-01", "04-01", "07-01", "10-01") for day in changes)
    assert any(symbols[before] - symbols[day] for before, day in itertools.pairwise(days))


# --- features of prospects ---------------------------------------------------------------------


def test_prospects_match_customers_in_other_cases(folder: Path) -> None:
    customers = {
        "".join(
            customer.findtext(f".//{tag}") or ""
            for tag in ("C_F_NAME", "C_L_NAME", "C_ADLINE1", "C_ADLINE2", "C_ZIPCODE")
        ).upper()
        for customer in of_type(folder, "NEW")
    }
    exact = Counter(row[1] == row[1].capitalize() for row in prospects(folder, 1))
    matching = Counter(
        f"{row[2]}{row[1]}{row[5]}{row[6]}{row[7]}".upper() for row in prospects(folder, 1)
    )
    found = [key for key in matching if key in customers]
    assert len(found) == audit(folder, 1, "Prospect")["P_C_MATCHING"]
    assert all(matching[key] == 1 for key in found)
    assert min(exact.values()) > 100


def test_the_prospect_dump_hardly_changes(folder: Path) -> None:
    for batch in INCREMENTAL:
        before = {row[0]: row for row in prospects(folder, batch - 1)}
        now = {row[0]: row for row in prospects(folder, batch)}
        sizes = TINY.sizes
        assert len(now) == len(before) == sizes.prospect_rows
        assert (
            len(set(now) - set(before))
            == sizes.prospect_turnover
            == audit(folder, batch, "Prospect")["P_NEW"]
        )
        changed = [key for key in set(now) & set(before) if now[key] != before[key]]
        assert len(changed) == sizes.prospect_updates
        for key in changed:
            assert now[key][1:11] == before[key][1:11]


def test_an_employer_has_doubled_quotes(folder: Path) -> None:
    text = (folder / "Batch1" / "Prospect.csv").read_text()
    assert text.count(QUOTED_EMPLOYER) >= 3


def test_prospect_genders_include_a_blank(folder: Path) -> None:
    assert {"", "M", "F", "m", "f"} <= {row[4] for row in prospects(folder, 1)}


# --- features of trades and watches ------------------------------------------------------------


def test_invalid_charges_and_commissions_occur_in_every_batch(folder: Path) -> None:
    for batch in BATCHES:
        offset = 0 if batch == 1 else 2
        charges = commissions = 0
        for row in (row[offset:] for row in rows(folder, batch, "Trade.txt")):
            if row[2] == "CMPT":
                value = float(row[6]) * float(row[10])
                charges += float(row[11]) > value
                commissions += float(row[12]) > value
        counted = audit(folder, batch, "Trade")
        assert charges == counted["T_InvalidCharge"] >= (4 if batch == 1 else 1)
        assert commissions == counted["T_InvalidCommision"] >= (4 if batch == 1 else 1)


def test_trades_are_canceled_in_every_batch(folder: Path) -> None:
    for batch in BATCHES:
        states = [row[2 if batch == 1 else 4] for row in rows(folder, batch, "Trade.txt")]
        assert states.count("CNCL") == audit(folder, batch, "Trade")["T_CanceledTrades"] >= 1


def test_trades_live_on_over_batches(folder: Path) -> None:
    historical = {row[0]: row for row in rows(folder, 1, "Trade.txt")}
    for batch in INCREMENTAL:
        paths: dict[str, list[str]] = defaultdict(list)
        for row in rows(folder, batch, "Trade.txt"):
            paths[row[2]].append(f"{row[0]}:{row[4]}")
        shapes = Counter(tuple(path) for path in paths.values())
        assert shapes["U:SBMT", "U:CMPT"] >= 1  # several updates of an older trade
        assert shapes["I:SBMT", "U:CMPT"] >= 1
        assert shapes[("I:PNDG",)] >= 1
        assert shapes[("U:CMPT",)] >= 1  # a market order that crossed midnight
        assert any(trade in historical for trade in paths)
        assert sum(path[0].startswith("I") for path in paths.values()) == TINY.sizes.trades_per_day


def test_trades_use_accounts_of_their_own_batch(folder: Path) -> None:
    for batch in INCREMENTAL:
        opened = {row[2] for row in rows(folder, batch, "Account.txt") if row[0] == "I"}
        assert any(row[10] in opened for row in rows(folder, batch, "Trade.txt") if row[0] == "I")


def test_holdings_start_and_end_completely(folder: Path) -> None:
    after: dict[str, str] = {}
    for batch in BATCHES:
        offset = 0 if batch == 1 else 2
        for first, current, before, rest in (
            row[offset:] for row in rows(folder, batch, "HoldingHistory.txt")
        ):
            assert (before == "0") == (first == current)
            if first != current:
                assert (after.pop(first), rest) == (before, "0")
            else:
                after[current] = rest


def test_batches_cancel_older_watches_and_watch_for_new_customers(folder: Path) -> None:
    active = {(row[0], row[1]) for row in rows(folder, 1, "WatchHistory.txt") if row[3] == "ACTV"}
    for batch in INCREMENTAL:
        new = {row[2] for row in rows(folder, batch, "Customer.txt") if row[0] == "I"}
        watches = rows(folder, batch, "WatchHistory.txt")
        canceled = {(row[2], row[3]) for row in watches if row[5] == "CNCL"}
        assert canceled
        assert canceled <= active
        assert any(row[2] in new for row in watches)
        active |= {(row[2], row[3]) for row in watches if row[5] == "ACTV"}


# --- audit -------------------------------------------------------------------------------------


def test_audit_files_have_the_published_header_and_data_sets(folder: Path) -> None:
    data_sets = set()
    for path in folder.rglob("*_audit.csv"):
        lines = path.read_text().splitlines()
        assert lines[0] == "DataSet, BatchID ,Date , Attribute , Value, DValue"
        assert all(line.count(",") == 5 for line in lines)
        data_sets |= {line.split(",")[0] for line in lines[1:]}
    assert data_sets == {
        "Batch",
        "DimAccount",
        "DimBroker",
        "DimCompany",
        "DimCustomer",
        "DimSecurity",
        "DimTrade",
        "DimTradeHistory",
        "FactHoldings",
        "FactMarketHistory",
        "FactWatches",
        "Financial",
        "Generator",
        "Prospect",
    }


def test_same_day_actions_are_counted_truly(folder: Path) -> None:
    kinds = {
        "C_ID_HIST": ("NEW", "UPDCUST", "INACT"),
        "CA_ID_HIST": ("NEW", "ADDACCT", "UPDACCT", "CLOSEACCT"),
    }
    for attribute, chosen in kinds.items():
        keys = []
        for action in actions(folder):
            if action.get("ActionType") in chosen:
                customer = action[0]
                entity = (
                    customer.get("C_ID")
                    if attribute == "C_ID_HIST"
                    else customer.find("Account").get("CA_ID")
                )
                keys.append((entity, action.get("ActionTS", "")[:10]))
        lost = len(keys) - len(set(keys))
        assert audit(folder, 1, "CustomerMgmt")[attribute] == lost > 0
