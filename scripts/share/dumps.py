"""Writes rows as files: Parquet, CSV (RFC 4180) and JSON lines; the same rows give the same bytes.

Usage:
    with workbench(folder) as connection:
        files = write_parquet(connection, rows, columns, key, folder, "tables/trades")
        write_text(connection, files, columns, Format.CSV, folder, "tables/trades")

Parquet comes first; the other formats are written from it. Rows are sorted by their key, and files have no time and no name inside.
"""

import gzip
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
import pyarrow as pa

from scripts.load.filesystems import sha256_of
from scripts.share.policies import Format
from scripts.share.selection import SharedColumn

ROWS_OF_A_FILE = 2_000_000
ROWS_OF_A_GROUP = 122_880
# zlib: twice as fast as its default, and a tenth larger.
_COMPRESSION_LEVEL = 4
_ROWS_OF_A_BATCH = 50_000
_SUFFIXES = {Format.CSV: "csv.gz", Format.JSON_LINES: "jsonl.gz"}
_LINE_ENDS = {Format.CSV: "\r\n", Format.JSON_LINES: "\n"}
# The lowest level of zstd is the fastest, and files are no larger.
_COPIED = (
    f"(format parquet, compression zstd, compression_level 1, row_group_size {ROWS_OF_A_GROUP})"
)


@dataclass(frozen=True)
class File:
    """A file of a version.

    Attributes:
        path: from the folder of the version.
        bytes: its size.
        sha256: its checksum.
        rows: that it has.
    """

    path: str
    bytes: int
    sha256: str
    rows: int


@contextmanager
def workbench(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine that sorts, compares and writes; what does not fit into memory goes to a folder beside the versions, which is removed.

    Args:
        folder: of the version that is written.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}-") as beside:
        settings = {"temp_directory": beside}
        if limit := os.environ.get("DUCKDB_MEMORY_LIMIT"):
            settings["memory_limit"] = limit
        with duckdb.connect(config=settings) as connection:  # type: ignore[arg-type]
            yield connection


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    rows: pa.RecordBatchReader,
    columns: Sequence[SharedColumn],
    key: Sequence[str],
    folder: Path,
    stem: str,
) -> list[File]:
    """Write rows in the order of their key, in files of at most `ROWS_OF_A_FILE` rows.

    Args:
        connection: of the workbench.
        rows: in any order.
        columns: with the types that they have in the file.
        key: columns that rows are sorted by.
        folder: of the version.
        stem: of the files, from the folder.
    """
    connection.register("shared_rows", rows)
    typed = ", ".join(
        f'cast("{each.name}" as {each.data_type}) as "{each.name}"' for each in columns
    )
    order = ", ".join(f'"{name}"' for name in key)
    first = _part(stem, 0)
    (folder / first).parent.mkdir(parents=True, exist_ok=True)
    # Sorted before they are text, which is longer.
    ordered = f"(select * from shared_rows order by {order})"
    count = copy_to(connection, f"select {typed} from {ordered}", folder / first)
    connection.unregister("shared_rows")
    if count <= ROWS_OF_A_FILE:
        return [_file(folder, first, count)]
    whole = (folder / first).rename((folder / first).with_name("whole.parquet"))
    files = []
    for number, start in enumerate(range(0, count, ROWS_OF_A_FILE)):
        part = _part(stem, number)
        chosen = f"file_row_number >= {start} and file_row_number < {start + ROWS_OF_A_FILE}"
        statement = (
            f"select * exclude (file_row_number) from read_parquet({read_path(whole)},"
            f" file_row_number = true) where {chosen} order by file_row_number"
        )
        files.append(_file(folder, part, copy_to(connection, statement, folder / part)))
    whole.unlink()
    return files


def write_text(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[File],
    columns: dict[str, str],
    kind: Format,
    folder: Path,
    stem: str,
) -> File:
    """Write the rows of Parquet files as text, compressed.

    Args:
        connection: of the workbench.
        files: of Parquet.
        columns: their names, with the types of SQL.
        kind: CSV or JSON lines.
        folder: of the version.
        stem: of the file, from the folder.
    """
    path = f"{stem}.{_SUFFIXES[kind]}"
    relation = parquet_relation(folder, files)
    end = _LINE_ENDS[kind]
    header = ",".join(_quoted_name(name) for name in columns) if kind is Format.CSV else None
    with (folder / path).open("wb") as file, _compressed(file) as stream:
        if header is not None:
            stream.write(f"{header}{end}".encode())
        for text in text_of(connection, relation, columns, kind):
            stream.write(text)
    return _file(folder, path, sum(each.rows for each in files))


def text_of(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str], kind: Format
) -> Iterator[bytes]:
    """Rows as lines of text, many at once.

    Args:
        connection: that reads them.
        relation: the rows, as in a FROM clause.
        columns: their names, with the types of SQL.
        kind: CSV or JSON lines.
    """
    lines = (_csv_line if kind is Format.CSV else _json_line)(columns)
    end = _LINE_ENDS[kind]
    reader = connection.sql(f"select {lines} as line from {relation}").to_arrow_reader(
        _ROWS_OF_A_BATCH
    )
    for batch in reader:
        yield "".join(f"{line}{end}" for line in batch.column(0).to_pylist()).encode()


def value_texts(columns: dict[str, str]) -> dict[str, str]:
    """The text of each value as SQL, by the name of its column; the same as in CSV, without its quotes.

    Args:
        columns: their names, with the types of SQL.
    """
    return {name: _text(name, data_type) for name, data_type in columns.items()}


def copy_to(connection: duckdb.DuckDBPyConnection, statement: str, file: Path) -> int:
    """Write the rows of a query as a file of Parquet; returns their number."""
    target = str(file).replace("'", "''")
    ((count,),) = connection.execute(f"copy ({statement}) to '{target}' {_COPIED}").fetchall()
    return int(count)


def parquet_relation(folder: Path, files: Iterable[File]) -> str:
    """The rows of Parquet files, as in a FROM clause, in their order."""
    names = ", ".join(read_path(folder / file.path) for file in files)
    return f"read_parquet([{names}], hive_partitioning = false)"


def read_path(path: Path) -> str:
    """A path in SQL, to read from; special characters are no pattern."""
    text = str(path).replace("'", "''")
    for special in "[*?":
        text = text.replace(special, f"[{special}]")
    return f"'{text}'"


def _file(folder: Path, path: str, rows: int) -> File:
    return File(path, (folder / path).stat().st_size, sha256_of(str(folder / path)), rows)


def _part(stem: str, number: int) -> str:
    return f"{stem}/part-{number:05}.parquet"


def _compressed(file: IO[bytes]) -> gzip.GzipFile:
    """A stream whose bytes do not tell when it was written, or under which name."""
    return gzip.GzipFile("", "wb", _COMPRESSION_LEVEL, file, mtime=0)


def _csv_line(columns: dict[str, str]) -> str:
    """A line of CSV, as SQL. NULL is nothing, and empty text is two quotes."""
    return " || ',' || ".join(map(_csv_value, value_texts(columns).values()))


def _csv_value(text: str) -> str:
    return (
        f"case when {text} is null then '' when {text} = '' or regexp_matches({text}, '[\",\\r\\n]')"
        f" then '\"' || replace({text}, '\"', '\"\"') || '\"' else {text} end"
    )


def _json_line(columns: dict[str, str]) -> str:
    """An object of JSON, as SQL."""
    fields = (
        f'"{name}" := {_iso(name) if data_type.startswith("timestamp") else _name(name)}'
        for name, data_type in columns.items()
    )
    return f"cast(to_json(struct_pack({', '.join(fields)})) as varchar)"


def _text(name: str, data_type: str) -> str:
    if data_type.endswith("[]"):
        return f"cast(to_json({_name(name)}) as varchar)"
    return _iso(name) if data_type.startswith("timestamp") else f"cast({_name(name)} as varchar)"


def _iso(name: str) -> str:
    """A time as ISO 8601 writes it."""
    return f"replace(cast({_name(name)} as varchar), ' ', 'T')"


def _name(name: str) -> str:
    return f'"{name}"'


def _quoted_name(name: str) -> str:
    return f'"{name}"' if "," in name else name
