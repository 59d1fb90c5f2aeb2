"""Text becomes typed values without loss, or is a violation."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sample_sources import feed_of

from scripts.load.contracts import Column
from scripts.load.text import cast_rows, fixed_width_text


def column(folder: Path, data_type: str, **meta: Any) -> Column:
    """A column `value` of a type."""
    return feed_of(folder, {"value": {"data_type": data_type} | meta}).columns[0]


def cast(column: Column, *values: str | None) -> tuple[list[Any], dict[int, str]]:
    typed, reasons = cast_rows({"value": pa.array(values, pa.string())}, (column,))
    assert typed["value"].type == column.type
    return typed["value"].to_pylist(), reasons


TAKEN = [
    ("smallint", "-32768", -32768),
    ("integer", "007", 7),
    ("bigint", "9223372036854775807", 9223372036854775807),
    ("decimal(8,2)", "-123456.78", Decimal("-123456.78")),
    ("decimal(8,2)", "1.500", Decimal("1.50")),
    ("decimal(8,2)", "7", Decimal("7.00")),
    ("boolean", "0", False),
    ("boolean", "true", True),
    ("date", "2000-02-29", datetime.date(2000, 2, 29)),
    ("date", "0001-01-01", datetime.date(1, 1, 1)),
    ("date", "9999-12-31", datetime.date(9999, 12, 31)),
    ("time", "23:59:59", datetime.time(23, 59, 59)),
    ("timestamp", "2007-07-07 01:02:03", datetime.datetime(2007, 7, 7, 1, 2, 3)),
    ("timestamp", "2007-07-07T01:02:03", datetime.datetime(2007, 7, 7, 1, 2, 3)),
    ("timestamp", "2007-07-07 01:02:03.000004", datetime.datetime(2007, 7, 7, 1, 2, 3, 4)),
    ("varchar(3)", " \u00fc ", " \u00fc "),
]


@pytest.mark.parametrize(("data_type", "text", "value"), TAKEN)
def test_a_value_keeps_all_that_its_text_says(
    data_type: str, text: str, value: object, tmp_path: Path
) -> None:
    assert cast(column(tmp_path, data_type), text, None) == ([value, None], {})


REFUSED = [
    ("smallint", "32768"),
    ("smallint", "1.0"),
    ("integer", "2147483648"),
    ("bigint", "0x1F"),
    ("bigint", "0X1F"),
    ("bigint", " 1"),
    ("bigint", "1 "),
    ("bigint", "1e3"),
    ("bigint", "\u0665"),
    ("decimal(8,2)", "1.005"),
    ("decimal(8,2)", "1234567.00"),
    ("decimal(8,2)", "1,5"),
    ("decimal(8,2)", "NaN"),
    ("decimal(8,2)", "1.23E+03"),
    ("decimal(8,2)", "1e3"),
    ("decimal(8,2)", "+7"),
    ("decimal(8,2)", "+7.50"),
    ("bigint", "+7"),
    ("decimal(8,2)", "-"),
    ("boolean", "2"),
    ("boolean", "yes"),
    ("date", "2007-02-30"),
    ("date", "2007-7-7"),
    ("date", "20070707"),
    ("date", "2007-07-07 00:00:00"),
    ("date", "0000-01-01"),
    ("time", "24:00:00"),
    ("time", "10:11"),
    ("time", "10:11:12Z"),
    ("timestamp", "2007-07-07"),
    ("timestamp", "2007-07-07 01:02"),
    ("timestamp", "2007-07-07 01:02Z"),
    ("timestamp", "2007-07-07 01:02:60"),
    ("timestamp", "2007-07-07 01:02:03Z"),
    ("timestamp", "2007-07-07 01:02:03.0000005"),
    ("timestamp", "0000-07-07 01:02:03"),
]


@pytest.mark.parametrize(("data_type", "text"), REFUSED)
def test_a_text_that_would_lose_or_change_something_is_refused(
    data_type: str, text: str, tmp_path: Path
) -> None:
    taken = next(good for other, good, _ in TAKEN if other == data_type)
    typed, reasons = cast(column(tmp_path, data_type), taken, None, text, taken)
    assert typed[1:3] == [None, None]
    assert typed[0] == typed[3] is not None
    assert reasons == {2: f"value is not a {data_type}: {text!r}"}


def test_text_is_measured_in_characters_and_not_in_bytes(tmp_path: Path) -> None:
    typed, reasons = cast(column(tmp_path, "varchar(3)"), "\u00fc\u00fc\u00fc", "four", None)
    assert typed[0] == "\u00fc\u00fc\u00fc"
    assert reasons == {1: "value has 4 characters, at most 3 fit: 'four'"}


def test_a_long_wrong_value_is_shown_by_its_beginning(tmp_path: Path) -> None:
    _, reasons = cast(column(tmp_path, "varchar(3)"), "x" * 1000)
    assert reasons == {0: f"value has 1000 characters, at most 3 fit: '{'x' * 60}...'"}


@pytest.mark.parametrize("data_type", ["bigint", "varchar(5)", "timestamp"])
def test_a_required_value_that_is_empty_is_a_violation(data_type: str, tmp_path: Path) -> None:
    required = column(tmp_path, data_type, required=True)
    _, reasons = cast(required, None, None)
    assert reasons == dict.fromkeys((0, 1), "value is empty but required")


def test_a_number_below_the_minimum_is_a_violation(tmp_path: Path) -> None:
    typed, reasons = cast(column(tmp_path, "bigint", minimum=0), "0", "-1", None, "x", "-x", "7")
    assert typed == [0, None, None, None, None, 7]
    assert reasons == {
        1: "value is -1, at least 0 is allowed",
        3: "value is not a bigint: 'x'",
        4: "value is not a bigint: '-x'",
    }


def test_each_wrong_column_of_a_row_is_named(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, {"a": {"data_type": "bigint", "required": True}, "b": {}})
    rows = {"a": pa.array([None, "x"]), "b": pa.array(["much too long a text", None])}
    _, reasons = cast_rows(rows, feed.columns)
    assert list(reasons) == [0, 1]
    assert reasons[0].startswith("a is empty but required; b has 20 characters")
    assert reasons[1] == "a is not a bigint: 'x'"


DAY = {"data_type": "date", "format": "%Y%m%d"}
MOMENT = {"data_type": "timestamp", "format": "%Y%m%d-%H%M%S"}


def test_a_date_in_a_format_of_its_own_is_read(tmp_path: Path) -> None:
    assert cast(column(tmp_path, **DAY), "20070131", None) == (
        [datetime.date(2007, 1, 31), None],
        {},
    )
    assert cast(column(tmp_path, **MOMENT), None, "20070131-101112") == (
        [None, datetime.datetime(2007, 1, 31, 10, 11, 12)],
        {},
    )


def test_the_parts_of_a_format_may_stand_in_any_order(tmp_path: Path) -> None:
    european = column(tmp_path, "date", format="%d.%m.%Y")
    assert cast(european, "31.01.2007") == ([datetime.date(2007, 1, 31)], {})


@pytest.mark.parametrize(
    "text",
    ["20070230", "2007013", "200701311", "2007-1-1", " 2007013", "2007013\u00fc", "0x070131"],
)
def test_a_text_that_is_not_of_the_format_is_refused_alone(text: str, tmp_path: Path) -> None:
    # NULL on both sides: only the wrong value may be a violation.
    typed, reasons = cast(column(tmp_path, **DAY), None, "20070131", text, None, None, "20070131")
    day = datetime.date(2007, 1, 31)
    assert typed == [None, day, None, None, None, day]
    assert reasons == {2: f"value is not a date in the format %Y%m%d: {text!r}"}


def test_a_wrong_separator_of_a_format_is_refused(tmp_path: Path) -> None:
    _, reasons = cast(column(tmp_path, **MOMENT), "20070131-101112", "20070131 101112")
    assert list(reasons) == [1]


def test_many_wrong_values_are_all_found_and_only_they(tmp_path: Path) -> None:
    texts = [f"{number}x" if number % 3 else str(number) for number in range(5000)]
    typed, reasons = cast(column(tmp_path, "bigint"), *texts)
    assert set(reasons) == {number for number in range(5000) if number % 3}
    assert typed[::3] == list(range(0, 5000, 3))


def test_a_slice_of_a_larger_column_is_cast_by_its_own_values(tmp_path: Path) -> None:
    whole = pa.array(["0x1F", "1", "2", None, "zz"])
    typed, reasons = cast_rows({"value": whole.slice(1, 3)}, (column(tmp_path, "bigint"),))
    assert typed["value"].to_pylist() == [1, 2, None]
    assert reasons == {}


def test_only_blanks_after_a_fixed_width_text_are_padding() -> None:
    codes = np.frombuffer(b" a b        \tx    ", np.uint8).reshape(3, 6)
    assert fixed_width_text(codes).to_pylist() == [" a b", None, "\tx"]


def test_blanks_on_both_sides_of_another_fixed_width_value_are_padding() -> None:
    codes = np.frombuffer(b"  12  12          12", np.uint8).reshape(5, 4)
    assert fixed_width_text(codes, is_text=False).to_pylist() == ["12", "12", None, None, "12"]
