"""Parquet: a column must have the type of its contract, or be text; each row lands or is quarantined with its number."""

import gzip
import io
import json
import random
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_sources import feed_of, load_feeds
from test_random_damage import damaged

from scripts.load.contracts import Feed
from scripts.load.parquet import read_parquet
from scripts.load.rows import FileError

COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"data_type": "bigint", "required": True},
    "name": {"data_type": "varchar(20)"},
    "day": {"data_type": "date", "path": "when/day"},
    "price": {"data_type": "decimal(8,2)", "path": "when/last/price"},
    "is_open": {"data_type": "boolean"},
}
LAST = pa.struct({"price": pa.decimal128(12, 4)})
TYPES = {
    "id": pa.int64(),
    "name": pa.string(),
    "when": pa.struct({"day": pa.date32(), "last": LAST}),
    "is_open": pa.bool_(),
}
ROWS = [
    {
        "id": 1,
        "name": 'a|b\n"c"',
        "when": {"day": date(2007, 7, 7), "last": {"price": Decimal("-1.50")}},
        "is_open": True,
    },
    {"id": None, "name": "x", "when": None, "is_open": None},
    {"id": 3, "name": "", "when": {"day": None, "last": None}, "is_open": False},
    {"id": 4, "name": "y" * 21, "when": {"day": None, "last": {"price": Decimal("1.255")}}},
]
Found = tuple[list[tuple[Any, ...]], list[tuple[int, str]]]


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return feed_of(tmp_path, COLUMNS, format="parquet", files="Batch{batch}/*.parquet")


def written(table: pa.Table, **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def of_rows(rows: list[dict[str, Any]], types: dict[str, pa.DataType] = TYPES) -> bytes:
    return written(pa.Table.from_pylist(rows, pa.schema(types)))


def read(content: bytes, feed: Feed, batch: int = 1, block_bytes: int = 1 << 20) -> Found:
    """Rows with their number first, and violations with theirs."""
    rows, violations = [], []
    for piece in read_parquet(io.BytesIO(content), feed, batch, block_bytes, lambda _: None):
        columns = [column.to_pylist() for column in piece.columns.values()]
        rows += list(zip(piece.source_row.to_pylist(), *columns, strict=True))
        violations += [(violation.line, violation.reason) for violation in piece.violations]
    return rows, violations


def one_column(tmp_path: Path, data_type: str, values: pa.Array, **meta: Any) -> Found:
    """What becomes of the values of a column of this type."""
    feed = feed_of(tmp_path, {"value": {"data_type": data_type} | meta}, format="parquet")
    return read(written(pa.table({"value": values})), feed)


@pytest.mark.parametrize("block_bytes", [1, 200, 1 << 20])
def test_each_row_lands_or_is_set_aside_with_its_number(block_bytes: int, feed: Feed) -> None:
    rows, violations = read(of_rows(ROWS), feed, block_bytes=block_bytes)
    assert rows == [
        (1, 1, 'a|b\n"c"', date(2007, 7, 7), Decimal("-1.50"), True),
        (3, 3, None, None, None, False),
    ]
    assert violations == [
        (2, "id is empty but required"),
        (
            4,
            f"name has 21 characters, at most 20 fit: '{'y' * 21}';"
            " price is not a decimal(8,2): '1.2550'",
        ),
    ]


def test_a_row_that_is_set_aside_can_be_read(feed: Feed) -> None:
    (piece,) = read_parquet(io.BytesIO(of_rows(ROWS)), feed, 1, 1 << 20, lambda _: None)
    assert [json.loads(violation.raw)["name"] for violation in piece.violations] == ["x", "y" * 21]
    assert piece.line is not None
    assert json.loads(piece.line(3))["id"] == 3


@pytest.mark.parametrize(
    ("data_type", "values", "expected"),
    [
        ("smallint", pa.array([7, -1], pa.int64()), [7, -1]),
        ("bigint", pa.array([2**62], pa.uint64()), [2**62]),
        ("integer", pa.array(["7", "-8"]), [7, -8]),
        ("decimal(8,2)", pa.array([3], pa.int32()), [Decimal("3.00")]),
        ("decimal(8,2)", pa.array(["3.1"], pa.large_string()), [Decimal("3.10")]),
        ("varchar(3)", pa.array(["abc", "abc"]).dictionary_encode(), ["abc", "abc"]),
        ("boolean", pa.array([True, None]), [True, None]),
        ("date", pa.array([date(2007, 7, 7)], pa.date64()), [date(2007, 7, 7)]),
        ("time", pa.array([time(1, 2, 3)], pa.time32("s")), [time(1, 2, 3)]),
        (
            "timestamp",
            pa.array([datetime(2007, 7, 7, 1)], pa.timestamp("ns")),
            [datetime(2007, 7, 7, 1)],
        ),
        (
            "timestamp",
            pa.array([datetime(2007, 7, 7, 1, tzinfo=UTC)], pa.timestamp("ms", "Asia/Tokyo")),
            [datetime(2007, 7, 7, 1)],
        ),
        ("date", pa.nulls(1), [None]),
    ],
)
def test_values_of_types_that_can_hold_them_land(
    data_type: str, values: pa.Array, expected: list[Any], tmp_path: Path
) -> None:
    rows, violations = one_column(tmp_path, data_type, values)
    assert violations == []
    assert [value for _, value in rows] == expected


def test_a_format_is_that_of_text_and_a_date_needs_none(tmp_path: Path) -> None:
    for values in (pa.array(["20070707"]), pa.array([date(2007, 7, 7)])):
        rows, _ = one_column(tmp_path, "date", values, format="%Y%m%d")
        assert rows == [(1, date(2007, 7, 7))]


@pytest.mark.parametrize(
    ("data_type", "values", "reason"),
    [
        ("smallint", pa.array([1, 40_000]), "value is not a smallint: '40000'"),
        ("integer", pa.array(["1", "1e3"]), "value is not a integer: '1e3'"),
        (
            "timestamp",
            pa.array([0, 1_183_770_000_000_000_001], pa.timestamp("ns")),
            "value is not a timestamp: '2007-07-07 01:00:00.000000001'",
        ),
        ("varchar(9)", pa.array(["a", "b\x00"]), "value holds a character that no text may hold"),
        (
            "varchar(9)",
            pa.array([b"a", b"\xff"]).view(pa.string()),
            "value holds a character that no text may hold",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_set_aside(
    data_type: str, values: pa.Array, reason: str, tmp_path: Path
) -> None:
    rows, violations = one_column(tmp_path, data_type, values)
    assert [number for number, _ in rows] == [1]
    assert violations == [(2, reason)]


@pytest.mark.parametrize(
    ("data_type", "values"),
    [
        ("bigint", pa.array([1.0])),
        ("decimal(8,2)", pa.array([1.5])),
        ("varchar(9)", pa.array([1])),
        ("varchar(9)", pa.array([b"a"])),
        ("date", pa.array([datetime(2007, 7, 7)])),
        ("timestamp", pa.array([date(2007, 7, 7)])),
        ("boolean", pa.array([1])),
        ("varchar(9)", pa.array([["a"]])),
    ],
)
def test_a_column_of_another_type_is_refused(
    data_type: str, values: pa.Array, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match=r"column value is .*, the contract says .*; deliver it"):
        one_column(tmp_path, data_type, values)


def test_a_value_where_columns_should_be_is_refused(feed: Feed) -> None:
    content = written(pa.table({"id": [1], "when": ["now"]}))
    with pytest.raises(FileError, match="column when is string, the contract expects columns"):
        read(content, feed)


def test_a_name_that_occurs_twice_is_refused(feed: Feed) -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["id", "id"])
    with pytest.raises(FileError, match="column id occurs 2 times"):
        read(written(table), feed)


def test_columns_that_are_not_there_are_null(feed: Feed) -> None:
    types = {"id": pa.int64(), "when": pa.struct({"day": pa.date32()})}
    rows, violations = read(of_rows([{"id": 1, "when": {"day": None}}], types), feed)
    assert rows == [(1, 1, None, None, None, None)]
    assert violations == []


def test_columns_of_the_incremental_files_are_read_from_them_only(tmp_path: Path) -> None:
    columns = {"flag": {"batches": "incremental"}, "id": {}}
    feed = feed_of(tmp_path, columns, format="parquet")
    content = written(pa.table({"id": ["a"], "flag": ["I"]}))
    assert read(content, feed, batch=1)[0] == [(1, "a")]
    assert read(content, feed, batch=2)[0] == [(1, "I", "a")]


@pytest.mark.parametrize("row_group_size", [1, 2, 100])
def test_row_groups_change_nothing(row_group_size: int, feed: Feed) -> None:
    table = pa.Table.from_pylist(ROWS, pa.schema(TYPES))
    assert read(written(table, row_group_size=row_group_size), feed) == read(of_rows(ROWS), feed)


def test_a_damaged_file_is_refused_or_each_row_has_its_fate(feed: Feed) -> None:
    sound = of_rows(ROWS * 5)
    refused = 0
    for seed in range(200):
        content = damaged(sound, random.Random(seed))
        try:
            rows, violations = read(content, feed)
        except FileError as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        places = sorted([row[0] for row in rows] + [line for line, _ in violations])
        assert places == list(range(1, len(places) + 1)), seed
    assert refused > 20


def test_files_land_through_the_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contracts = tmp_path / "contracts"
    feed_of(contracts, COLUMNS, format="parquet", files="Batch{batch}/*.parquet")
    monkeypatch.setattr("scripts.load.run.CONTRACTS_FOLDER", contracts)
    folder = tmp_path / "sources" / "Batch1"
    folder.mkdir(parents=True)
    extra = [row | {"more": 1} for row in ROWS]
    (folder / "0.parquet").write_bytes(of_rows(extra, TYPES | {"more": pa.int8()}))
    (folder / "1.parquet.gz").write_bytes(gzip.compress(of_rows(ROWS[:1])))
    (folder / "2.parquet").write_bytes(of_rows(ROWS[2:3]))
    outcome = load_feeds(tmp_path / "sources", tmp_path / "lake", "test.feed")
    assert outcome.exit_code == 0, outcome.output
    assert [row["id"] for row in outcome.rows("test.feed")] == [1, 3, 1, 3]
    assert [row["rows_quarantined"] for row in outcome.log("test.feed")] == [2, 0, 0]
    (message,) = filter(None, (row["message"] for row in outcome.log("test.feed")))
    assert "not in the contract, so left out: more (first in line 1)" in message
    (folder / "3.parquet").write_bytes(b"PAR1 is not enough PAR1")
    outcome = load_feeds(tmp_path / "sources", tmp_path / "lake", "test.feed")
    assert outcome.exit_code == 1
    assert "Batch1/3.parquet: not a Parquet file that can be read" in " ".join(
        outcome.output.split()
    )
