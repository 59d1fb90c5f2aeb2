"""The list of erased persons: what it has, what it does to rows and lines, and what is refused."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from scripts.load.contracts import Feed, read_contracts
from scripts.load.lake import QUARANTINE, Lake
from scripts.load.run import CONTRACTS_FOLDER, LoadOptions, load
from scripts.load.suppression import (
    ERASED,
    KEY_VARIABLE,
    MARK,
    VALUE,
    Suppression,
    SuppressionError,
)

FEEDS = {feed.label: feed for feed in read_contracts(CONTRACTS_FOLDER).feeds}
CUSTOMERS, PROSPECTS = FEEDS["brokerage.customer"], FEEDS["prospect.prospect"]
ACCOUNTS, TRADES = FEEDS["brokerage.account"], FEEDS["brokerage.trade"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv("ERASURES", str(tmp_path / "erasures"))
    return tmp_path / "erasures"


@pytest.fixture
def suppression(folder: Path) -> Suppression:
    """Customer 17 with account 40, and a prospect."""
    persons = {
        "customer": ["17"],
        "account": ["40"],
        "prospect": ["DOE0017"],
        VALUE: ["12 Elm Street"],
    }
    return Suppression.to_extend(folder).extended(persons)


def rows(feed: Feed, *records: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist(list(records), feed.schema)


def test_rows_of_a_customer_lose_what_is_personal_and_keep_keys_and_the_rest(
    suppression: Suppression,
) -> None:
    kept = {"c_id": 17, "c_st_id": "ACTV", "c_tier": 2, "cdc_dsn": 5, "c_gndr": "F"}
    table = rows(
        CUSTOMERS,
        kept | {"c_tax_id": "123-45-6789", "c_l_name": "Doe"},
        {"c_id": 18, "c_l_name": "Poe"},
    )
    mine, theirs = suppression.without_persons(CUSTOMERS, table).to_pylist()
    assert {name: value for name, value in mine.items() if value is not None} == kept
    assert theirs["c_l_name"] == "Poe"
    assert suppression.without_persons(CUSTOMERS, table).schema == table.schema


def test_rows_of_accounts_are_found_by_account_and_by_owner(suppression: Suppression) -> None:
    table = rows(
        ACCOUNTS,
        {"ca_id": 40, "ca_c_id": 99, "ca_name": "a"},
        {"ca_id": 41, "ca_c_id": 17, "ca_name": "b"},
        {"ca_id": 42, "ca_c_id": 99, "ca_name": "c"},
    )
    assert suppression.without_persons(ACCOUNTS, table)["ca_name"].to_pylist() == [None, None, "c"]
    trades = rows(
        TRADES, {"t_id": 1, "t_ca_id": 40, "t_exec_name": "x"}, {"t_id": 2, "t_exec_name": "y"}
    )
    assert suppression.without_persons(TRADES, trades)["t_exec_name"].to_pylist() == [None, "y"]


def test_a_key_that_tells_something_becomes_the_same_other_key_each_time(
    suppression: Suppression,
) -> None:
    table = rows(
        PROSPECTS,
        {"agency_id": "DOE0017", "last_name": "Doe", "income": 1},
        {"agency_id": "POE0018", "last_name": "Poe", "income": 2},
    )
    first = suppression.without_persons(PROSPECTS, table)
    mine, theirs = first.to_pylist()
    assert mine["agency_id"] == suppression.pseudonym("prospect", "DOE0017")
    assert "DOE" not in mine["agency_id"].upper()
    assert (mine["last_name"], mine["income"]) == ("erased", None)
    assert (theirs["agency_id"], theirs["income"]) == ("POE0018", 2)
    assert suppression.without_persons(PROSPECTS, first).equals(first)


@pytest.mark.parametrize(
    ("feed", "line", "is_erased"),
    [
        (CUSTOMERS, "I|7|17|123|ACTV|Doe", True),
        (CUSTOMERS, "I|17|18|123|ACTV|Doe", False),
        (CUSTOMERS, "I|7|18|123|ACTV|Doe|| |12 Elm Street|", True),
        (PROSPECTS, 'DOE0017,Doe,"Jane",,,,,,,,,,not a number', True),
        (PROSPECTS, "POE0018,Poe,John", False),
        (FEEDS["crm.customer_mgmt"], '<Action ActionType="NEW"><Customer C_ID="17">', True),
        (FEEDS["crm.customer_mgmt"], '<Action ActionType="NEW"><Customer C_ID="170">', False),
        (CUSTOMERS, "", False),
    ],
)
def test_a_line_that_could_not_be_read_is_cut_if_it_is_about_somebody_erased(
    suppression: Suppression, feed: Feed, line: str, is_erased: bool
) -> None:
    record = {"batch_id": 2, "line_number": 3, "reason": "'x' is no date", "raw_text": line}
    cut = suppression.without_quotes(feed, pa.Table.from_pylist([record], QUARANTINE))
    expected = (ERASED, ERASED) if is_erased else ("'x' is no date", line)
    assert (cut["reason"][0].as_py(), cut["raw_text"][0].as_py()) == expected


def test_the_list_has_no_key_and_no_value_and_only_its_owner_reads_it(
    suppression: Suppression, folder: Path
) -> None:
    suppression.write(folder)
    for name in ("suppressed.json", "key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    text = (folder / "suppressed.json").read_text()
    assert "DOE" not in text
    assert "Elm" not in text
    assert sum(map(len, json.loads(text)["hashes"].values())) == 4
    again = Suppression.read(folder)
    assert again is not None
    assert again.hashes == suppression.hashes


def test_a_list_without_its_key_stops_the_load(
    suppression: Suppression, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    suppression.write(folder)
    key = (folder / "key").read_text()
    (folder / "key").unlink()
    with pytest.raises(SuppressionError, match="the key it was written with is missing"):
        Suppression.read(folder)
    monkeypatch.setenv(KEY_VARIABLE, "0" * 64)
    with pytest.raises(SuppressionError, match="is another one"):
        Suppression.read(folder)
    monkeypatch.setenv(KEY_VARIABLE, "too short")
    with pytest.raises(SuppressionError, match="at least 32"):
        Suppression.read(folder)
    monkeypatch.setenv(KEY_VARIABLE, key)
    assert Suppression.read(folder) is not None
    (folder / "suppressed.json").write_text("{")
    batch = tmp_path / "sources" / "Batch1"
    batch.mkdir(parents=True)
    (batch / "Prospect.csv").touch()
    with pytest.raises(SuppressionError, match="restore it from your backup"):
        load(LoadOptions(str(tmp_path / "sources"), str(tmp_path / "lake")))


def test_another_key_gives_other_hashes(folder: Path, tmp_path: Path) -> None:
    first = Suppression.to_extend(folder)
    other = Suppression.to_extend(tmp_path / "others")
    assert first.hashed("customer", 17) == first.hashed("customer", "17")
    assert first.hashed("customer", 17) != first.hashed("account", 17)
    assert first.hashed("customer", 17) != other.hashed("customer", 17)


def test_an_old_file_lands_without_who_was_erased(
    suppression: Suppression, folder: Path, tmp_path: Path
) -> None:
    """Loaded as it was delivered, with a line that cannot be read."""
    batch = tmp_path / "sources" / "Batch1"
    batch.mkdir(parents=True)
    lines = ["DOE0017,Doe,Jane,", "POE0018,Poe,John,", "DOE0017,Doe,Jane,too many,F"]
    blanks = "," * 18
    (batch / "Prospect.csv").write_text("\n".join(line + blanks for line in lines) + "\n")
    suppression.write(folder)
    options = LoadOptions(str(tmp_path / "sources"), str(tmp_path / "lake"), feeds=("prospect",))
    result = load(options)
    assert result.failures == []
    lake = Lake(str(tmp_path / "lake"))
    found = lake.column(lake.path("prospect", "prospect", 1), "agency_id").to_pylist()
    assert found[:2] == [suppression.pseudonym("prospect", "DOE0017"), "POE0018"]
    everything = b"".join(
        path.read_bytes() for path in tmp_path.joinpath("lake").rglob("*.parquet")
    )
    assert b"DOE0017" not in everything
    assert load(replace(options)).rows_landed == 0


def test_a_line_too_long_to_be_read_loses_its_text(suppression: Suppression) -> None:
    quarantined = pa.table({"batch_id": [1], "reason": ["too long"], "raw_text": ["x" * 140_000]})
    quiet = suppression.without_quotes(PROSPECTS, quarantined)
    assert quiet.to_pylist() == [{"batch_id": 1, "reason": ERASED, "raw_text": ERASED}]


@pytest.mark.parametrize("is_another", [False, True])
def test_a_lake_from_which_persons_were_erased_takes_nothing_without_their_list(
    is_another: bool,
    suppression: Suppression,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suppression.write(folder)
    lake = Lake(str(tmp_path / "lake"))
    (tmp_path / "lake").mkdir()
    lake.write_mark(MARK, suppression.key_id)
    assert Suppression.of_lake(lake) is not None
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("ERASURES", str(elsewhere))
    if is_another:
        elsewhere.mkdir()
        Suppression.to_extend(elsewhere).write(elsewhere)
    with pytest.raises(SuppressionError, match=f"the list of them is not in {elsewhere}"):
        Suppression.of_lake(lake)
