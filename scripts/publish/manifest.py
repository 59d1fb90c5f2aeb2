"""What a published version holds: `manifest.json` beside its files.

Usage:
    manifest = Manifest.read(Path("data/published/current"))
    print(manifest.version, manifest.tables["marts.dim_trade"].rows)
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class TableContent:
    """What a table holds.

    Attributes:
        rows: their number.
        fingerprint: of what analysts read (scripts/warehouse/fingerprints.py); None if they may not read it. Never of personal values: who knows the fingerprint
            of a tax number can try all of them.
    """

    rows: int
    fingerprint: str | None


@dataclass(frozen=True)
class ReadTables:
    """What a role reads.

    Attributes:
        file: the name of its file in the folder of the version; None on a server.
        bytes: the size of the file.
        sha256: its checksum.
        tables: the names of its tables and views.
    """

    file: str | None
    bytes: int | None
    sha256: str | None
    tables: list[str]


@dataclass(frozen=True)
class Manifest:
    """A published version.

    Attributes:
        version: its name.
        previous: the version that it has followed; None for the first one.
        batch_id: the last batch that it holds.
        published_at: when, UTC.
        build: the invocation of dbt that has built it.
        accepted: tests that are red and were accepted; empty if all are green.
        commit: of the project; None if it is not a clone.
        warehouse: what it was made from: the way from the folder of the versions to the file, or host, port and database.
        target: where dbt builds.
        engine: the engine and its version.
        project_digest: SHA-256 of what decides, besides the sources, which rows a build makes.
        feeds: by feed, the SHA-256 of its contract.
        tables: by `schema.table`; views are not counted.
        readers: by reader, such as `analyst`.
    """

    version: str
    previous: str | None
    batch_id: int
    published_at: datetime
    build: str
    accepted: list[str]
    commit: str | None
    warehouse: str
    target: str
    engine: str
    project_digest: str
    feeds: dict[str, str]
    tables: dict[str, TableContent]
    readers: dict[str, ReadTables]

    def as_json(self) -> str:
        """As text, with times as ISO 8601."""
        return json.dumps(asdict(self), indent=2, default=lambda time: time.isoformat()) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The manifest of a text.

        Raises:
            ValueError: it is none.
        """
        values: dict[str, Any] = json.loads(text)
        try:
            values["published_at"] = datetime.fromisoformat(values["published_at"])
            values["tables"] = {
                name: TableContent(**table) for name, table in values["tables"].items()
            }
            values["readers"] = {
                name: ReadTables(**reader) for name, reader in values["readers"].items()
            }
            return cls(**values)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a manifest: {error}") from error

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The manifest of a version; None if the folder has none, or one of another kind."""
        try:
            return cls.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def write(self, folder: Path) -> None:
        """Write it into the folder of its version."""
        (folder / MANIFEST).write_text(self.as_json(), encoding="utf-8")
