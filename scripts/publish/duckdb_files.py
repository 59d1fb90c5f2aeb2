"""Writes what readers open on DuckDB: a file for each of them, with the names of the warehouse, complete and without a log beside it.

Usage:
    contents = write_files(warehouse, published_tables(project.manifest), folder)
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.publish.manifest import ReadTables, TableContent
from scripts.publish.tables import PublishedTable, Reader, views_in_order
from scripts.warehouse.base import Query
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse

# The name of the file that is written, for the engine: another one than any file of a warehouse has.
_ATTACHED = "file to publish"


def write_files(
    warehouse: DuckDBWarehouse, tables: list[PublishedTable], folder: Path
) -> tuple[dict[str, TableContent], dict[str, ReadTables]]:
    """Write the files of all readers into a folder; returns what the tables hold, and what each reader reads.

    Most tables are the same for all, so they are written once, and the file is copied.

    Raises:
        duckdb.Error: the warehouse cannot be read, or the disk is full.
        OSError: the folder cannot be written.
    """
    files = {reader: folder / f"{reader}.duckdb" for reader in Reader}
    common = [table for table in tables if _is_common(table)]
    first, *others = files.values()
    with warehouse.opened() as query:
        with _written(query, first):
            _copy_tables(query, common, Reader.AUDITOR)
        for file in others:
            # Whoever may not read it never could, not even while it is written.
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT, mode=0o600))
            shutil.copyfile(first, file)
        for reader, file in files.items():
            own = [table for table in tables if table.is_read_by(reader)]
            with _written(query, file):
                _copy_tables(query, (table for table in own if not _is_common(table)), reader)
                _copy_views(query, views_in_order(own))
                _describe(query, own)
    for file in files.values():
        file.chmod(file.stat().st_mode & 0o444)
    contents = _contents(files, tables)
    return contents, {
        reader: _read_tables(file, [table.name for table in tables if table.is_read_by(reader)])
        for reader, file in files.items()
    }


def _is_common(table: PublishedTable) -> bool:
    """Whether it is the same table for every reader."""
    return not table.is_view and not table.masks and all(map(table.is_read_by, Reader))


@contextmanager
def _written(query: Query, file: Path) -> Iterator[None]:
    """Open a file beside the warehouse for writing; then it is complete, and closed."""
    path = str(file).replace("'", "''")
    query(f"attach '{path}' as \"{_ATTACHED}\" (read_write)")
    try:
        yield
        query(f'checkpoint "{_ATTACHED}"')
    finally:
        query(f'detach "{_ATTACHED}"')


def _copy_tables(query: Query, tables: Iterable[PublishedTable], reader: Reader) -> None:
    for table in tables:
        if table.is_view:
            continue
        relation = _relation(table)
        columns = [name for name, *_ in query(f"describe {relation}")]
        query(f'create schema if not exists "{_ATTACHED}"."{table.schema}"')
        query(
            f'create table "{_ATTACHED}".{relation} as'
            f" select {table.selected(columns, table.is_masked_for(reader))} from {relation}"
        )


def _copy_views(query: Query, views: Iterable[PublishedTable]) -> None:
    """The definition of a view names tables by their schema alone, which is that of the file in which it is created."""
    ((warehouse,),) = query("select current_database()")
    for view in views:
        ((definition,),) = query(
            "select sql from duckdb_views() where database_name = current_database()"
            f" and schema_name = '{view.schema}' and view_name = '{view.alias}'"
        )
        query(f'use "{_ATTACHED}"')
        try:
            query(f'create schema if not exists "{view.schema}"')
            query(definition)
        finally:
            query(f'use "{warehouse}"')


def _describe(query: Query, tables: Iterable[PublishedTable]) -> None:
    """Write the descriptions of tables and columns to where tools look for them."""
    found = query(
        "select schema_name, table_name, column_name from duckdb_columns()"
        f" where database_name = '{_ATTACHED}'"
    )
    columns: dict[str, list[str]] = {}
    for schema, table_name, column in found:
        columns.setdefault(f"{schema}.{table_name}", []).append(column)
    statements = [
        statement
        for table in tables
        for statement in table.comments(f'"{_ATTACHED}".{_relation(table)}', columns[table.name])
    ]
    query("; ".join(("begin", *statements, "commit")))


def _contents(files: dict[Reader, Path], tables: list[PublishedTable]) -> dict[str, TableContent]:
    """What each table holds; the fingerprint is that of the rows that analysts read."""
    copied = [table for table in tables if not table.is_view]
    of_analysts = {
        table.name: _relation(table) for table in copied if table.is_read_by(Reader.ANALYST)
    }
    others = [table for table in copied if table.name not in of_analysts]
    found = DuckDBWarehouse(files[Reader.ANALYST]).fingerprints(of_analysts)
    contents = {name: TableContent(*fingerprint) for name, fingerprint in found.items()}
    with DuckDBWarehouse(files[Reader.AUDITOR]).opened() as query:
        for table in others:
            ((rows,),) = query(f"select count(*) from {_relation(table)}")
            contents[table.name] = TableContent(rows, None)
    return dict(sorted(contents.items()))


def _relation(table: PublishedTable) -> str:
    return f'"{table.schema}"."{table.alias}"'


def _read_tables(file: Path, tables: list[str]) -> ReadTables:
    with file.open("rb") as opened:
        checksum = hashlib.file_digest(opened, "sha256").hexdigest()
    return ReadTables(file.name, file.stat().st_size, checksum, tables)
