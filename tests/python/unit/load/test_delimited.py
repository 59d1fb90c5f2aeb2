"""Delimited files: one record a line, with and without quotes."""

import io
from pathlib import Path
from typing import Any

import pytest
from sample_sources import feed_of

from scripts.load.contracts import Feed
from scripts.load.delimited import read_delimited

COLUMNS = {
    "id": {"data_type": "bigint", "required": True},
    "name": {"data_type": "varchar(20)"},
    "day": {"data_type": "date"},
}
Found = tuple[list[tuple[Any, ...]], list[tuple[int, str]]]


def read(content: bytes, feed: Feed, batch: int = 1, block_bytes: int = 1000) -> Found:
    """Rows with their line first, and violations with theirs."""
    rows, violations = [], []
    for piece in read_delimited(io.BytesIO(content), feed, batch, block_bytes, lambda _: None):
        columns = [column.to_pylist() for column in piece.columns.values()]
        rows += list(zip(piece.source_row.to_pylist(), *columns, strict=True))
        violations += [(violation.line, violation.reason) for violation in piece.violations]
    return rows, violations


@pytest.mark.parametrize("block_bytes", [1, 2, 7, 20, 1000])
def test_block_borders_change_nothing(block_bytes: int, tmp_path: Path) -> None:
    feed = feed_of(tmp_path, COLUMNS)
    content = b"1|a|2007-07-07\nx|b|\n2||\r\n3|c\n4|d|2007-07-08\n"
    assert read(content, feed, 1, block_bytes) == read(content, feed)
    rows, violations = read(content, feed)
    assert [(line, key, name) for line, key, name, _ in rows] == [
        (1, 1, "a"),
        (3, 2, None),
        (5, 4, "d"),
    ]
    assert violations == [
        (2, "id is not a bigint: 'x'"),
        (4, "the line has 2 fields separated by '|', 3 expected"),
    ]


def test_blanks_are_kept_and_nothing_is_null(tmp_path: Path) -> None:
    rows, _ = read(b"1|  a |\n2||\n", feed_of(tmp_path, COLUMNS))
    assert rows == [(1, 1, "  a ", None), (2, 2, None, None)]


def test_words_for_null_are_text(tmp_path: Path) -> None:
    rows, _ = read(b"1|NULL|\n2|NA|\n3|nan|\n4|\\N|\n", feed_of(tmp_path, COLUMNS))
    assert [name for _, _, name, _ in rows] == ["NULL", "NA", "nan", "\\N"]


def test_quotes_are_text_unless_the_feed_declares_them(tmp_path: Path) -> None:
    rows, violations = read(b'1|"a"|\n2|"b|\n3|b\\"|\n', feed_of(tmp_path, COLUMNS))
    assert [name for _, _, name, _ in rows] == ['"a"', '"b', 'b\\"']
    assert violations == []


def test_declared_quotes_hold_delimiters_and_doubled_quotes(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, COLUMNS, delimiter=",", quote='"')
    rows, violations = read(b'1,"a,b",\n"2","say ""x""",2007-07-07\n3,"",\n', feed)
    assert [name for _, _, name, _ in rows] == ["a,b", 'say "x"', None]
    assert violations == []


@pytest.mark.parametrize("value", ['"a', 'a"', 'a"b"', '"a"b', '"a""', '"a" ', '"""'])
def test_quotes_that_do_not_pair_up_set_only_their_line_aside(value: str, tmp_path: Path) -> None:
    feed = feed_of(tmp_path, COLUMNS, delimiter=",", quote='"')
    rows, violations = read(f"1,a,\n2,{value},\n3,b,\n".encode(), feed)
    assert [key for _, key, _, _ in rows] == [1, 3]
    assert violations == [(2, 'the quotes (") of the line do not pair up')]


def test_fields_are_counted_outside_of_quotes(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, COLUMNS, delimiter=",", quote='"')
    _, violations = read(b'1,"a,b,c","x,y",,\n', feed)
    assert violations == [(1, "the line has 5 fields separated by ',', 3 expected")]


def test_a_whole_block_of_broken_lines_is_set_aside(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, COLUMNS)
    assert read(b"1\n2\n3\n", feed)[0] == []
    assert [line for line, _ in read(b"1\n2\n3\n", feed)[1]] == [1, 2, 3]
    assert [line for line, _ in read(b"\0\n\0\n", feed)[1]] == [1, 2]


CUT = "the last line has no line end, so the file may be cut off here"


@pytest.mark.parametrize(
    ("last_column", "value", "lands"),
    [
        ("date", "2007-07-07", True),
        ("timestamp", "2007-07-07 01:02:03", True),
        ("time", "01:02:03", True),
        ("date", "", False),
        ("bigint", "12", False),
        ("varchar(5)", "abc", False),
        ("varchar(5)", "", False),
        ("boolean", "true", False),
        ("decimal(8,2)", "1.25", False),
    ],
)
def test_an_unterminated_line_lands_only_if_its_last_value_cannot_be_cut(
    last_column: str, value: str, lands: bool, tmp_path: Path
) -> None:
    feed = feed_of(tmp_path, {"id": {"data_type": "bigint"}, "last": {"data_type": last_column}})
    rows, violations = read(f"1|{value}\n2|{value}".encode(), feed)
    assert len(rows) == 1 + lands
    assert [(line, reason[: len(CUT)]) for line, reason in violations] == [(2, CUT)] * (not lands)


def test_an_unterminated_line_that_is_broken_keeps_its_own_reason(tmp_path: Path) -> None:
    _, violations = read(b"1|a|\nx|b|", feed_of(tmp_path, COLUMNS))
    assert violations == [(2, "id is not a bigint: 'x'")]


def test_header_lines_do_not_land(tmp_path: Path) -> None:
    rows, violations = read(b"id|name|day\n1|a|\n", feed_of(tmp_path, COLUMNS, header_lines=1))
    assert rows == [(2, 1, "a", None)]
    assert violations == []


def test_columns_of_the_incremental_files_are_read_from_them_only(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, {"flag": {"batches": "incremental"}, **COLUMNS})
    assert read(b"1|a|\n", feed, batch=1)[0] == [(1, 1, "a", None)]
    assert read(b"I|1|a|\n", feed, batch=2)[0] == [(1, "I", 1, "a", None)]
