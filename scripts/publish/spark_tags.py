"""Publishes on Spark: every table that somebody reads gets a tag with the name of the version, which stays what it is while builds go on.

Usage:
    contents, readers = tag_tables(warehouse, published_tables(project.manifest), "batch-0003-20261130T101530Z")

Readers find the name of the version in `current/manifest.json`, and read `select ... from marts.dim_trade version as of 'batch-0003-20261130T101530Z'`. Who
may read a table, and which of its columns, is decided by the catalog: nothing is masked here.
"""

from collections.abc import Iterable

from scripts.publish.manifest import ReadTables, TableContent
from scripts.publish.tables import PublishedTable, Reader
from scripts.warehouse.spark_warehouse import SparkWarehouse


def tag_tables(
    warehouse: SparkWarehouse, tables: list[PublishedTable], version: str
) -> tuple[dict[str, TableContent], dict[str, ReadTables]]:
    """Tag the current state of every table; returns what they hold, and what each reader reads. Views are left out: a tag does not hold what they read.

    Raises:
        SparkError: a table cannot be tagged.
    """
    tagged = [table for table in tables if not table.is_view]
    with warehouse.opened() as query:
        for table in tagged:
            query(f"alter table {table.name} create or replace tag `{version}`")
    at_version = {table.name: f"{table.name} version as of '{version}'" for table in tagged}
    # Never of personal values: who knows the fingerprint of a tax number can try all of them.
    shown = {
        table.name: at_version[table.name]
        for table in tagged
        if table.is_read_by(Reader.ANALYST) and not table.masks
    }
    contents = {name: TableContent(*found) for name, found in warehouse.fingerprints(shown).items()}
    with warehouse.opened() as query:
        for name in at_version.keys() - shown.keys():
            ((rows,),) = query(f"select count(*) from {at_version[name]}")
            contents[name] = TableContent(rows, None)
    return dict(sorted(contents.items())), {
        reader: ReadTables(
            None, None, None, [table.name for table in tagged if table.is_read_by(reader)]
        )
        for reader in Reader
    }


def remove_tags(warehouse: SparkWarehouse, tables: Iterable[str], versions: Iterable[str]) -> None:
    """Remove the tags of versions that are no longer kept from tables, named `schema.table`, so that their data can be expired."""
    with warehouse.opened() as query:
        for version in versions:
            for table in tables:
                query(f"alter table {table} drop tag if exists `{version}`")
