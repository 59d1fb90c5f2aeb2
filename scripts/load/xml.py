"""Read XML: one record element after the other, in constant memory.

The file is cut at the tags of its records before anything is parsed, so that a broken record cannot
affect its neighbors: a group of records is parsed at once, and only if that fails, one by
one. The content of a record is a map from paths to text; the contract turns it into one row, or into
one row for each element of `repeat`. Comments are not data and are left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import pyarrow as pa
from lxml import etree

from scripts.load.contracts import SUPPLIED_FIELDS, Column, Feed
from scripts.load.lines import without_byte_order_mark
from scripts.load.rows import FileError, Progress, Rows, Violation
from scripts.load.text import cast_rows

# The greatest length of a record, and of a comment.
_LONGEST_RECORD = 1 << 20
_LONGEST_PROLOG = 1 << 16
_LINE_END = b"\n"
_ROOT_TAG = re.compile(rb"<(?![?!/])([\w.:-]+)[^>]*>")
_NO_DATA = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_SECTIONS = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["']([\w.-]+)["']""")


@dataclass(frozen=True)
class _Document:
    """How this file writes its records: the tags with the prefix and the namespaces that it uses.

    A match of `tag` is the start or end tag of a record; or with a group, a comment or a CDATA section, in which no
    record starts or ends.
    """

    tag: re.Pattern[bytes]
    record_tag: str
    root_start: bytes
    root_end: bytes
    root_end_tag: re.Pattern[bytes]

    def borders(self, buffer: bytes, is_whole: bool) -> list[int]:
        """Where records start and end in a buffer, up to a comment that is open at its end."""
        borders = [
            match.end() if match[0].startswith(b"</") else match.start()
            for match in self.tag.finditer(buffer)
            if match[1] is None
        ]
        limit = len(buffer)
        for opening, closing in _SECTIONS.items():
            opened = buffer.rfind(opening, max(0, len(buffer) - _LONGEST_RECORD))
            if opened >= 0 and buffer.find(closing, opened) < 0 and not is_whole:
                limit = min(limit, opened)
        return [border for border in borders if border <= limit]


@dataclass(frozen=True, eq=False)
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
        FileError: the file has no root element of the declared namespace, or is cut off.
    """
    layout = feed.layout(batch)
    tree = _contract_tree(feed, layout)
    number = 0
    for document, records in _groups(stream, feed, block_bytes, progress):
        entries = _entries(document, records, tree)
        places = {record: number + 1 + index for index, record in enumerate(records)}
        yield _typed(entries, layout, places)
        number += len(records)


def _groups(
    stream: IO[bytes], feed: Feed, block_bytes: int, progress: Progress
) -> Iterator[tuple[_Document, list[_Record]]]:
    """Cut the file into records."""
    buffer = without_byte_order_mark(_head(stream))
    progress(len(buffer))
    document, position = _document(buffer, feed)
    line = 1 + buffer.count(_LINE_END, 0, position)
    buffer = buffer[position:]
    while True:
        block = stream.read(block_bytes)
        progress(len(block))
        buffer += block
        borders = document.borders(buffer, is_whole=not block)
        if not block:
            break
        if borders:
            # What comes after the last border may continue in the next block.
            *before, last = borders
            yield document, _cut(buffer[:last], before, line)
            line += buffer.count(_LINE_END, 0, last)
            buffer = buffer[last:]
        if len(buffer) > 2 * _LONGEST_RECORD + block_bytes:
            blanks = len(buffer) - len(buffer.lstrip())
            raise FileError(
                f"line {line + buffer.count(_LINE_END, 0, blanks)}: a record of more than {_LONGEST_RECORD} bytes: this is another kind"
                " of file, or its end is missing; deliver the file again"
            )
    end = _root_end(document, buffer, line)
    yield document, _cut(buffer[:end], [border for border in borders if border < end], line)


def _head(stream: IO[bytes]) -> bytes:
    """The first bytes of the file: everything before the first record."""
    head = b""
    while len(head) < _LONGEST_PROLOG and (block := stream.read(_LONGEST_PROLOG - len(head))):
        head += block
    return head


def _root_end(document: _Document, buffer: bytes, line: int) -> int:
    """The position of the end tag of the root; only comments may follow it."""
    shown = document.root_end.decode(errors="backslashreplace")
    ends = list(document.root_end_tag.finditer(_blanked(buffer)))
    if not ends:
        raise FileError(
            f"line {line + buffer.count(_LINE_END)}: the file ends before {shown}: it is cut off;"
            " deliver the file again"
        )
    end = ends[-1]
    if _blanked(buffer[end.end() :]).strip():
        at = line + buffer.count(_LINE_END, 0, end.end())
        raise FileError(f"line {at}: text after {shown}; deliver the file again")
    return end.start()


def _document(head: bytes, feed: Feed) -> tuple[_Document, int]:
    """Read the root tag; also returns the position after it."""
    encoding = _ENCODING.search(head)
    if encoding and encoding[1].lower() not in (b"utf-8", b"ascii", b"us-ascii"):
        raise FileError(f"line 1: encoding {encoding[1].decode()}: save the file as UTF-8")
    root = _ROOT_TAG.search(_blanked(head))
    if root is None:
        raise FileError("line 1: no root element: this is not an XML file, or it is cut off")
    if root[0].endswith(b"/>"):
        raise FileError("the root element holds no record; deliver the file again")
    root_end = b"</" + root[1] + b">"
    try:
        namespaces = etree.fromstring(root[0] + root_end).nsmap
    except etree.XMLSyntaxError as error:
        line = 1 + head.count(_LINE_END, 0, root.start())
        raise FileError(f"line {line}: broken root element: {error.msg}") from error
    prefixes = [prefix for prefix, uri in namespaces.items() if uri == feed.namespace]
    if feed.namespace and not prefixes:
        line = 1 + head.count(_LINE_END, 0, root.start())
        raise FileError(
            f"line {line}: the root element does not declare the namespace {feed.namespace}:"
            " this is another kind of file"
        )
    name = f"{prefixes[0]}:{feed.record}" if prefixes and prefixes[0] else str(feed.record)
    tag = re.escape(name.encode())
    document = _Document(
        tag=re.compile(
            # All alternatives share their first character: so `re` skips all other bytes at once.
            rb"<(?:%b(?=[\s/>])|/%b\s*>|(!--.*?-->|!\[CDATA\[.*?\]\]>))" % (tag, tag),
            re.DOTALL,
        ),
        record_tag=f"{{{feed.namespace}}}{feed.record}" if feed.namespace else str(feed.record),
        root_start=root[0],
        root_end=root_end,
        root_end_tag=re.compile(rb"</" + re.escape(root[1]) + rb"\s*>"),
    )
    return document, root.end()


def _blanked(text: bytes) -> bytes:
    """The text without its comments and processing instructions, which may hold tags; of the same length."""
    if b"<!--" not in text and b"<?" not in text:
        return text
    return _NO_DATA.sub(lambda match: b" " * len(match[0]), text)


def _cut(buffer: bytes, borders: list[int], line: int) -> list[_Record]:
    """One record from each border to the next; text between two records is a (broken) record, too."""
    records = []
    position = 0
    for start, end in zip([0, *borders], [*borders, len(buffer)], strict=True):
        raw = buffer[start:end].strip()
        if _blanked(raw).strip():
            first = buffer.index(raw, start)
            line += buffer.count(_LINE_END, position, first)
            position = first
            records.append(_Record(line, raw))
    return records


@dataclass(eq=False)
class _Node:
    """What the contract knows of one element: columns of its attributes and leaves, and children.

    Leaves and children are listed twice: without a namespace and in that of the feed.
    """

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
    _add_namespace(root, feed.namespace)
    return root


def _add_namespace(node: _Node, namespace: str | None) -> None:
    for child in node.children.values():
        _add_namespace(child, namespace)
    if namespace:
        node.leaves |= {f"{{{namespace}}}{name}": leaf for name, leaf in node.leaves.items()}
        node.children |= {f"{{{namespace}}}{name}": child for name, child in node.children.items()}


# A record, and the text of its columns or what is wrong with it.
_Entry = tuple[_Record, dict[str, str] | str]


def _entries(document: _Document, records: list[_Record], tree: _Node) -> list[_Entry]:
    """The rows of some records, in their order."""
    try:
        elements = _elements(document, records)
    except _RecordError:
        # One of them is broken: parse each by itself, so that only that one is set aside.
        elements = [None] * len(records)
    entries: list[_Entry] = []
    for record, element in zip(records, elements, strict=True):
        try:
            whole = _elements(document, [record])[0] if element is None else element
            entries += [(record, row) for row in _row_texts(whole, tree)]
        except _RecordError as error:
            entries.append((record, str(error)))
    return entries


def _elements(document: _Document, records: list[_Record]) -> list[etree._Element | None]:
    """The elements of some records, parsed together."""
    text = b"".join(record.raw for record in records)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(document.root_start + text + document.root_end, parser)
    except etree.XMLSyntaxError as error:
        raise _RecordError(f"not well-formed XML: {error.msg}") from error
    if any(element.tag != document.record_tag or (element.tail or "").strip() for element in root):
        raise _RecordError(f"text or elements beside the {document.record_tag} element")
    if (root.text or "").strip() or len(root) != len(records):
        raise _RecordError(f"no {document.record_tag} element")
    return list(root)


def _row_texts(record: etree._Element, tree: _Node) -> list[dict[str, str]]:
    """The columns that the record supplies, as text: one map for each repeated element, or one."""
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
    for name, value in element.items():
        if name not in node.attributes:
            raise _RecordError(f"attribute {path}@{name} is not in the contract")
        into[node.attributes[name]] = value
    if (text := element.text) and text.strip():
        raise _RecordError(f"text in element {path.rstrip('/') or element.tag}")
    seen = set()
    leaves = node.leaves
    for child in element:
        name = child.tag
        if (tail := child.tail) and tail.strip():
            raise _RecordError(f"text after element {path}{name}")
        if name in leaves:
            column = leaves[name]
            if len(child) or child.keys():
                raise _RecordError(f"element {path}{name} holds more than text")
            if column in into:
                raise _RecordError(f"element {path}{name} occurs twice")
            into[column] = child.text or ""
        elif name in node.children:
            below = node.children[name]
            if below in seen and not below.is_repeated:
                raise _RecordError(f"element {path}{name} occurs twice")
            seen.add(below)
            row: dict[str, str] = {}
            _collect(child, below, f"{path}{name}/", row if below.is_repeated else into, repeated)
            if below.is_repeated:
                repeated.append(row)
        else:
            raise _RecordError(f"element {path}{name} is not in the contract")


def _typed(entries: list[_Entry], layout: tuple[Column, ...], places: dict[_Record, int]) -> Rows:
    """Cast the texts; an empty one is NULL, and its column is in `supplied_fields`.

    Rows of one record share its place in the file.
    """
    good = [index for index, (_, row) in enumerate(entries) if isinstance(row, dict)]
    texts = [row for _, row in entries if isinstance(row, dict)]
    typed, reasons = cast_rows(_columns(texts, layout), layout)
    typed[SUPPLIED_FIELDS.name] = pa.array([list(row) for row in texts], SUPPLIED_FIELDS.type)
    keep = pa.array([row not in reasons for row in range(len(texts))], pa.bool_())
    problems = {index: row for index, (_, row) in enumerate(entries) if isinstance(row, str)}
    problems |= {good[row]: reason for row, reason in reasons.items()}
    return Rows(
        {name: column.filter(keep) for name, column in typed.items()},
        pa.array([places[entries[index][0]] for index in good], pa.int64()).filter(keep),
        [
            Violation(entries[index][0].line, problems[index], entries[index][0].raw)
            for index in sorted(problems)
        ],
    )


def _columns(texts: list[dict[str, str]], layout: tuple[Column, ...]) -> dict[str, pa.Array]:
    """One text array for each column; an empty text is NULL. Most rows have few of the columns."""
    values: dict[str, list[str | None]] = {column.name: [None] * len(texts) for column in layout}
    for index, row in enumerate(texts):
        for name, value in row.items():
            values[name][index] = value or None
    return {name: pa.array(column, pa.string()) for name, column in values.items()}
