"""A published version with the form of one, and no data, for tests of who looks at it from outside."""

from datetime import datetime
from pathlib import Path

from scripts.publish.manifest import Manifest, ReadTables
from scripts.publish.tables import Reader
from scripts.warehouse.settings import Target


def write_version(folder: Path, batch: int, published_at: datetime) -> None:
    """Write one file and the manifest of a version into its folder, which is there.

    Args:
        folder: has the name of the version.
        batch: the last one that it holds.
        published_at: in UTC, with its zone.
    """
    content = b"12345"
    file = f"{Reader.ANALYST}.duckdb"
    (folder / file).write_bytes(content)
    Manifest(
        version=folder.name,
        previous=None,
        batch_id=batch,
        published_at=published_at,
        build="",
        accepted=[],
        commit=None,
        warehouse="../warehouse.duckdb",
        target=Target.DUCKDB,
        engine="",
        project_digest="",
        feeds={},
        tables={},
        readers={Reader.ANALYST: ReadTables(file, len(content), None, [])},
    ).write(folder)
