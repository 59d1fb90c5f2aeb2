"""Rendering: cells of bytes must give the text that plain formatting gives."""

from datetime import UTC, datetime

import numpy as np
import pytest

from brokerage_sources.generate import cells

EDGES = np.array(
    [0, 1, 9, 10, 999, 1000, 9999, 10_000, 10_001, 99_999_999, 100_000_000, 123_456_789_012]
)


def lines(parts: list[object]) -> list[str]:
    return cells.assemble([*parts, b"\n"]).decode().splitlines()


def test_integers_have_no_leading_zeros() -> None:
    assert lines([cells.integers(EDGES)]) == [str(value) for value in EDGES]


def test_right_aligned_numbers_are_padded_with_blanks() -> None:
    assert lines([cells.right_aligned(EDGES, 13)]) == [f"{value:13d}" for value in EDGES]


@pytest.mark.parametrize("width", [2, 3, 4, 7, 12])
def test_zero_padded_numbers_are_padded_with_zeros(width: int) -> None:
    values = EDGES[10**width > EDGES]
    assert lines([cells.zero_padded(values, width)]) == [f"{value:0{width}d}" for value in values]


def test_money_has_two_decimals() -> None:
    assert lines([cells.money(EDGES)]) == [f"{value // 100}.{value % 100:02d}" for value in EDGES]
    aligned = [f"{f'{value // 100}.{value % 100:02d}':>17}" for value in EDGES]
    assert lines([cells.money_right_aligned(EDGES, 17)]) == aligned


def test_timestamps_are_those_of_the_standard_library() -> None:
    seconds = np.array([0, 86_399, 86_400, 1_499_471_999, -3_000_000_001])
    expected = [
        datetime.fromtimestamp(int(second), UTC).strftime("%Y-%m-%d %H:%M:%S") for second in seconds
    ]
    assert lines([cells.timestamps(seconds)]) == expected
    assert lines([cells.compact_dates(np.array([17_354]))]) == ["20170707"]


def test_columns_of_any_width_and_constants_make_rows() -> None:
    colors = cells.table(["red", "", "yellow"])
    rows = lines([colors.take([2, 1, 0]), b"|", cells.integers(np.array([7, 12_345, 0]))])
    assert rows == ["yellow|7", "|12345", "red|0"]


def test_no_rows_make_no_text() -> None:
    assert cells.assemble([cells.integers(np.array([], dtype=np.int64)), b"|"]) == b""


def test_rows_of_splits_what_assemble_glues() -> None:
    parts = [cells.integers(np.array([1, 22, 333])), b"\r\n"]
    assert b"".join(cells.rows_of(parts)) == cells.assemble(parts)
    assert cells.rows_of(parts)[1] == b"22\r\n"


def test_random_texts_keep_their_lengths_and_letters() -> None:
    draws = np.arange(2000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    texts = [text.decode() for text in cells.text_pool(1, "test", 60).texts(draws, 15, 60)]
    assert {len(text) for text in texts} == set(range(15, 61))
    assert all(text.isalpha() for text in texts)
    lower = cells.text_pool(1, "test", 12, "lower").texts(draws, 5, 12)
    assert all(text.decode().islower() for text in lower)
