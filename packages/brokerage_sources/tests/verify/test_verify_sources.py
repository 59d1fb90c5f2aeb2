"""The independent check of source files finds what is wrong with them.

A tiny generated dataset is sound; each test damages a copy of it in one place and names the check
that must fail.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from brokerage_sources.generate import HardCaseOptions, Parameters, generate
from brokerage_sources.verify import SourceFolderError, verify
from brokerage_sources.verify.__main__ import app
from brokerage_sources.verify.check import NoRows, Occurs, Rate

SCALE_FACTOR = 0.01

Fields = list[str]
Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound dataset, not to be changed."""
    folder = tmp_path_factory.mktemp("sources") / "dataset"
    generate(Parameters(scale_factor=SCALE_FACTOR), folder)
    return folder


@pytest.fixture
def copied_dataset(dataset: Path, tmp_path: Path) -> Path:
    """A copy whose files may be replaced (they are links, so replaced, never written into)."""
    folder = tmp_path / "dataset"
    shutil.copytree(dataset, folder, copy_function=os.link)
    return folder


def _replace(file: Path, content: bytes) -> None:
    assert content != file.read_bytes(), f"{file.name} is not damaged"
    file.unlink()
    file.write_bytes(content)


def _lines(file: Path) -> list[str]:
    return file.read_bytes().decode("ascii").split("\r\n")


def _write_lines(file: Path, lines: list[str]) -> None:
    _replace(file, "\r\n".join(lines).encode("ascii"))


def _place(lines: list[str], chosen: Callable[[Fields], bool]) -> int:
    """The number of the first line whose fields are chosen."""
    for number, line in enumerate(lines):
        if chosen(line.split("|")):
            return number
    raise AssertionError("no line is fit to be damaged")


def _change(name: str, chosen: Callable[[Fields], bool], field: int, value: str) -> Damage:
    """Give one field of the first chosen line another value."""

    def damage(dataset: Path) -> None:
        lines = _lines(dataset / name)
        number = _place(lines, chosen)
        fields = lines[number].split("|")
        fields[field] = value
        lines[number] = "|".join(fields)
        _write_lines(dataset / name, lines)

    return damage


def _drop(name: str, chosen: Callable[[Fields], bool]) -> Damage:
    """Remove the first chosen line."""

    def damage(dataset: Path) -> None:
        lines = _lines(dataset / name)
        del lines[_place(lines, chosen)]
        _write_lines(dataset / name, lines)

    return damage


def _repeat(name: str, chosen: Callable[[Fields], bool]) -> Damage:
    """Write the first chosen line twice."""

    def damage(dataset: Path) -> None:
        lines = _lines(dataset / name)
        number = _place(lines, chosen)
        lines.insert(number, lines[number])
        _write_lines(dataset / name, lines)

    return damage


def _swap_first_lines(name: str) -> Damage:
    def damage(dataset: Path) -> None:
        first, second, *others = _lines(dataset / name)
        _write_lines(dataset / name, [second, first, *others])

    return damage


def _substitute(name: str, old: str, new: str) -> Damage:
    """Replace the first occurrence of a text."""

    def damage(dataset: Path) -> None:
        content = (dataset / name).read_bytes()
        _replace(dataset / name, content.replace(old.encode(), new.encode(), 1))

    return damage


def _remove(name: str) -> Damage:
    return lambda dataset: (dataset / name).unlink()


def _any_line(fields: Fields) -> bool:
    return True


def _has(field: int, value: str) -> Callable[[Fields], bool]:
    return lambda fields: len(fields) > field and fields[field] == value


def _is_sell(fields: Fields) -> bool:
    return len(fields) == 4 and fields[0] != fields[1]


def _put_trade_before_its_account(dataset: Path) -> None:
    """The first trade ever uses an account that is opened in the last batch."""
    account = _lines(dataset / "Batch3/Account.txt")
    newest = next(line.split("|")[2] for line in account if line.startswith("I|"))
    _change("Batch1/Trade.txt", _has(0, "0"), 8, newest)(dataset)


def _move_cancellation_to_the_top(dataset: Path) -> None:
    file = dataset / "Batch1/WatchHistory.txt"
    lines = _lines(file)
    canceled = lines.pop(_place(lines, _has(3, "CNCL")))
    _write_lines(file, [canceled, *lines])


def _let_a_sell_refer_to_itself(dataset: Path) -> None:
    name = "Batch1/HoldingHistory.txt"
    lines = _lines(dataset / name)
    sell = lines[_place(lines, _is_sell)].split("|")[1]
    _change(name, _is_sell, 0, sell)(dataset)


def _finwire_file(dataset: Path) -> str:
    """The last quarter's file: it has records of every kind."""
    files = sorted(path for path in dataset.glob("Batch1/FINWIRE*") if "_" not in path.name)
    return str(files[-1].relative_to(dataset))


def _change_finwire(start: str, first: int, last: int, value: str) -> Damage:
    """Overwrite the columns `first` to `last` (1-based) of the first record that starts so.

    `start` is a pattern for what follows the posting time: the kind of record, for instance.
    """

    def damage(dataset: Path) -> None:
        file = dataset / _finwire_file(dataset)
        lines = _lines(file)
        number = next(at for at, line in enumerate(lines) if re.match(start, line[15:]))
        line = lines[number]
        lines[number] = line[: first - 1] + value.ljust(last - first + 1) + line[last:]
        _write_lines(file, lines)

    return damage


def _report_a_quarter_twice(dataset: Path) -> None:
    file = dataset / _finwire_file(dataset)
    lines = _lines(file)
    _write_lines(file, [lines[0], *lines])


def _leave_a_quarter_out(dataset: Path) -> None:
    file = dataset / _finwire_file(dataset)
    assert _lines(file)[0][15:18] == "FIN"
    _write_lines(file, _lines(file)[1:])


def _end_lines_with_line_feeds(dataset: Path) -> None:
    file = dataset / "Batch1/Industry.txt"
    _replace(file, file.read_bytes().replace(b"\r\n", b"\n"))


def _dismiss_a_broker(dataset: Path) -> None:
    """The broker of the first trade gets another job."""
    broker = _lines(dataset / "Batch1/Trade.txt")[0].split("|")[9]
    file = dataset / "Batch1/HR.csv"
    lines = _lines(file)
    number = next(at for at, line in enumerate(lines) if line.split(",")[0] == broker)
    lines[number] = lines[number].replace(",314,", ",534,")
    _write_lines(file, lines)


def _bring_a_prospect_back(dataset: Path) -> None:
    """A prospect that went from the second dump is in the third."""

    def number(line: str) -> int:
        return int("".join(letter for letter in line.split(",")[0] if letter.isdigit()))

    first, second, third = (
        _lines(dataset / f"Batch{batch}/Prospect.csv")[:-1] for batch in (1, 2, 3)
    )
    kept = {line.split(",")[0] for line in second}
    gone = next(line for line in first if line.split(",")[0] not in kept)
    back = sorted([*third, gone], key=number)
    _write_lines(dataset / "Batch3/Prospect.csv", [*back, ""])


DAMAGES: dict[str, tuple[Damage, str]] = {
    "an audit value is one too high": (
        _substitute("Batch2/WatchHistory_audit.csv", "WH_RECORDS,", "WH_RECORDS,1"),
        "audit.WatchHistory.WH_RECORDS",
    ),
    "an audit file lacks an attribute": (
        _drop("Batch1/Trade_audit.csv", lambda fields: "T_NEW" in fields[0]),
        "audit.Trade.T_NEW",
    ),
    "an audit file has an attribute nobody knows": (
        _substitute("Batch1/HR_audit.csv", "HR_BROKERS", "HR_CLERKS"),
        "audit.no_unknown_row",
    ),
    "the last day of a batch is wrong in its audit file": (
        _substitute("Batch2_audit.csv", "2017-07-08,LastDay", "2017-07-09,LastDay"),
        "audit.batch_days",
    ),
    "an audit file is missing": (
        _remove("Batch1/Time_audit.csv"),
        "files.audit_file_beside_each",
    ),
    "lines end with a line feed only": (_end_lines_with_line_feeds, "files.plain_text"),
    "a batch has the date of another": (
        _change("Batch3/BatchDate.txt", _any_line, 0, "2017-07-08"),
        "files.batch_dates",
    ),
    "two rows of a later batch are swapped": (
        _swap_first_lines("Batch2/DailyMarket.txt"),
        "files.cdc_numbers_ascend",
    ),
    "an event is flagged as an update": (
        _change("Batch2/WatchHistory.txt", _any_line, 0, "U"),
        "files.cdc_flags",
    ),
    "a day is missing from the calendar": (
        _drop("Batch1/Date.txt", _has(1, "2001-02-03")),
        "reference.calendar_has_no_gap",
    ),
    "a broker of trades is no broker": (_dismiss_a_broker, "trades.brokers_exist"),
    "earnings per share are not the quotient": (
        _change_finwire("FIN", 74, 85, "     9999.99"),
        "financials.ratios_follow",
    ),
    "a company reports a quarter twice": (
        _report_a_quarter_twice,
        "financials.one_per_company_and_quarter",
    ),
    "a company leaves a quarter out": (_leave_a_quarter_out, "financials.no_quarter_is_missing"),
    "a company changes its name": (
        _change_finwire("CMP.{70}INAC", 19, 78, "Another Name Altogether"),
        "companies.names_are_unique",
    ),
    "a security is quoted on no exchange": (
        _change_finwire("SEC", 114, 119, "LSE"),
        "warehouse.exchanges_and_issues",
    ),
    "a new customer has no element for the middle name": (
        _substitute("Batch1/CustomerMgmt.xml", "<C_M_NAME/>", ""),
        "customer_actions.shape_of_new",
    ),
    "a tax number has too few digits": (
        _change("Batch2/Customer.txt", _has(0, "I"), 3, "12-34-5678"),
        "warehouse.tax_number_pattern",
    ),
    "a customer's number is skipped": (
        _change("Batch2/Customer.txt", _has(0, "I"), 2, "99999999"),
        "customers.ids_are_dense",
    ),
    "an account is updated by somebody else": (
        _change("Batch2/Account.txt", _has(0, "U"), 4, "0"),
        "accounts.later_rows_are_known_or_new",
    ),
    "a prospect is listed twice": (
        _repeat("Batch2/Prospect.csv", _any_line),
        "prospects.ids_are_unique",
    ),
    "a prospect that went comes back": (_bring_a_prospect_back, "prospects.gone_for_good"),
    "a trade is missing": (_drop("Batch1/Trade.txt", _has(0, "777")), "trades.ids_are_dense"),
    "a trade is older than its account": (
        _put_trade_before_its_account,
        "trades.accounts_exist_before",
    ),
    "a trade is canceled after it was submitted": (
        _change("Batch1/TradeHistory.txt", _has(2, "CMPT"), 2, "CNCL"),
        "trades.allowed_sequences",
    ),
    "an update of a trade changes its quantity": (
        _change("Batch2/Trade.txt", _has(0, "U"), 8, "123456"),
        "trades.updates_follow_an_insert",
    ),
    "a completed trade has no price": (
        _change("Batch1/Trade.txt", _has(2, "CMPT"), 10, ""),
        "trades.fields",
    ),
    "a trade is completed far from its bid": (
        _change("Batch1/Trade.txt", _has(2, "CMPT"), 7, "19.99"),
        "trades.price_near_bid",
    ),
    "a tax exceeds the trade": (
        _change("Batch1/Trade.txt", _has(2, "CMPT"), 13, "9999999.99"),
        "trades.costs_in_range",
    ),
    "a day has a trade less": (
        _drop("Batch2/Trade.txt", lambda fields: fields[0] == "I" and fields[4] == "PNDG"),
        "trades.same_number_every_day",
    ),
    "a holding starts with a wrong quantity": (
        _change("Batch1/HoldingHistory.txt", _is_sell, 2, "99999"),
        "holdings.quantities_chain",
    ),
    "a sell refers to itself": (
        _let_a_sell_refer_to_itself,
        "holdings.sells_refer_to_an_earlier_buy",
    ),
    "a completed trade has no holding": (
        _drop("Batch1/HoldingHistory.txt", _any_line),
        "holdings.one_per_completed_trade",
    ),
    "a payment is missing": (
        _drop("Batch1/CashTransaction.txt", _any_line),
        "cash.one_per_completed_trade",
    ),
    "a security is not quoted on a day": (
        _drop("Batch2/DailyMarket.txt", _any_line),
        "market.every_live_security_every_day",
    ),
    "the lowest price is above the highest": (
        _change("Batch2/DailyMarket.txt", _any_line, 6, "9999.99"),
        "market.prices_are_ordered",
    ),
    "a watch is set twice": (
        _repeat("Batch1/WatchHistory.txt", _has(3, "ACTV")),
        "watches.pairs_are_unique",
    ),
    "a watch is canceled before it is set": (
        _move_cancellation_to_the_top,
        "watches.canceled_after_active",
    ),
    "an unknown customer watches": (
        _change("Batch2/WatchHistory.txt", _any_line, 2, "99999999"),
        "watches.customers_exist_before",
    ),
}


def test_a_generated_dataset_is_sound(dataset: Path) -> None:
    assert [result for result in verify(dataset) if not result.ok] == []


@pytest.mark.parametrize("damage_name", DAMAGES)
def test_a_damage_fails_the_check_that_is_about_it(damage_name: str, copied_dataset: Path) -> None:
    damage, check = DAMAGES[damage_name]
    damage(copied_dataset)
    assert check in {result.name for result in verify(copied_dataset) if not result.ok}


def test_a_failed_check_shows_an_offending_row(copied_dataset: Path) -> None:
    _drop("Batch1/Trade.txt", _has(0, "777"))(copied_dataset)
    results = {result.name: result for result in verify(copied_dataset)}
    failed = results["trades.first_batch_shows_last_event"]
    assert (failed.ok, failed.found) == (False, "1 rows")
    assert "t_id" in failed.note


def test_names_of_checks_are_unique(dataset: Path) -> None:
    names = [
        result.name for result in verify(dataset, rates_checked=True, hard_cases_expected=True)
    ]
    assert len(names) == len(set(names))


def test_official_constants_are_accepted_only_as_a_whole(tmp_path: Path) -> None:
    """Constants stand for numbers that were not computed, so they must stand in every file.

    The dataset has no two changes of one customer on a day, as the constant 0 claims.
    """
    folder = tmp_path / "dataset"
    generate(
        Parameters(scale_factor=SCALE_FACTOR, hard_cases=HardCaseOptions(same_day_every=0)), folder
    )
    for file in folder.glob("Batch*/*_audit.csv"):
        lines = [_with_official_constant(line) for line in _lines(file)]
        if lines != _lines(file):
            _write_lines(file, lines)
    results = verify(folder)
    assert [result for result in results if not result.ok] == []
    by_name = {result.name: result for result in results}
    assert by_name["audit.Account.CA_ID_HIST"].note.startswith("official convention")

    _substitute("Batch3/Account_audit.csv", "CA_ID_HIST,-1", "CA_ID_HIST,0")(folder)
    failed = {result.name for result in verify(folder) if not result.ok}
    assert {"audit.CustomerMgmt.CA_ID_HIST", "audit.FINWIRE.FW_CMP_DUP"} <= failed


def _with_official_constant(line: str) -> str:
    fields = line.split(",")
    attribute = fields[3] if len(fields) > 4 else ""
    constants = {"C_ID_HIST": "0", "CA_ID_HIST": "-1"}
    if attribute in constants or attribute.endswith("_DUP"):
        fields[4] = constants.get(attribute, "-1")
    return ",".join(fields)


def test_row_counts_of_another_scale_are_noticed(dataset: Path) -> None:
    failed = {result.name for result in verify(dataset, scale_factor=3) if not result.ok}
    assert {"formulas.trades.batch_1", "formulas.customers.new.batch_2"} & failed
    assert "formulas.dates" not in failed


def test_a_hard_case_that_is_gone_is_missed(copied_dataset: Path) -> None:
    file = copied_dataset / "Batch1/CustomerMgmt.xml"
    _replace(file, file.read_bytes().replace(b'C_TIER=""', b'C_TIER="1"'))
    results = verify(copied_dataset, hard_cases_expected=True)
    assert [result.name for result in results if not result.ok] == [
        "hard_cases.tier_emptied.batch_1"
    ]


def test_a_share_beyond_four_standard_errors_fails() -> None:
    """Of 10 000 cases a fifth is 2000, with a standard error of 40."""
    with duckdb.connect() as connection:
        for hits, ok in ((2000, True), (2160, True), (2161, False), (1839, False)):
            rate = Rate("rates.test", "a fifth", 0.2, f"select {hits}, 10000")
            assert [result.ok for result in rate.run(connection)] == [ok]
        measured = Rate("rates.test", "a fifth", 0.2, "select 2161, 10000", measured_on=10_000)
        assert measured.run(connection)[0].ok
        assert not Rate("rates.test", "no cases", 0.2, "select 0, 0").run(connection)[0].ok


def test_a_check_without_counter_examples_holds() -> None:
    with duckdb.connect() as connection:
        assert NoRows("t.none", "none", "select 1 as a where false").run(connection)[0].ok
        failed = NoRows("t.some", "none", "from (values (2), (1)) as t (a)").run(connection)[0]
        assert (failed.ok, failed.found, failed.note) == (False, "2 rows", "first: a=1")


def test_something_must_occur_in_each_batch_asked_for() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table batches as from range(1, 4) as b (batch_id)")
        sql = "select 2 as batch_id, 5 as occurrences"
        found = Occurs("t.thing", "it is there", sql, "batch_id > 1").run(connection)
        assert [(result.name, result.found, result.ok) for result in found] == [
            ("t.thing.batch_2", "5", True),
            ("t.thing.batch_3", "0", False),
        ]


def test_more_batches_than_three_are_checked(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    generate(Parameters(scale_factor=SCALE_FACTOR, incremental_batches=4), folder)
    assert [result for result in verify(folder) if not result.ok] == []
    _change("Batch5/WatchHistory.txt", _any_line, 2, "99999999")(folder)
    failed = {result.name for result in verify(folder) if not result.ok}
    assert failed == {"watches.customers_exist_before"}


def test_the_first_batch_alone_is_sound(copied_dataset: Path) -> None:
    for batch in (2, 3):
        shutil.rmtree(copied_dataset / f"Batch{batch}")
        (copied_dataset / f"Batch{batch}_audit.csv").unlink()
    assert [result for result in verify(copied_dataset) if not result.ok] == []


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_remove("Batch2/Account.txt"), "Account.txt"),
        (_change("Batch1/Trade.txt", _any_line, 1, "yesterday"), "Trade.txt"),
        (_substitute("Batch1/CustomerMgmt.xml", "<TaxInfo>", "<Tax>"), "CustomerMgmt.xml"),
        (lambda dataset: shutil.rmtree(dataset / "Batch2"), "Batch1, Batch2"),
        (_change_finwire("CMP", 99, 106, "20010230"), "companies"),
    ],
)
def test_what_cannot_be_read_is_named(damage: Damage, named: str, copied_dataset: Path) -> None:
    damage(copied_dataset)
    with pytest.raises(SourceFolderError, match=named):
        verify(copied_dataset)


def test_formulas_need_the_smallest_scale_they_hold_for(dataset: Path) -> None:
    with pytest.raises(ValueError, match="from scale factor 3 on"):
        verify(dataset, scale_factor=0.5)


def test_the_command_line_tells_sound_from_unsound_and_unreadable(
    copied_dataset: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    run = CliRunner().invoke(app, [str(copied_dataset), "--json", str(report)])
    assert run.exit_code == 0, run.output
    document = json.loads(report.read_text())
    assert document["ok"] and all(check["ok"] for check in document["checks"])

    _drop("Batch1/Trade.txt", _has(0, "777"))(copied_dataset)
    run = CliRunner().invoke(app, [str(copied_dataset), "--json", str(report), "--failures-only"])
    assert run.exit_code == 1
    assert "trades.ids_are_dense" in run.output
    assert not json.loads(report.read_text())["ok"]

    run = CliRunner().invoke(app, [str(tmp_path / "nowhere")])
    assert run.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--memory", "plenty"], "memory limit 'plenty'"),
        (["--json", "/dev/null/report.json"], "/dev/null/report.json: cannot be written"),
    ],
)
def test_the_command_line_says_what_is_wrong_with_an_option(
    arguments: list[str], said: str, dataset: Path
) -> None:
    run = CliRunner().invoke(app, [str(dataset), *arguments])
    assert run.exit_code == 2
    assert said in run.output
