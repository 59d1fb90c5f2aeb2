"""Feed contracts: the source declarations of the dbt project, read as plain YAML.

Every feed is declared once, in `models/staging/<system>/_<system>__sources.yml`; docs/feeds.md
describes the keys.

Usage:
    contracts = read_contracts(Path("models/staging"))
    for feed in contracts.feeds:
        print(feed.system, feed.name, [column.name for column in feed.layout(batch=2)])
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from scripts.load.origins import System, origin_problems, read_system
from scripts.warehouse.settings import DEFAULTS
from scripts.warehouse.settings import LOADED_SCHEMA as SCHEMA

FORMATS = ("delimited", "fixed_width", "json_lines", "parquet", "xml")
# Their values are found by paths; those of one column are never those of another.
_FORMATS_OF_PATHS = ("json_lines", "parquet")
BATCHES = ("historical", "incremental", "all")
# What the `format` of a column may hold: each of these once, in any order.
_DIRECTIVES = {"date": "Ymd", "timestamp": "YmdHMS"}

# The parser in C is ten times as fast, if PyYAML was built with it.
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Columns that the loader adds after the declared ones.
LOAD_COLUMNS = (
    pa.field("batch_id", pa.int32()),
    pa.field("source_file", pa.string()),
    pa.field("source_row", pa.int64()),
    pa.field("loaded_at", pa.timestamp("us")),
)
SUPPLIED_FIELDS = pa.field("supplied_fields", pa.list_(pa.string()))

# Increase it when the loader writes the same file differently: everything is then loaded again.
LOADER_VERSION = 3


class ContractError(Exception):
    """A source declaration that cannot be used; names file, table and column, and what to do."""


@dataclass(frozen=True)
class Column:
    """One declared column of a feed.

    `positions` maps a record type (or "" for every type) to the first and last position, counted
    from 1; `short_width` is a second width that a last column may have.
    """

    name: str
    data_type: str
    type: pa.DataType
    max_length: int | None = None
    batches: str = "all"
    required: bool = False
    minimum: int | None = None
    format: str | None = None
    path: str | None = None
    positions: dict[str, tuple[int, int]] = field(default_factory=dict)
    short_width: int | None = None

    @property
    def place(self) -> str:
        """Where its value is in a record of JSON, or in a row of Parquet."""
        return self.path or self.name

    def position(self, record_type: str) -> tuple[int, int] | None:
        """First and last position in a line of this record type; None if it has no such column."""
        return self.positions.get(record_type, self.positions.get(""))


@dataclass
class PathNode:
    """What a contract knows below one part of a path: a column, or further parts."""

    column: Column | None = None
    children: dict[str, "PathNode"] = field(default_factory=dict)


def path_tree(columns: tuple[Column, ...]) -> PathNode:
    """The columns by the parts of their paths, from the outside in."""
    root = PathNode()
    for column in columns:
        node = root
        for name in column.place.split("/"):
            node = node.children.setdefault(name, PathNode())
        node.column = column
    return root


@dataclass(frozen=True)
class Feed:
    """One table of one source system and how its files are read."""

    system: str
    name: str
    files: tuple[str, ...]
    format: str
    columns: tuple[Column, ...]
    batches: str = "all"
    required: bool = True
    may_be_empty: bool = False
    may_repeat: bool = False
    minimum_landed_share: float = 0.5
    change_number: str | None = None
    ascending: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    header_lines: int = 0
    record_type: tuple[int, int] | None = None
    record: str | None = None
    namespace: str | None = None
    repeat: str | None = None
    # Where its rows come from decides nothing about what lands, so it is no part of the fingerprint.
    origin: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """The name people use: `system.feed`."""
        return f"{self.system}.{self.name}"

    @property
    def identifier(self) -> str:
        """The name of its table on Postgres."""
        return f"{self.system}__{self.name}"

    def comes_in(self, batch: int) -> bool:
        """Whether files of this feed are delivered with the batch."""
        return _in_batch(self.batches, batch)

    def layout(self, batch: int) -> tuple[Column, ...]:
        """The columns in the files of the batch, in file order."""
        return tuple(column for column in self.columns if _in_batch(column.batches, batch))

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the feed in the lake: declared columns, then those the loader adds."""
        declared = [pa.field(column.name, column.type) for column in self.columns]
        supplied = [SUPPLIED_FIELDS] if self.format == "xml" else []
        return pa.schema([*declared, *supplied, *LOAD_COLUMNS])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything that decides what lands; files that landed under another one are loaded again."""
        text = json.dumps([LOADER_VERSION, self.format, repr(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Contracts:
    """The feeds of one folder.

    Attributes:
        feeds: all of them.
        ignored_files: names of files in the folder that are known not to be data.
        folder: the variable that names the folder.
        logs: the system in whose folder of the lake its load log and quarantine are.
        apart: the same for each source whose files come from a folder of its own. Their batches are not those of this one.
        systems: the living systems that feeds are read from, by the name of their source.
    """

    feeds: tuple[Feed, ...]
    ignored_files: tuple[str, ...] = ()
    folder: str = "SOURCES"
    logs: str = "control"
    apart: tuple["Contracts", ...] = ()
    systems: dict[str, System] = field(default_factory=dict)


def read_contracts(folder: Path) -> Contracts:
    """Read every `_*__sources.yml` below the folder.

    Raises:
        ContractError: a file is not YAML, or a declaration is incomplete, contradicts itself, or
            occurs twice.
    """
    feeds: list[Feed] = []
    ignored: list[str] = []
    apart: list[Contracts] = []
    systems: dict[str, System] = {}
    paths = sorted(folder.glob("*/_*__sources.yml"))
    if not paths:
        raise ContractError(f"{folder}: no _<system>__sources.yml file below this folder")
    for path in paths:
        for source in _read_yaml(path).get("sources") or []:
            if "name" not in source:
                raise ContractError(f"{path}: a source has no name; see docs/feeds.md")
            system = _read_system(path, source)
            if system:
                systems[system.name] = system
            found = [
                _read_feed(path, source, table, system)
                for table in source.get("tables") or []
                if "feed" in _meta(table)
            ]
            ignored_here = _meta(source).get("ignored_files", [])
            place = _meta(source).get("folder")
            if place is None:
                feeds += found
                ignored += ignored_here
            elif place not in DEFAULTS:
                raise ContractError(
                    f"{path}: folder {place!r} is not one of {', '.join(DEFAULTS)}; see docs/feeds.md"
                )
            else:
                apart.append(Contracts(tuple(found), tuple(ignored_here), place, source["name"]))
    everywhere = [*feeds, *(feed for contracts in apart for feed in contracts.feeds)]
    for label in _twice(feed.label for feed in everywhere):
        raise ContractError(f"{folder}: feed {label} is declared twice; remove one declaration")
    for place in _twice(contracts.folder for contracts in apart):
        raise ContractError(f"{folder}: folder {place} is that of two sources; give each its own")
    return Contracts(tuple(feeds), tuple(ignored), apart=tuple(apart), systems=systems)


def arrow_type(data_type: str) -> tuple[pa.DataType, int | None]:
    """The Arrow type of a declared `data_type`, and the greatest length if it is text.

    Raises:
        ValueError: the type is not one of those that docs/feeds.md lists.
    """
    simple = {
        "smallint": pa.int16(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "time": pa.time64("us"),
        "timestamp": pa.timestamp("us"),
    }
    if data_type in simple:
        return simple[data_type], None
    if match := re.fullmatch(r"varchar\((\d+)\)", data_type):
        return pa.string(), int(match[1])
    if match := re.fullmatch(r"decimal\((\d+), ?(\d+)\)", data_type):
        return pa.decimal128(int(match[1]), int(match[2])), None
    raise ValueError(f"unknown data_type {data_type!r}")


def _in_batch(batches: str, batch: int) -> bool:
    return batches == "all" or (batches == "historical") == (batch == 1)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_bytes(), YAML_LOADER) or {}
    except yaml.YAMLError as error:
        raise ContractError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ContractError(f"{path}: no `sources:` at the top; see docs/feeds.md")
    return content


def _twice(names: Iterable[str]) -> list[str]:
    """The names that occur more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return (node.get("config") or {}).get("meta") or {}


def _read_system(path: Path, source: dict[str, Any]) -> System | None:
    """The living system that a source is, if it says so."""
    declared = _meta(source).get("system")
    if declared is None:
        return None
    try:
        return read_system(source["name"], declared)
    except ValueError as error:
        raise ContractError(
            f"{path}: source {source['name']!r}: {error}; see docs/extract.md"
        ) from error


def _read_feed(
    path: Path, source: dict[str, Any], table: dict[str, Any], system: System | None
) -> Feed:
    where = f"{path}: table {table.get('name')!r}"
    place = (source.get("schema"), table.get("identifier"))
    wanted = (SCHEMA, f"{source['name']}__{table.get('name')}")
    if place != wanted:
        raise ContractError(
            f"{where}: schema and identifier are {place[0]} and {place[1]}; dbt looks for its rows there,"
            f" the loader puts them into {wanted[0]} and {wanted[1]}"
        )
    if not isinstance(_meta(table)["feed"], dict):
        raise ContractError(f"{where}: config.meta.feed is not a map of options; see docs/feeds.md")
    options = dict(_meta(table)["feed"])
    columns = tuple(
        _read_column(where, column)
        for column in table.get("columns") or []
        if not _meta(column).get("added_by_loader")
    )
    files = options.pop("files", [])
    record_type = options.pop("record_type", None)
    try:
        feed = Feed(
            system=source["name"],
            name=table["name"],
            files=tuple([files] if isinstance(files, str) else files),
            columns=columns,
            record_type=tuple(record_type["positions"]) if record_type else None,
            **options,
        )
    except (TypeError, KeyError) as error:
        raise ContractError(f"{where}: config.meta.feed: {error}; see docs/feeds.md") from error
    for problem in _problems(feed):
        raise ContractError(f"{where}: {problem}; see docs/feeds.md")
    for problem in origin_problems(system, feed.origin, feed.files, feed.format):
        raise ContractError(f"{where}: {problem}; see docs/extract.md")
    return feed


def _read_column(where: str, column: dict[str, Any]) -> Column:
    name = column.get("name")
    options = dict(_meta(column))
    positions = options.pop("positions", {})
    if not isinstance(positions, dict):
        positions = {"": positions}
    try:
        data_type = column["data_type"]
        type_, max_length = arrow_type(data_type)
        return Column(
            name=column["name"],
            data_type=data_type,
            type=type_,
            max_length=max_length,
            positions={key: (int(first), int(last)) for key, (first, last) in positions.items()},
            **options,
        )
    except (TypeError, KeyError, ValueError) as error:
        raise ContractError(f"{where}: column {name!r}: {error}; see docs/feeds.md") from error


def _problems(feed: Feed) -> Iterator[str]:
    """What makes a declaration unusable; nothing if it is fine."""
    if not feed.files:
        yield "config.meta.feed.files is missing"
    if feed.format not in FORMATS:
        yield f"format {feed.format!r} is not one of {', '.join(FORMATS)}"
    if feed.format == "delimited" and not _is_one_ascii_character(feed.delimiter):
        yield "a delimited feed needs a delimiter of one ASCII character"
    if feed.quote is not None and not _is_one_ascii_character(feed.quote):
        yield "quote must be one ASCII character"
    if feed.format == "xml" and not feed.record:
        yield "an xml feed needs the name of its record element"
    if feed.repeat and not any(f"{feed.repeat}/" in (column.path or "") for column in feed.columns):
        yield f"repeat {feed.repeat!r} is not the beginning of any column's path"
    if not feed.columns:
        yield "it has no columns"
    if feed.batches not in BATCHES:
        yield f"batches {feed.batches!r} is not one of {', '.join(BATCHES)}"
    if not 0 <= feed.minimum_landed_share <= 1:
        yield f"minimum_landed_share {feed.minimum_landed_share} is not between 0 and 1"
    types = {column.name: column.type for column in feed.columns}
    if feed.change_number and not pa.types.is_integer(types.get(feed.change_number, pa.null())):
        yield f"change_number {feed.change_number!r} is not a column of whole numbers"
    if feed.change_number and feed.format == "xml":
        yield "an xml feed cannot have a change_number"
    if feed.ascending and feed.ascending not in types:
        yield f"ascending {feed.ascending!r} is not a column"
    if feed.format in _FORMATS_OF_PATHS:
        yield from _place_problems([column.place for column in feed.columns])
    for name in _twice(feed.schema.names):
        yield f"column {name!r} occurs twice, or is one of those that the loader adds"
    for column in feed.columns:
        for problem in _column_problems(feed, column):
            yield f"column {column.name!r}: {problem}"


def _place_problems(places: list[str]) -> Iterator[str]:
    for place in _twice(places):
        yield f"path {place!r} is that of two columns"
    for place in places:
        if not all(place.split("/")):
            yield f"path {place!r} has an empty part"
        if any(other.startswith(f"{place}/") for other in places):
            yield f"path {place!r} is that of a value and of an object with other values"


def _column_problems(feed: Feed, column: Column) -> Iterator[str]:
    if column.batches not in BATCHES:
        yield f"batches {column.batches!r} is not one of {', '.join(BATCHES)}"
    if feed.format == "xml" and not column.path:
        yield "it needs a path"
    if feed.format == "fixed_width" and not column.positions:
        yield "it needs positions"
    for first, last in column.positions.values():
        if not 1 <= first <= last:
            yield f"positions [{first}, {last}] are not a first and a last one, counted from 1"
    if column.minimum is not None and not pa.types.is_integer(column.type):
        yield f"a {column.data_type} has no minimum"
    if column.format is not None:
        directives = _DIRECTIVES.get(column.data_type)
        if directives is None:
            yield f"a {column.data_type} has no format"
        elif sorted(re.findall("%(.)", column.format)) != sorted(directives):
            wanted = " ".join(f"%{directive}" for directive in directives)
            yield f"format {column.format!r} must hold each of {wanted} once, and no other"


def _is_one_ascii_character(text: str | None) -> bool:
    return text is not None and len(text) == 1 and text.isascii()
