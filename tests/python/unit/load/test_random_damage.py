"""Whatever happens to the bytes of a file, no row is lost and no sound line is changed."""

import io
import random
import re
from typing import Any

import pytest
from sample_sources import CONTRACTS, FEEDS, FILES, NAMESPACE, Row

from scripts.load.delimited import read_delimited
from scripts.load.fixed_width import read_fixed_width
from scripts.load.json_lines import read_json_lines
from scripts.load.reading import Reader
from scripts.load.rows import FileError
from scripts.load.xml import read_xml

SEEDS = range(200)
RECORDS = b"".join(
    b'{"run_id": "r%d", "invocation": "i", "node_id": "model.a.b", "name": "M\xc3\xbcller", "kind": "model", "schema_name": null,'
    b' "status": "success", "started_at": "2026-11-30T01:02:03.000004", "seconds": %d.25, "row_count": %d, "message": "say \\"x\\""}\n'
    % (number, number, number)
    for number in range(5)
)
ALL_FEEDS = FEEDS | {feed.label: feed for apart in CONTRACTS.apart for feed in apart.feeds}
LINE_FILES: dict[str, tuple[str, bytes, Reader]] = {
    "delimited": ("brokerage.trade", FILES["Batch1/Trade.txt"], read_delimited),
    "quoted": ("prospect.prospect", FILES["Batch1/Prospect.csv"], read_delimited),
    "fixed_width": ("finwire.record", FILES["Batch1/FINWIRE1967Q2"], read_fixed_width),
    "json_lines": ("operations.node_run", RECORDS, read_json_lines),
}
Found = tuple[dict[int, Row], list[int]]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """One to four flips, deletions, insertions, doublings or cuts, anywhere."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.randint(1, 40))
        match chance.choice(("flip", "delete", "insert", "special", "double", "cut")):
            case "flip":
                data[start : start + 1] = bytes([chance.randrange(256)])
            case "delete":
                del data[start:end]
            case "insert":
                data[start:start] = chance.randbytes(chance.randint(1, 20))
            case "special":
                data[start:start] = chance.choice(
                    (b"\n", b"\r", b"\r\n", b"\0", b'"', b"|", b",", b"<", b">", b"&", b"]]>")
                )
            case "double":
                data[start:start] = data[start:end]
            case "cut" if chance.random() < 0.3:
                del data[start:]
    return bytes(data)


def read(reader: Reader, content: bytes, feed: str, block_bytes: int) -> Found:
    """The rows of a file by their place in it, and the places of what is quarantined."""
    rows: dict[int, Row] = {}
    quarantined: list[int] = []
    for piece in reader(io.BytesIO(content), ALL_FEEDS[feed], 1, block_bytes, lambda _: None):
        columns = {name: column.to_pylist() for name, column in piece.columns.items()}
        for index, place in enumerate(piece.source_row.to_pylist()):
            assert place not in rows
            rows[place] = {name: values[index] for name, values in columns.items()}
        assert all(violation.reason for violation in piece.violations)
        quarantined += [violation.line for violation in piece.violations]
    return rows, quarantined


def by_line(content: bytes, rows: dict[int, Row]) -> dict[bytes, Row]:
    lines = content.split(b"\n")
    return {lines[place - 1]: row for place, row in rows.items()}


@pytest.mark.parametrize("kind", LINE_FILES)
def test_a_randomly_damaged_file_of_lines_reconciles(kind: str) -> None:
    feed, file, reader = LINE_FILES[kind]
    sound = file * 3
    expected = by_line(file, read(reader, file, feed, 1000)[0])
    assert len(expected) == file.count(b"\n")
    landed = quarantined = 0
    for seed in SEEDS:
        chance = random.Random(seed)
        content = damaged(sound, chance)
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        rows, broken = read(reader, content, feed, chance.choice((1, 7, 64, 1000, 100_000)))
        lines = content.split(b"\n")
        count = len(lines) - (lines[-1] == b"")
        assert sorted([*rows, *broken]) == list(range(1, count + 1)), seed
        for place, line in enumerate(lines[:-1], start=1):
            if line in expected:
                assert rows[place] == expected[line], (seed, place)
        landed += len(rows)
        quarantined += len(broken)
    # Both outcomes occur, or the test would prove nothing.
    assert landed > len(SEEDS)
    assert quarantined > len(SEEDS)


ACTIONS = 12
_HEAD = f'<a:Actions xmlns:a="{NAMESPACE}">\n'.encode()
_TAIL = b"</a:Actions>\n"


def action(number: int) -> bytes:
    return (
        f'<a:Action ActionType="NEW" ActionTS="2007-07-07T01:02:03">\n<Customer C_ID="{number}">'
        f"<Name><C_L_NAME>Name {number}</C_L_NAME><C_M_NAME/></Name></Customer>\n</a:Action>\n"
    ).encode()


def values(rows: dict[int, Row]) -> dict[Any, Row]:
    return {row["c_id"]: row for row in rows.values()}


def test_a_randomly_damaged_xml_record_leaves_the_others_as_they_were() -> None:
    records = [action(number) for number in range(ACTIONS)]
    feed = "crm.customer_mgmt"
    expected = values(read(read_xml, _HEAD + b"".join(records) + _TAIL, feed, 1000)[0])
    assert set(expected) == set(range(ACTIONS))
    quarantined = 0
    for seed in SEEDS:
        chance = random.Random(seed)
        hit = chance.randrange(ACTIONS)
        changed = [*records]
        changed[hit] = damaged(records[hit], chance)
        content = _HEAD + b"".join(changed) + _TAIL
        rows, broken = read(read_xml, content, feed, chance.choice((1, 7, 64, 1000, 100_000)))
        found = values(rows)
        for number in set(range(ACTIONS)) - {hit}:
            assert found.get(number) == expected[number], (seed, number)
        quarantined += len(broken)
        starts = len(re.findall(rb"<a:Action[\s/>]", content))
        assert len(rows) + len(broken) >= starts, seed
    assert quarantined > len(SEEDS) // 2


def test_a_randomly_damaged_xml_file_reconciles_or_is_refused() -> None:
    sound = _HEAD + b"".join(action(number) for number in range(ACTIONS)) + _TAIL
    refused = 0
    for seed in SEEDS:
        content = damaged(sound, random.Random(seed))
        try:
            rows, broken = read(read_xml, content, "crm.customer_mgmt", 1000)
        except FileError as error:
            assert str(error)
            refused += 1
            continue
        starts = len(re.findall(rb"<a:Action[\s/>]", content))
        assert len(rows) + len(broken) >= starts, seed
    assert 0 < refused < len(SEEDS) // 2
