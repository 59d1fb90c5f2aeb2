"""Read XML: one record element after the other, in constant memory.

The file is cut at the start tags of its records before anything is parsed, so that a broken record cannot take its neighbours with it: a
group of records is parsed at once, and only if that fails one by one. What a record says is a map from paths to text; the contract
turns it into one row, or into one row for each element of `repeat`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import pyarrow as pa
from lxml import etree

from scripts.load.contracts import SUPPLIED_FIELDS, Column, Feed
from scripts.load.rows import Breach, FileError, Progress, Rows
from scripts.load.text import cast_rows

_LONGEST_RECORD = 1 << 20
_LONGEST_PROLOG = 1 << 16
_LINE_END = b"\n"
_ROOT_TAG = re.compile(rb"<(?![?!/])([\w.:-]+)[^>]*>")
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["']([\w.-]+)["']""")


@dataclass(frozen=True)
class _Document:
    """How this file writes its records: the tags with the prefix that it uses, and the namespaces of its root."""

    start_tag: re.Pattern[bytes]
    end_tag: bytes
    record_tag: str
    root_start: bytes
    root_end: bytes


@dataclass(frozen=True)
class _Record:
    """The text of one record element, and the line it begins in."""

    line: int
    raw: bytes


class _RecordError(Exception):
    """What is wrong with one record."""


def read_xml(
    stream: IO[bytes], feed: Feed, batch: int, block_bytes: int, progress: Progress
) -> Iterator[Rows]:
    """Yield the rows of an XML file, group by group, in file order.

    Raises:
        FileError: the file has no root element of the declared namespace, or ends before the root is closed.
    """
    layout = feed.layout(batch)
    tree = _contract_tree(feed, layout)
    number = 0
    for document, records in _groups(stream, feed, block_bytes, progress):
        entries = _entries(document, records, tree)
        yield _typed(entries, layout, number)
        number += len(entries)


def _groups(
    stream: IO[bytes], feed: Feed, block_bytes: int, progress: Progress
) -> Iterator[tuple[_Document, list[_Record]]]:
    """Cut the file into records."""
    buffer = b""
    while b"<" + (feed.record or "").encode() not in buffer and len(buffer) < _LONGEST_PROLOG:
        block = stream.read(min(block_bytes, _LONGEST_PROLOG))
        progress(len(block))
        buffer += block
        if not block:
            break
    document, position = _document(buffer, feed)
    line = 1 + buffer.count(_LINE_END, 0, position)
    buffer = buffer[position:]
    while True:
        block = stream.read(block_bytes)
        progress(len(block))
        buffer += block
        starts = [match.start() for match in document.start_tag.finditer(buffer)]
        if not block:
            break
        if len(starts) > 1:
            # The last record may go on in the next block.
            *whole, last = starts
            yield document, _cut(buffer[:last], whole, line)
            line += buffer.count(_LINE_END, 0, last)
            buffer = buffer[last:]
        if len(buffer) > _LONGEST_RECORD + block_bytes:
            raise FileError(
                f"line {line}: a record of more than {_LONGEST_RECORD} bytes: its end tag"
                f" {document.end_tag.decode()} is missing, or this is another kind of file"
            )
    body, end, rest = buffer.rpartition(document.root_end)
    if not end:
        raise FileError(
            f"line {line + buffer.count(_LINE_END)}: the file ends before {document.root_end.decode()}: it is cut off;"
            " deliver the file again"
        )
    if rest.strip():
        raise FileError(
            f"line {line + body.count(_LINE_END)}: text behind {document.root_end.decode()}"
        )
    if starts or body.strip():
        yield document, _cut(body, [start for start in starts if start < len(body)], line)


def _document(head: bytes, feed: Feed) -> tuple[_Document, int]:
    """Read the root tag; also returns the position behind it."""
    encoding = _ENCODING.search(head)
    if encoding and encoding[1].lower() not in (b"utf-8", b"ascii", b"us-ascii"):
        raise FileError(f"line 1: encoding {encoding[1].decode()}: save the file as UTF-8")
    root = _ROOT_TAG.search(_blank_comments(head))
    if root is None:
        raise FileError("line 1: no root element: this is not an XML file, or it is cut off")
    root_end = b"</" + root[1] + b">"
    try:
        namespaces = etree.fromstring(root[0] + root_end).nsmap
    except etree.XMLSyntaxError as error:
        line = 1 + head.count(_LINE_END, 0, root.start())
        raise FileError(f"line {line}: broken root element: {error.msg}") from error
    prefixes = [prefix for prefix, uri in namespaces.items() if uri == feed.namespace]
    if feed.namespace and not prefixes:
        raise FileError(f"the root element does not declare the namespace {feed.namespace}")
    name = f"{prefixes[0]}:{feed.record}" if prefixes and prefixes[0] else str(feed.record)
    document = _Document(
        start_tag=re.compile(rb"<" + re.escape(name.encode()) + rb"(?=[\s/>])"),
        end_tag=f"</{name}>".encode(),
        record_tag=f"{{{feed.namespace}}}{feed.record}" if feed.namespace else str(feed.record),
        root_start=root[0],
        root_end=root_end,
    )
    return document, root.end()


def _blank_comments(head: bytes) -> bytes:
    """The prolog with its comments blanked out: one may hold what looks like a root element."""
    return re.sub(rb"<!--.*?-->", lambda match: b" " * len(match[0]), head, flags=re.DOTALL)


def _cut(buffer: bytes, starts: list[int], line: int) -> list[_Record]:
    """One record from each start to the next; text before the first start is a (broken) record too."""
    if not starts or buffer[: starts[0]].strip():
        starts = [0, *starts]
    records = []
    position = 0
    for start, end in zip(starts, [*starts[1:], len(buffer)], strict=True):
        line += buffer.count(_LINE_END, position, start)
        position = start
        records.append(_Record(line, buffer[start:end].rstrip()))
    return records


@dataclass
class _Node:
    """What the contract knows of one element: the columns of its attributes and leaves, and its child elements."""

    attributes: dict[str, str] = field(default_factory=dict)
    leaves: dict[str, str] = field(default_factory=dict)
    children: dict[str, "_Node"] = field(default_factory=dict)
    is_repeated: bool = False


def _contract_tree(feed: Feed, layout: tuple[Column, ...]) -> _Node:
    root = _Node()
    for column in layout:
        *parents, last = (column.path or "").split("/")
        node = root
        for depth, name in enumerate(parents):
            node = node.children.setdefault(name, _Node())
            node.is_repeated = "/".join(parents[: depth + 1]) == feed.repeat
        if last.startswith("@"):
            node.attributes[last[1:]] = column.name
        else:
            node.leaves[last] = column.name
    return root


# A record, and the text of its columns or what is wrong with it.
_Entry = tuple[_Record, dict[str, str] | str]


def _entries(document: _Document, records: list[_Record], tree: _Node) -> list[_Entry]:
    try:
        elements = _elements(document, b"".join(record.raw for record in records))
    except _RecordError:
        elements = []
    entries: list[_Entry] = []
    if len(elements) != len(records):
        # One of them is broken: parse each by itself, so that only that one is set aside.
        elements = [None] * len(records)
    for record, element in zip(records, elements, strict=True):
        try:
            if element is None:
                (element,) = _elements(document, record.raw)
            entries += [(record, row) for row in _row_texts(element, tree)]
        except _RecordError as error:
            entries.append((record, str(error)))
    return entries


def _elements(document: _Document, raw: bytes) -> list[etree._Element | None]:
    try:
        root = etree.fromstring(
            document.root_start + raw + document.root_end,
            etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True),
        )
    except etree.XMLSyntaxError as error:
        raise _RecordError(f"not well-formed XML: {error.msg}") from error
    if any(element.tag != document.record_tag or (element.tail or "").strip() for element in root):
        raise _RecordError(f"text beside the {document.record_tag} elements")
    if (root.text or "").strip() or not len(root):
        raise _RecordError(f"no {document.record_tag} element")
    return list(root)


def _row_texts(record: etree._Element, tree: _Node) -> list[dict[str, str]]:
    """The columns that the record supplies, as text; one map for each repeated element, at least one."""
    common: dict[str, str] = {}
    repeated: list[dict[str, str]] = []
    _collect(record, tree, "", common, repeated)
    return [common | row for row in repeated] or [common]


def _collect(
    element: etree._Element,
    node: _Node,
    path: str,
    into: dict[str, str],
    repeated: list[dict[str, str]],
) -> None:
    for name, value in element.attrib.items():
        if name not in node.attributes:
            raise _RecordError(f"attribute {path}@{name} is not in the contract")
        into[node.attributes[name]] = value
    if element.text and element.text.strip():
        raise _RecordError(f"text in element {path.rstrip('/') or element.tag}")
    for child in element:
        if not isinstance(child.tag, str):
            continue  # a comment or a processing instruction
        name = child.tag
        if child.tail and child.tail.strip():
            raise _RecordError(f"text behind element {path}{name}")
        if name in node.leaves:
            _collect_leaf(child, node.leaves[name], path + name, into)
        elif name in node.children:
            below = node.children[name]
            row: dict[str, str] = {}
            _collect(child, below, f"{path}{name}/", row if below.is_repeated else into, repeated)
            if below.is_repeated:
                repeated.append(row)
        else:
            raise _RecordError(f"element {path}{name} is not in the contract")


def _collect_leaf(leaf: etree._Element, column: str, path: str, into: dict[str, str]) -> None:
    if len(leaf) or leaf.attrib:
        raise _RecordError(f"element {path} holds more than text")
    if column in into:
        raise _RecordError(f"element {path} occurs twice")
    into[column] = leaf.text or ""


def _typed(entries: list[_Entry], layout: tuple[Column, ...], number: int) -> Rows:
    """Cast the texts; an empty one is NULL, its column stands in `supplied_fields`."""
    good = [index for index, (_, row) in enumerate(entries) if isinstance(row, dict)]
    texts = [row for _, row in entries if isinstance(row, dict)]
    text = {
        column.name: pa.array([row.get(column.name) or None for row in texts], pa.string())
        for column in layout
    }
    typed, reasons = cast_rows(text, layout)
    typed[SUPPLIED_FIELDS.name] = pa.array([list(row) for row in texts], SUPPLIED_FIELDS.type)
    keep = pa.array([row not in reasons for row in range(len(texts))], pa.bool_())
    problems = {index: row for index, (_, row) in enumerate(entries) if isinstance(row, str)}
    problems |= {good[row]: reason for row, reason in reasons.items()}
    return Rows(
        {name: column.filter(keep) for name, column in typed.items()},
        pa.array([number + 1 + index for index in good], pa.int64()).filter(keep),
        [
            Breach(entries[index][0].line, problems[index], entries[index][0].raw)
            for index in sorted(problems)
        ],
    )
