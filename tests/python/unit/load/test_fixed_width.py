"""Fixed-width files: each field at its positions, several record types in one file."""

import io
from pathlib import Path
from typing import Any

import pytest
from sample_sources import feed_of

from scripts.load.contracts import Feed
from scripts.load.fixed_width import read_fixed_width

COLUMNS: dict[str, dict[str, Any]] = {
    "kind": {"data_type": "varchar(1)", "positions": [1, 1], "required": True},
    "id": {"data_type": "bigint", "positions": {"A": [2, 4], "B": [5, 7]}},
    "day": {"data_type": "date", "positions": {"A": [5, 12]}, "format": "%Y%m%d"},
    "name": {"data_type": "varchar(6)", "positions": {"B": [8, 13]}, "short_width": 3},
}
Found = tuple[list[dict[str, Any]], list[tuple[int, str]]]


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    options = {"format": "fixed_width", "record_type": {"positions": [1, 1]}}
    return feed_of(tmp_path, COLUMNS, **options)


def read(content: bytes, feed: Feed, block_bytes: int = 1000) -> Found:
    """Rows with their line as `row`, without what is NULL, and violations with their line."""
    rows, violations = [], []
    for piece in read_fixed_width(io.BytesIO(content), feed, 1, block_bytes, lambda _: None):
        columns = {"row": piece.source_row.to_pylist()}
        columns |= {name: column.to_pylist() for name, column in piece.columns.items()}
        rows += [
            {name: value for name, value in zip(columns, values, strict=True) if value is not None}
            for values in zip(*columns.values(), strict=True)
        ]
        violations += [(violation.line, violation.reason) for violation in piece.violations]
    return rows, violations


A_LINE = b"A 1220070131"
B_LINE = b"B   34 some  "
B_SHORT = b"B   35 abc"


@pytest.mark.parametrize("block_bytes", [1, 5, 13, 30, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_rows_of_several_types_stay_in_file_order(block_bytes: int, end: bytes, feed: Feed) -> None:
    content = b"".join(line + end for line in (B_LINE, A_LINE, b"C", B_SHORT, A_LINE))
    rows, violations = read(content, feed, block_bytes)
    assert [(row["row"], row["kind"], row["id"]) for row in rows] == [
        (1, "B", 34),
        (2, "A", 12),
        (4, "B", 35),
        (5, "A", 12),
    ]
    assert rows[0]["name"] == "some"
    assert rows[2]["name"] == "abc"
    assert str(rows[1]["day"]) == "2007-01-31"
    assert violations == [(3, "unknown record type 'C', A, B expected")]


def test_a_blank_field_is_null(feed: Feed) -> None:
    assert read(b"A           \n", feed) == ([{"row": 1, "kind": "A"}], [])


def test_a_blank_in_front_belongs_to_a_text_and_not_to_a_number(feed: Feed) -> None:
    rows, _ = read(b"B    34 some \nB   34   x   \n", feed)
    assert [(row["id"], row["name"]) for row in rows] == [(34, " some"), (34, "  x")]


def test_a_blank_date_is_no_violation_beside_a_wrong_one(feed: Feed) -> None:
    rows, violations = read(b"A  1        \nA  220070230\nA  3        \n", feed)
    assert [row["id"] for row in rows] == [1, 3]
    assert violations == [(2, "day is not a date in the format %Y%m%d: '20070230'")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (A_LINE + b" ", "the A line has 13 characters, 12 expected"),
        (A_LINE[:-1], "the A line has 11 characters, 12 expected"),
        (B_SHORT + b" ", "the B line has 11 characters, 10 or 13 expected"),
        (B_LINE[:-1], "the B line has 12 characters, 10 or 13 expected"),
    ],
)
def test_a_line_of_another_length_is_set_aside(line: bytes, reason: str, feed: Feed) -> None:
    rows, violations = read(A_LINE + b"\n" + line + b"\n" + A_LINE + b"\n", feed)
    assert [row["row"] for row in rows] == [1, 3]
    assert violations == [(2, reason)]


def test_an_unterminated_line_lands_only_at_its_full_width(feed: Feed) -> None:
    assert len(read(A_LINE + b"\n" + B_LINE, feed)[0]) == 2
    rows, violations = read(A_LINE + b"\n" + B_SHORT, feed)
    assert len(rows) == 1
    assert violations == [(2, "the B line is the last one and has no line end: it may be cut off")]


def test_a_character_of_several_bytes_sets_only_its_line_aside(feed: Feed) -> None:
    content = A_LINE + b"\n" + "B   34 s\u00f6me ".encode() + b"\n" + B_LINE + b"\n"
    rows, violations = read(content, feed)
    assert [row["row"] for row in rows] == [1, 3]
    assert violations == [(2, "a character that is not ASCII shifts the positions of the fields")]


@pytest.mark.parametrize("line", ["\u00fc", "C", "\0", ""])
def test_a_whole_block_of_broken_lines_is_set_aside(line: str, feed: Feed) -> None:
    rows, violations = read(f"{line}\n{line}\n".encode(), feed)
    assert rows == []
    assert [number for number, _ in violations] == [1, 2]


def test_a_file_without_record_types_has_one_layout(tmp_path: Path) -> None:
    columns = {
        "id": {"data_type": "bigint", "positions": [1, 3]},
        "name": {"positions": [5, 8]},
    }
    feed = feed_of(tmp_path, columns, format="fixed_width", header_lines=1)
    rows, violations = read(b"id  name\n  1 abcd\n  2-xyz \n  3\n", feed)
    assert rows == [{"row": 2, "id": 1, "name": "abcd"}, {"row": 3, "id": 2, "name": "xyz"}]
    assert violations == [(4, "the line has 3 characters, 8 expected")]
