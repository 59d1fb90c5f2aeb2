"""Everything that keeps values of persons: where it is, and whether it still has one.

Usage:
    for place in places_with_values(Stores(...), search):
        print(place)

Parquet and DuckDB files are searched twice: what is in their columns, and their bytes, which may have what was deleted.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.govern.erasure.journal import JOURNAL
from scripts.govern.erasure.search import Search
from scripts.load.lake import Lake
from scripts.share.versions import ShareVersions
from scripts.warehouse.base import ErasableWarehouse, Query, Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse

# A file that begins with so many bytes of text is text.
_LOOKED_AT_BYTES = 8 << 10
_GZIP = b"\x1f\x8b"
# Types of columns that have texts, as the engines call them.
_TEXT_TYPES = ("char", "text", "json")
# What Postgres remembers of the values of columns, to plan queries.
_STATISTICS = (
    "(select most_common_vals::text, histogram_bounds::text, most_common_elems::text from pg_stats)"
)


@dataclass(frozen=True)
class Stores:
    """Where values of persons may be.

    Attributes:
        lake: the lake.
        warehouse: the warehouse.
        published: the folder of published versions.
        shares: the folder of all shares.
        texts: folders of files that tell what ran: run history, logs, artifacts of dbt, Dagster's records.
        erasures: the folder of certificates and of the list of erased persons.
    """

    lake: Lake
    warehouse: ErasableWarehouse
    published: Path
    shares: Path
    texts: tuple[Path, ...]
    erasures: Path


def places_with_values(stores: Stores, search: Search) -> Iterator[str]:
    """Every place that still has one of the values; never the value."""
    if not search.values:
        return
    yield from _in_lake(stores.lake, search)
    if isinstance(stores.warehouse, DuckDBWarehouse):
        yield from _in_duckdb(stores.warehouse, search)
    elif isinstance(stores.warehouse, PostgresWarehouse):
        yield from _in_postgres(stores.warehouse, search)
    for path in files_below(stores.published):
        if path.suffix == ".duckdb":
            yield from _in_duckdb(DuckDBWarehouse(path), search)
        elif search.is_in_file(path):
            yield str(path)
    yield from (str(path) for path in files_below(stores.shares) if has_values(path, search))
    for folder in (*stores.texts, stores.erasures):
        for path in files_below(folder):
            if path != stores.erasures / JOURNAL and search.is_in_file(path):
                yield str(path)


def cut_out_of_texts(folders: tuple[Path, ...], search: Search) -> list[str]:
    """Cut the values out of files that tell what ran; returns those that had one.

    Raises:
        OSError: a file cannot be written.
    """
    return [
        str(path)
        for folder in folders
        for path in files_below(folder)
        if _is_text(path) and search.cut_out_of_file(path)
    ]


def _is_text(path: Path) -> bool:
    """Whether values can be cut out of a file; others are only searched."""
    with path.open("rb") as file:
        beginning = file.read(_LOOKED_AT_BYTES)
    return b"\0" not in beginning and not beginning.startswith(_GZIP)


def remove_shares(folder: Path, search: Search) -> list[str]:
    """Remove the versions of shares that have one of the values; returns which.

    Raises:
        PublishError: a share is being built.
    """
    removed = []
    for share in sorted(folder.glob("*/*")):
        if not share.is_dir() or share.is_symlink():
            continue
        versions = ShareVersions(share)
        with versions.locked():
            versions.remove_unfinished()
            for name in versions.names():
                if any(has_values(path, search) for path in files_below(share / name)):
                    versions.remove(name)
                    removed.append(f"{share.parent.name}/{share.name}/{name}")
    return removed


def has_values(path: Path, search: Search) -> bool:
    """Whether a file has one of the values, in its columns or among its bytes.

    Raises:
        OSError: it is damaged.
    """
    try:
        return search.is_in_file(path) or (
            path.suffix == ".parquet" and _is_in_parquet(path, search)
        )
    except (EOFError, zlib.error, pa.ArrowInvalid) as error:
        raise OSError(
            f"{path}: is damaged ({error}), so it cannot be searched; remove the version that it belongs to"
        ) from error


def files_below(folder: Path) -> Iterator[Path]:
    """The files below a folder that need not be there; links are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _in_lake(lake: Lake, search: Search) -> Iterator[str]:
    for path in lake.files():
        with lake.open(path) as stream:
            is_found = search.is_in_stream(stream)
            stream.seek(0)
            if is_found or (path.endswith(".parquet") and _is_in_parquet(stream, search)):
                yield path


def _is_in_parquet(source: Any, search: Search) -> bool:
    with pq.ParquetFile(source) as file:
        names = [field.name for field in file.schema_arrow if _has_texts(field.type)]
        return any(
            search.found_in(_flat(column))
            for group in range(file.metadata.num_row_groups if names else 0)
            for column in file.read_row_group(group, names).columns
        )


def _has_texts(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(getattr(type_, "value_type", type_)))


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts of a column of texts, or of lists of texts."""
    if not pa.types.is_list(column.type):
        return column
    return pa.chunked_array([chunk.flatten() for chunk in column.chunks], column.type.value_type)


def _in_duckdb(warehouse: DuckDBWarehouse, search: Search) -> Iterator[str]:
    with warehouse.opened() as query:
        selected = dict(_selected_texts(warehouse, query, '"{0}"::varchar'))
    for name, select in selected.items():
        with warehouse.read(select) as batches:
            if any(search.found_in(column) for batch in batches for column in batch.columns):
                yield f"{warehouse.file}: {name}"
    for path in warehouse.files():
        if path.is_file() and search.is_in_file(path):
            yield str(path)


def _in_postgres(warehouse: PostgresWarehouse, search: Search) -> Iterator[str]:
    with warehouse.opened() as query:
        selected = dict(_selected_texts(warehouse, query, '"{0}"'))
    selected["pg_stats"] = _STATISTICS
    connection = warehouse.database.connect()
    try:
        for name, select in selected.items():
            reader = _Searching(search)
            with connection.cursor() as cursor:
                cursor.copy_expert(f"copy ({select}) to stdout", reader)
            if reader.ended():
                yield name
    finally:
        connection.close()


def _selected_texts(warehouse: Warehouse, query: Query, column: str) -> Iterator[tuple[str, str]]:
    """By table, a select of its columns that have texts, each written as `column` says."""
    for name, relation in warehouse.all_tables(query).items():
        types = warehouse.column_types(query, relation)
        texts = [
            each
            for each, kind in types.items()
            if any(word in kind.lower() for word in _TEXT_TYPES)
        ]
        if texts:
            yield name, f"select {', '.join(map(column.format, texts))} from {relation}"


class _Searching:
    """Takes what Postgres copies, and searches it."""

    _BYTES = 8 << 20

    def __init__(self, search: Search) -> None:
        self._search = search
        self._pending = bytearray()
        self._is_found = False

    def write(self, data: bytes) -> int:
        """Take a part of it, which ends where it may."""
        self._pending += data
        if len(self._pending) >= self._BYTES:
            self._look()
        return len(data)

    def ended(self) -> bool:
        """Whether one of the values was in it."""
        self._look()
        return self._is_found

    def _look(self) -> None:
        if not self._is_found and self._search.is_in_bytes(bytes(self._pending)):
            self._is_found = True
        # A value may have come in two parts.
        del self._pending[: -self._search.longest]
