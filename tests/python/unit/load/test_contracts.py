"""Contracts are read from the source declarations, and mistakes in them are named."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sample_sources import FEEDS, Row, feed_of, table, write_contract

from scripts.load.contracts import ContractError, arrow_type, read_contracts
from scripts.load.run import CONTRACTS_FOLDER

KEY = {"id": {"data_type": "bigint"}}
FIXED = {"format": "fixed_width", "delimiter": None}
XML = {"format": "xml", "delimiter": None, "record": "Row"}


def test_the_project_declares_every_feed_of_the_workload() -> None:
    assert len(FEEDS) == 21
    assert {feed.system for feed in FEEDS.values()} == {
        *("brokerage", "control", "crm", "finwire", "hr", "market", "prospect", "reference")
    }


@pytest.mark.parametrize(
    ("data_type", "expected"),
    [
        ("varchar(7)", (pa.string(), 7)),
        ("smallint", (pa.int16(), None)),
        ("integer", (pa.int32(), None)),
        ("bigint", (pa.int64(), None)),
        ("decimal(8,2)", (pa.decimal128(8, 2), None)),
        ("decimal(8, 2)", (pa.decimal128(8, 2), None)),
        ("boolean", (pa.bool_(), None)),
        ("date", (pa.date32(), None)),
        ("time", (pa.time64("us"), None)),
        ("timestamp", (pa.timestamp("us"), None)),
    ],
)
def test_every_documented_type_has_an_arrow_type(data_type: str, expected: Any) -> None:
    assert arrow_type(data_type) == expected


def test_a_column_of_some_batches_is_in_their_files_only(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, {"flag": {"batches": "incremental"}, **KEY})
    assert [column.name for column in feed.layout(1)] == ["id"]
    assert [column.name for column in feed.layout(2)] == ["flag", "id"]
    assert feed.schema.names[:2] == ["flag", "id"]


def test_a_feed_comes_in_the_batches_it_declares(tmp_path: Path) -> None:
    coming = {
        batches: [feed_of(tmp_path, KEY, batches=batches).comes_in(batch) for batch in (1, 2, 9)]
        for batches in ("historical", "incremental", "all")
    }
    assert coming == {
        "historical": [True, False, False],
        "incremental": [False, True, True],
        "all": [True, True, True],
    }


def test_the_fingerprint_changes_with_what_decides_the_rows(tmp_path: Path) -> None:
    first = feed_of(tmp_path, KEY).fingerprint
    assert feed_of(tmp_path, KEY).fingerprint == first
    assert feed_of(tmp_path, KEY, delimiter=";").fingerprint != first
    assert feed_of(tmp_path, {"id": {"data_type": "integer"}}).fingerprint != first


def test_a_column_that_the_loader_adds_may_be_described(tmp_path: Path) -> None:
    described = {"supplied_fields": {"data_type": "varchar[]", "added_by_loader": True}}
    columns = {"id": {"path": "@ID"}} | described
    feed = feed_of(tmp_path, columns, **XML)
    assert [column.name for column in feed.columns] == ["id"]
    assert "supplied_fields" in feed.schema.names


WRONG: dict[str, tuple[Row, str]] = {
    "unknown_option": (table(KEY, color="red"), "config.meta.feed: .*'color'"),
    "no_options": (
        {"name": "feed", "identifier": "test__feed", "config": {"meta": {"feed": None}}},
        "config.meta.feed is not a map of options",
    ),
    "columns_left_empty": (table(KEY) | {"columns": None}, "it has no columns"),
    "no_files": (table(KEY, files=[]), "config.meta.feed.files is missing"),
    "unknown_format": (table(KEY, format="json"), "format 'json' is not one of delimited"),
    "no_delimiter": (table(KEY, delimiter=None), "delimiter of one ASCII character"),
    "long_delimiter": (table(KEY, delimiter="||"), "delimiter of one ASCII character"),
    "delimiter_not_ascii": (table(KEY, delimiter="\u00a6"), "delimiter of one ASCII character"),
    "long_quote": (table(KEY, quote='""'), "quote must be one ASCII character"),
    "no_record": (table({"id": {"path": "@ID"}}, format="xml"), "name of its record element"),
    "no_path": (table(KEY, **XML), "column 'id': it needs a path"),
    "repeat_of_nothing": (
        table({"id": {"path": "@ID"}}, **XML, repeat="A/B"),
        "repeat 'A/B' is not the beginning of any column's path",
    ),
    "no_columns": (table({}), "it has no columns"),
    "no_positions": (table(KEY, **FIXED), "column 'id': it needs positions"),
    "positions_backwards": (
        table({"id": {"positions": [5, 4]}}, **FIXED),
        r"column 'id': positions \[5, 4\] are not a first and a last",
    ),
    "positions_of_three": (table({"id": {"positions": [1, 2, 3]}}, **FIXED), "column 'id': "),
    "two_columns_at_one_path": (
        table({"id": {}, "key": {"path": "id"}}, format="json_lines"),
        "path 'id' is that of two columns",
    ),
    "path_of_a_value_and_an_object": (
        table({"id": {}, "key": {"path": "id/key"}}, format="json_lines"),
        "path 'id' is that of a value and of an object",
    ),
    "path_with_an_empty_part": (
        table({"id": {"path": "id//key"}}, format="json_lines"),
        "path 'id//key' has an empty part",
    ),
    "unknown_batches": (table(KEY, batches="weekly"), "batches 'weekly' is not one of"),
    "unknown_batches_of_a_column": (
        table({"id": {"batches": "weekly"}}),
        "column 'id': batches 'weekly' is not one of",
    ),
    "unknown_type": (table({"id": {"data_type": "money"}}), "column 'id': unknown data_type"),
    "unknown_option_of_a_column": (table({"id": {"color": "red"}}), "column 'id': .*'color'"),
    "format_of_a_number": (
        table({"id": {"data_type": "bigint", "format": "%Y"}}),
        "column 'id': a bigint has no format",
    ),
    "minimum_of_a_text": (
        table({"id": {"data_type": "varchar(3)", "minimum": 0}}),
        "column 'id': a varchar\\(3\\) has no minimum",
    ),
    "format_without_a_day": (
        table({"id": {"data_type": "date", "format": "%Y-%m"}}),
        "column 'id': format '%Y-%m' must hold each of %Y %m %d once",
    ),
    "format_with_a_short_year": (
        table({"id": {"data_type": "date", "format": "%y%m%d"}}),
        "column 'id': format '%y%m%d' must hold",
    ),
    "share_of_more_than_all": (
        table(KEY, minimum_landed_share=50),
        "minimum_landed_share 50 is not between 0 and 1",
    ),
    "change_number_that_is_text": (
        table({"id": {}}, change_number="id"),
        "change_number 'id' is not a column of whole numbers",
    ),
    "change_number_of_xml": (
        table({"id": {"path": "@ID", "data_type": "bigint"}}, **XML, change_number="id"),
        "an xml feed cannot have a change_number",
    ),
    "ascending_without_a_column": (
        table(KEY, ascending="day"),
        "ascending 'day' is not a column",
    ),
    "column_of_the_loader": (table({"batch_id": {}}), "column 'batch_id' occurs twice"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_unusable_declaration_is_named_with_its_place(case: str, tmp_path: Path) -> None:
    declaration, message = WRONG[case]
    path = write_contract(tmp_path, declaration)
    with pytest.raises(ContractError, match=message) as raised:
        read_contracts(tmp_path)
    assert str(raised.value).startswith(f"{path}: table 'feed': ")
    assert str(raised.value).endswith("see docs/feeds.md")


def test_a_column_declared_twice_is_named(tmp_path: Path) -> None:
    declaration = table(KEY)
    declaration["columns"] *= 2
    write_contract(tmp_path, declaration)
    with pytest.raises(ContractError, match="column 'id' occurs twice"):
        read_contracts(tmp_path)


def test_a_feed_declared_twice_is_named(tmp_path: Path) -> None:
    write_contract(tmp_path, table(KEY), table(KEY))
    with pytest.raises(ContractError, match=r"feed test\.feed is declared twice"):
        read_contracts(tmp_path)


@pytest.mark.parametrize("key", ["schema", "identifier"])
def test_a_place_on_postgres_that_the_loader_does_not_fill_is_named(
    key: str, tmp_path: Path
) -> None:
    path = write_contract(tmp_path, table({"a": {}}))
    path.write_text(path.read_text().replace(f'"{key}"', '"description"'))
    with pytest.raises(ContractError, match="the loader puts them into raw and test__feed"):
        read_contracts(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"sources: [", "not valid YAML"),
        (b"sources: \xff", "not valid YAML"),
        (b"- a list", "no `sources:` at the top"),
        (b"sources: [{tables: []}]", "a source has no name"),
    ],
)
def test_a_file_that_is_no_declaration_is_named(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = write_contract(tmp_path)
    path.write_bytes(content)
    with pytest.raises(ContractError, match=message) as raised:
        read_contracts(tmp_path)
    assert str(path) in str(raised.value)


def test_a_folder_without_declarations_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no _<system>__sources.yml file below this folder"):
        read_contracts(tmp_path)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("brokerage.customer", "c_id"),
        ("crm.customer_mgmt", "c_id"),
        ("finwire.record", "cik"),
        ("hr.employee", "employee_id"),
    ],
)
def test_no_key_of_a_source_can_be_that_of_an_unknown_member(label: str, name: str) -> None:
    (feed,) = (feed for feed in read_contracts(CONTRACTS_FOLDER).feeds if feed.label == label)
    (column,) = (column for column in feed.columns if column.name == name)
    assert column.minimum == 0
