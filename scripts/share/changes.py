"""What has changed since the version before: rows that were added, modified and deleted, by their key.

Usage:
    file, changes = write_changes(connection, before, after, columns, key, folder, "changes/trades")

The file has the columns of the table and, first, `_change_type`, with the words of Delta Lake: so it is also the change data feed of Delta Sharing. Of a deleted row, there is
only the key. If nothing has changed, the file has no rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.load.filesystems import sha256_of
from scripts.share.dumps import File, copy_to, parquet_relation

CHANGE = "_change_type"
ADDED, MODIFIED, DELETED = KINDS = ("insert", "update_postimage", "delete")


@dataclass(frozen=True)
class Changes:
    """How many rows have changed."""

    added: int
    modified: int
    deleted: int


def write_changes(
    connection: duckdb.DuckDBPyConnection,
    before: str,
    after: str,
    columns: Sequence[str],
    key: Sequence[str],
    folder: Path,
    stem: str,
) -> tuple[File, Changes]:
    """Write what has changed between two states of a table as a file of Parquet.

    Args:
        connection: of the workbench.
        before: the rows of the version before, as in a FROM clause.
        after: the rows now, with the same columns of the same types.
        columns: their names.
        key: the names of those that name a row; none of them is NULL.
        folder: of the version.
        stem: of the file, from the folder.
    """
    path = f"{stem}.parquet"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    rows = copy_to(connection, _changed(before, after, columns, key), folder / path)
    file = File(path, (folder / path).stat().st_size, sha256_of(str(folder / path)), rows)
    written = parquet_relation(folder, [file])
    counted = connection.execute(f"select {CHANGE}, count(*) from {written} group by 1").fetchall()
    counts = {str(kind): int(count) for kind, count in counted}
    return file, Changes(*(counts.get(kind, 0) for kind in KINDS))


def _changed(before: str, after: str, columns: Sequence[str], key: Sequence[str]) -> str:
    first = f'"{key[0]}"'
    others = [name for name in columns if name not in key]
    same_key = " and ".join(f'old."{name}" = new."{name}"' for name in key)
    differs = [f'old."{name}" is distinct from new."{name}"' for name in others]
    is_changed = " or ".join([f"old.{first} is null", f"new.{first} is null", *differs])
    kind = (
        f"case when old.{first} is null then '{ADDED}' when new.{first} is null then '{DELETED}'"
        f" else '{MODIFIED}' end"
    )
    selected = ", ".join(
        f'coalesce(new."{name}", old."{name}") as "{name}"' if name in key else f'new."{name}"'
        for name in columns
    )
    order = ", ".join(f'"{name}"' for name in key)
    return (
        f"select {kind} as {CHANGE}, {selected} from {after} as new full join {before} as old"
        f" on {same_key} where {is_changed} order by {order}"
    )
