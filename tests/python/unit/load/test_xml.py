"""XML files: one record element after the other, absent, empty and given values are distinguished."""

import io
from pathlib import Path
from typing import Any

import pytest
from sample_sources import feed_of

from scripts.load import xml
from scripts.load.contracts import Feed
from scripts.load.rows import FileError
from scripts.load.xml import read_xml

NAMESPACE = "urn:test"
COLUMNS = {
    "kind": {"path": "@Kind", "required": True},
    "id": {"path": "Person/@ID", "data_type": "bigint"},
    "name": {"path": "Person/Name"},
    "pet_id": {"path": "Person/Pet/@ID", "data_type": "bigint"},
    "pet": {"path": "Person/Pet/Name"},
}
Found = tuple[list[dict[str, Any]], list[tuple[int, str]]]


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    options = {"record": "Row", "namespace": NAMESPACE, "repeat": "Person/Pet"}
    return feed_of(tmp_path, COLUMNS, format="xml", delimiter=None, **options)


def document(*records: str, before: str = "", after: str = "") -> bytes:
    body = "\n".join(records)
    return f'{before}<n:Rows xmlns:n="{NAMESPACE}">\n{body}\n</n:Rows>{after}\n'.encode()


def person(number: int, inside: str = "") -> str:
    return f'<n:Row Kind="NEW"><Person ID="{number}">{inside}</Person></n:Row>'


def read(content: bytes, feed: Feed, block_bytes: int = 100_000) -> Found:
    """Rows with the number of their record as `row`, and violations with their line."""
    rows, violations = [], []
    for piece in read_xml(io.BytesIO(content), feed, 1, block_bytes, lambda _: None):
        columns = {"row": piece.source_row.to_pylist()}
        columns |= {name: column.to_pylist() for name, column in piece.columns.items()}
        rows += [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        violations += [(violation.line, violation.reason) for violation in piece.violations]
    return rows, violations


def names(content: bytes, feed: Feed) -> list[str | None]:
    rows, violations = read(content, feed)
    assert violations == []
    return [row["name"] for row in rows]


def test_absent_empty_and_given_values_are_distinguished(feed: Feed) -> None:
    rows, _ = read(
        document(
            person(1),
            person(2, "<Name/>"),
            person(3, "<Name></Name>"),
            person(4, "<Name> x </Name>"),
            '<n:Row Kind="NEW"><Person ID=""/></n:Row>',
        ),
        feed,
    )
    assert [(row["id"], row["name"], row["supplied_fields"]) for row in rows] == [
        (1, None, ["kind", "id"]),
        (2, None, ["kind", "id", "name"]),
        (3, None, ["kind", "id", "name"]),
        (4, " x ", ["kind", "id", "name"]),
        (None, None, ["kind", "id"]),
    ]


def test_each_repeated_element_is_a_row_of_its_record(feed: Feed) -> None:
    pets = '<Pet ID="10"><Name>cat</Name></Pet><Name>Eva</Name><Pet ID="11"/>'
    rows, violations = read(document(person(1), person(2, pets), person(3)), feed)
    assert [(row["row"], row["id"], row["name"], row["pet_id"], row["pet"]) for row in rows] == [
        (1, 1, None, None, None),
        (2, 2, "Eva", 10, "cat"),
        (2, 2, "Eva", 11, None),
        (3, 3, None, None, None),
    ]
    assert rows[2]["supplied_fields"] == ["kind", "id", "name", "pet_id"]
    assert violations == []


def test_a_wrong_value_in_one_repeated_element_leaves_the_other_row(feed: Feed) -> None:
    rows, violations = read(document(person(1, '<Pet ID="x"/><Pet ID="11"/>')), feed)
    assert [row["pet_id"] for row in rows] == [11]
    assert violations == [(2, "pet_id is not a bigint: 'x'")]


@pytest.mark.parametrize(
    "inside",
    [
        "<Name>a &amp; b</Name>",
        "<Name>a &#38; b</Name>",
        "<Name><![CDATA[a & b]]></Name>",
        "<Name>a <!-- not b -->&amp;<?skip this?> b</Name>",
        "\n <!-- a comment --> <Name>a &amp; b</Name>\n",
    ],
)
def test_text_is_read_as_xml_means_it(inside: str, feed: Feed) -> None:
    assert names(document(person(1, inside)), feed) == ["a & b"]


@pytest.mark.parametrize("comment", ["<!-- a -->", f"<!-- {person(9)} -->", "<?page break?>"])
def test_comments_are_no_records_and_break_none(comment: str, feed: Feed) -> None:
    content = document(
        comment,
        person(1),
        comment,
        person(2),
        comment,
        before=f"{comment}\n",
        after=f"\n{comment}",
    )
    rows, violations = read(content, feed)
    assert [(row["row"], row["id"]) for row in rows] == [(1, 1), (2, 2)]
    assert violations == []


def test_a_start_tag_in_a_cdata_section_starts_no_record(feed: Feed) -> None:
    assert names(document(person(1, "<Name><![CDATA[<n:Row ]]></Name>")), feed) == ["<n:Row "]


def test_a_comment_that_is_never_closed_costs_one_record(feed: Feed) -> None:
    rows, violations = read(document(person(1), person(2, "<!-- "), person(3)), feed)
    assert [row["id"] for row in rows] == [1, 3]
    assert [line for line, _ in violations] == [3]


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 7, 50, 100_000])
def test_block_borders_change_nothing(
    block_bytes: int, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = document(
        *(person(number, f"<Name>{number}</Name>") for number in range(1, 6)),
        f"<!-- {person(99)} -->",
        person(6, "<Name><![CDATA[<n:Row ]]></Name>"),
        person(7, "<Broken>"),
        person(8),
        '<n:Row Kind="END"/>',
    )
    whole = read(content, feed)
    monkeypatch.setattr(xml, "_LONGEST_PROLOG", len(f'<n:Rows xmlns:n="{NAMESPACE}">'))
    assert read(content, feed, block_bytes) == whole
    assert [row["id"] for row in whole[0]] == [1, 2, 3, 4, 5, 6, 8, None]
    assert [line for line, _ in whole[1]] == [9]


@pytest.mark.parametrize(
    "content",
    [
        f'<Rows xmlns="{NAMESPACE}"><Row Kind="NEW"><Person ID="1"><Name>a</Name></Person></Row></Rows>',
        f'<z:Rows xmlns:z="{NAMESPACE}"><z:Row Kind="NEW"><Person ID="1"><Name>a</Name></Person>'
        "</z:Row></z:Rows >",
        f'<z:Rows xmlns:z="{NAMESPACE}"><z:Row Kind="NEW"><z:Person ID="1"><z:Name>a</z:Name>'
        "</z:Person></z:Row></z:Rows>",
        f"<?xml version='1.0' encoding='utf-8'?>\n<z:Rows\n xmlns:z='{NAMESPACE}' ><z:Row\nKind='NEW'>"
        "<Person\tID='1'><Name>a</Name></Person></z:Row\n></z:Rows>",
    ],
)
def test_the_prefix_of_the_namespace_is_free(content: str, feed: Feed) -> None:
    assert names(content.encode(), feed) == ["a"]


def test_a_feed_without_a_namespace_is_read(tmp_path: Path) -> None:
    feed = feed_of(tmp_path, {"id": {"path": "@ID"}}, format="xml", delimiter=None, record="Row")
    rows, _ = read(b'<Rows><Row ID="a"/><Rows2/></Rows>', feed)
    assert rows == []
    rows, violations = read(b'<Rows><Row ID="a"/><Row ID="b"></Row></Rows>', feed)
    assert [row["id"] for row in rows] == ["a", "b"]
    assert violations == []


REFUSED = {
    "<Nick>x</Nick>": "element Person/Nick is not in the contract",
    "<Name>a</Name><Name>b</Name>": "element Person/Name occurs twice",
    "<Name>a<b/></Name>": "element Person/Name holds more than text",
    '<Name a="1">a</Name>': "element Person/Name holds more than text",
    "text": "text in element Person",
    "<Name>a</Name>text": "text after element Person/Name",
    '<Pet Age="1"/>': "attribute Person/Pet/@Age is not in the contract",
    "<Pet>text</Pet>": "text in element Person/Pet",
    "<o:Name xmlns:o='urn:other'>a</o:Name>": "element Person/{urn:other}Name is not in the contract",
}


@pytest.mark.parametrize("inside", REFUSED)
def test_what_the_contract_does_not_know_is_not_dropped(inside: str, feed: Feed) -> None:
    rows, violations = read(document(person(1), person(2, inside), person(3)), feed)
    assert [(row["row"], row["id"]) for row in rows] == [(1, 1), (3, 3)]
    assert violations == [(3, REFUSED[inside])]


def test_a_second_container_does_not_overwrite_the_first(feed: Feed) -> None:
    record = '<n:Row Kind="NEW"><Person ID="1"/><Person ID="2"/></n:Row>'
    assert read(document(record), feed) == ([], [(2, "element Person occurs twice")])


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY e "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE r SYSTEM "http://localhost:1/e.dtd">',
    ],
)
def test_entities_of_the_document_are_never_resolved(doctype: str, feed: Feed) -> None:
    content = document(person(1), person(2, "<Name>&e;</Name>"), before=doctype)
    rows, violations = read(content, feed)
    assert [row["id"] for row in rows] == [1]
    ((line, reason),) = violations
    assert line == 3
    assert "Entity 'e' not defined" in reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: no root element"),
        (b"1|2|3\n", "line 1: no root element"),
        (b"\xff\xfe<\0r\0>\0", "line 1: the file is UTF-16; save it as UTF-8"),
        (b'<?xml version="1.0" encoding="latin1"?><r/>', "line 1: encoding latin1"),
        (b"\n<r>", "line 2: the root element does not declare the namespace urn:test"),
        (b"\n<n:r>", "line 2: broken root element"),
        (b'<n:r xmlns:n="urn:test"/>', "the root element holds no record"),
        (b'<n:r xmlns:n="urn:test">\n<n:Row', "line 2: the file ends before </n:r>: it is cut off"),
        (b'<n:r xmlns:n="urn:test"></n:r>\nx', "line 1: text after </n:r>"),
        (
            b'<n:r xmlns:n="urn:test"><n:Row Kind="NEW"/><!-- </n:r> -->',
            "the file ends before </n:r>: it is cut off",
        ),
    ],
)
def test_a_file_that_is_no_such_document_is_refused(
    content: bytes, message: str, feed: Feed
) -> None:
    with pytest.raises(FileError) as raised:
        read(content, feed)
    assert str(raised.value).startswith(message) or message in str(raised.value)


def test_a_record_without_end_is_no_reason_to_fill_the_memory(feed: Feed) -> None:
    content = document(person(1, "<Name>" + "x" * (4 << 20) + "</Name>"))
    with pytest.raises(FileError, match="line 2: a record of more than 1048576 bytes"):
        read(content, feed)


def test_progress_counts_the_bytes_of_the_file(feed: Feed) -> None:
    counts: list[int] = []
    content = document(*(person(number) for number in range(3000)))
    list(read_xml(io.BytesIO(content), feed, 1, 1000, counts.append))
    assert sum(counts) == len(content)
