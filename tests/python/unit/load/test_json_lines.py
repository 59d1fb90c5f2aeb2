"""JSON lines: one object a line, values of the JSON type of their column."""

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from sample_sources import CONTRACTS, feed_of, load_feeds, write_sources
from test_random_damage import RECORDS, damaged

from scripts.load.contracts import Feed
from scripts.load.json_lines import read_json_lines
from scripts.load.reading import Reading
from scripts.load.sources import SourceFolder

COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"data_type": "bigint", "required": True},
    "name": {"data_type": "varchar(20)"},
    "day": {"data_type": "date", "path": "when/day"},
    "price": {"data_type": "decimal(8,2)", "path": "when/last/price"},
    "is_open": {"data_type": "boolean"},
}
Found = tuple[list[tuple[Any, ...]], list[tuple[int, str]]]


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return feed_of(tmp_path, COLUMNS, format="json_lines")


def read(content: bytes, feed: Feed, batch: int = 1, block_bytes: int = 1000) -> Found:
    """Rows with their line first, and violations with theirs."""
    rows, violations = [], []
    for piece in read_json_lines(io.BytesIO(content), feed, batch, block_bytes, lambda _: None):
        columns = [column.to_pylist() for column in piece.columns.values()]
        rows += list(zip(piece.source_row.to_pylist(), *columns, strict=True))
        violations += [(violation.line, violation.reason) for violation in piece.violations]
    return rows, violations


def names(content: bytes, feed: Feed) -> list[str | None]:
    rows, violations = read(content, feed)
    assert violations == []
    return [name for _, _, name, *_ in rows]


def reason(content: str, feed: Feed) -> str:
    """Why the second of three lines does not land; the others must."""
    lines = ['{"id": 1}', content, '{"id": 3}']
    rows, violations = read("".join(f"{line}\n" for line in lines).encode(), feed)
    assert [(line, key) for line, key, *_ in rows] == [(1, 1), (3, 3)]
    ((line, found),) = violations
    assert line == 2
    return found


@pytest.mark.parametrize("block_bytes", [1, 2, 7, 20, 1000])
def test_block_borders_change_nothing(block_bytes: int, feed: Feed) -> None:
    content = (
        b'{"id": 1, "name": "a", "when": {"day": "2007-07-07", "last": {"price": -1.5}}}\n'
        b'[1]\n{"is_open": true, "name": "", "id": 2}\r\n{"id": "3"}\n{"id": 4, "when": {"last": {"price": "2.50"}}}'
    )
    assert read(content, feed, 1, block_bytes) == read(content, feed)
    rows, violations = read(content, feed)
    found = [
        (line, key, name, str(day), str(price), flag) for line, key, name, day, price, flag in rows
    ]
    assert found == [
        (1, 1, "a", "2007-07-07", "-1.50", None),
        (3, 2, None, "None", "None", True),
        (5, 4, None, "None", "2.50", None),
    ]
    assert violations == [
        (2, "the line is not a JSON object"),
        (4, 'id is not a JSON number: "3"'),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{}", "id is empty but required"),
        ('{"id": null}', "id is empty but required"),
        ('{"id": 1.0}', "id is not a bigint: '1.0'"),
        ('{"id": 1e3}', "id is not a bigint: '1e3'"),
        ('{"id": 9223372036854775808}', "id is not a bigint: '9223372036854775808'"),
        ('{"id": true}', "id is not a JSON number: true"),
        ('{"id": [2]}', 'id is not a JSON number: ["2"]'),
        ('{"id": 2, "name": 7}', "name is not a JSON string: 7"),
        ('{"id": 2, "name": {"first": "x"}}', 'name is not a JSON string: {"first": "x"}'),
        ('{"id": 2, "is_open": "true"}', 'is_open is not a JSON boolean: "true"'),
        ('{"id": 2, "is_open": 1}', "is_open is not a JSON boolean: 1"),
        ('{"id": 2, "when": "now"}', "when is not an object"),
        ('{"id": 2, "when": {"last": [1]}}', "when/last is not an object"),
        ('{"id": 2, "when": {"day": "2007-02-30"}}', "day is not a date: '2007-02-30'"),
        ('{"id": 2, "when": {"day": 20070230}}', "day is not a JSON string: 20070230"),
        ('{"id": 2, "when": {"last": {"price": 1.255}}}', "price is not a decimal(8,2): '1.255'"),
        ('{"id": 2, "when": {"last": {"price": NaN}}}', "not JSON: NaN is no number"),
        (
            '{"id": 2, "name": "' + "x" * 21 + '"}',
            "name has 21 characters, at most 20 fit: '" + "x" * 21 + "'",
        ),
        ('{"id": 2, "id": 2}', "key 'id' occurs twice"),
        (r'{"id": 2, "name": "a\u0000b"}', "name holds a character that no text may hold"),
        (r'{"id": 2, "name": "a\ud800"}', "name holds a character that no text may hold"),
        ("null", "the line is not a JSON object"),
        ('"text"', "the line is not a JSON object"),
        (" ", "not JSON: Expecting value in column 2; it may be cut off"),
        ('{"id": 2', "not JSON: Expecting ',' delimiter in column 9; it may be cut off"),
        ('{"id": 2}{"id": 3}', "not JSON: Extra data in column 10; it may be cut off"),
        ('{"id": 02}', "not JSON: Expecting ',' delimiter in column 9; it may be cut off"),
        ("[" * 100_000, "not JSON that can be read: it is nested too deeply"),
    ],
)
def test_a_line_that_breaks_the_contract_is_set_aside_with_its_reason(
    line: str, expected: str, feed: Feed
) -> None:
    assert reason(line, feed) == expected


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, {"price": {"data_type": "decimal(38,10)"}}, format="json_lines")
    digits = "1234567890123456789012345678.0123456789"
    rows, _ = read(f'{{"price": {digits}}}\n'.encode(), feed)
    assert [str(price) for _, price in rows] == [digits]


def test_escapes_and_line_breaks_inside_a_value_are_kept(feed: Feed) -> None:
    content = json.dumps({"id": 1, "name": 'a\nb\t"\\ü😀'}).encode() + b"\n"
    assert names(content, feed) == ['a\nb\t"\\ü😀']


def test_words_for_null_are_text(feed: Feed) -> None:
    lines = [f'{{"id": 1, "name": "{word}"}}\n' for word in ("null", "NULL", "NA", " ")]
    assert names("".join(lines).encode(), feed) == ["null", "NULL", "NA", " "]


def test_a_whole_last_object_needs_no_line_end(feed: Feed) -> None:
    rows, violations = read(b'{"id": 1}\n{"id": 2}', feed)
    assert [key for _, key, *_ in rows] == [1, 2]
    assert violations == []
    rows, violations = read(b'{"id": 1}\n{"id": 2', feed)
    assert [key for _, key, *_ in rows] == [1]
    assert [line for line, _ in violations] == [2]


def test_columns_of_the_incremental_files_are_read_from_them_only(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, {"flag": {"batches": "incremental"}, "id": {}}, format="json_lines")
    assert read(b'{"id": "a"}\n', feed, batch=1)[0] == [(1, "a")]
    assert read(b'{"id": "a", "flag": "I"}\n', feed, batch=2)[0] == [(1, "I", "a")]


def write_feed(folder: Path, monkeypatch: pytest.MonkeyPatch, *contents: bytes) -> Path:
    """Sources with files of one feed of JSON lines, and its contract in place of all others."""
    feed_of(folder / "contracts", COLUMNS, format="json_lines", files="Batch{batch}/*.jsonl")
    monkeypatch.setattr("scripts.load.run.CONTRACTS_FOLDER", folder / "contracts")
    files = {f"Batch1/{number}.jsonl": content for number, content in enumerate(contents)}
    for name, content in files.items():
        path = folder / "sources" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "sources"


def test_keys_that_the_contract_does_not_know_are_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = b'{"id": 1}\n{"id": 2, "more": 1, "when": {"zone": 1}}\n{"id": 3, "more": 2}\n'
    many = json.dumps({"id": 4} | {f"k{number}": 1 for number in range(7)}).encode() + b"\n"
    broken = b'{"id": "5", "other": 1}\n{"id": 6}\n'
    sources = write_feed(tmp_path, monkeypatch, extra, many, broken)
    outcome = load_feeds(sources, tmp_path / "lake", "test.feed")
    assert outcome.exit_code == 0
    assert [row["id"] for row in outcome.rows("test.feed")] == [1, 2, 3, 4, 6]
    messages = [row["message"] for row in outcome.log("test.feed")]
    assert messages == [
        "Batch1/0.jsonl: not in the contract, so left out: more (first in line 2), when/zone (first in line 2);"
        " declare what the warehouse needs",
        "Batch1/1.jsonl: not in the contract, so left out: "
        + ", ".join(f"k{number} (first in line 1)" for number in range(5))
        + " and 2 more; declare what the warehouse needs",
        None,
    ]
    assert "warning: test.feed of batch 1: Batch1/0.jsonl: not in the contract" in outcome.output


def test_a_file_without_an_object_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = write_feed(tmp_path, monkeypatch, b"id|name\n1|a\n")
    outcome = load_feeds(sources, tmp_path / "lake", "test.feed")
    assert outcome.exit_code == 1
    assert "only 0 of 2 records fulfill their contract" in " ".join(outcome.output.split())


@pytest.mark.parametrize("seed", range(10))
def test_files_read_together_give_the_rows_and_violations_of_each_alone(
    seed: int, tmp_path: Path
) -> None:
    apart = (feed for contracts in CONTRACTS.apart for feed in contracts.feeds)
    feed = next(feed for feed in apart if feed.label == "operations.node_run")
    chance = random.Random(seed)
    extra = RECORDS.replace(b'"kind"', b'"more": 1, "kind"')
    contents = [chance.choice((RECORDS, extra, damaged(RECORDS, chance))) for _ in range(6)]
    contents = [content for content in contents if content[:2] not in (b"\xff\xfe", b"\xfe\xff")]
    write_sources(
        tmp_path,
        {f"Batch1/node_run-{number}.jsonl": content for number, content in enumerate(contents)},
    )
    sources = SourceFolder(str(tmp_path))
    files = sources.files_of(feed, 1)
    reading = Reading(sources, feed, 1, files, 100_000)
    for file, content in zip(files, contents, strict=True):
        with reading.pieces(file, lambda _: None) as pieces:
            together = list(pieces)
        alone = list(read_json_lines(io.BytesIO(content), feed, 1, 100_000, lambda _: None))
        for one, other in zip(together, alone, strict=True):
            assert one.columns == other.columns, file.name
            assert one.source_row == other.source_row, file.name
            assert one.violations == other.violations, file.name
            assert one.left_out == other.left_out, file.name
