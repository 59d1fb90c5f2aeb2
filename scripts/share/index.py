"""What a version of a share holds: `index.json`, in the form of a Frictionless Data Package, and `SHA256SUMS`, which `sha256sum --check` reads.

Usage:
    index = Index.read(Path("data/shares/market_research/trading_activity/current"))
    for resource in index.resources:
        print(resource.name, resource.rows)
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from scripts.load.filesystems import sha256_of
from scripts.share.changes import Changes
from scripts.share.dumps import File
from scripts.share.policies import Format

INDEX = "index.json"
CHECKSUMS = "SHA256SUMS"
# Of the checksums; only there if versions are signed.
SIGNATURE = "SHA256SUMS.sig"
DUMP, CHANGES = "dump", "changes"
_MEDIA_TYPES = {
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.CSV: "text/csv",
    Format.JSON_LINES: "application/jsonl",
}


class UnreadableIndexError(Exception):
    """A folder is no version of a share: says why."""


@dataclass(frozen=True)
class Field:
    """A column of a resource, as in Table Schema.

    Attributes:
        name: of the column.
        type: of Table Schema, such as `integer`.
        data_type: of SQL.
        description: for people.
        transformation: what was done to a personal column; None if it is not personal.
    """

    name: str
    type: str
    data_type: str
    description: str
    transformation: str | None


@dataclass(frozen=True)
class Resource:
    """A table in one format, or its changes.

    Attributes:
        name: unique among the resources.
        table: the name of the table for the recipient.
        source: `schema.table` of the warehouse.
        kind: `dump` or `changes`.
        format: of its files.
        description: of the table.
        fields: its columns.
        key: columns that name a row.
        files: together, its rows.
    """

    name: str
    table: str
    source: str
    kind: str
    format: Format
    description: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    files: tuple[File, ...]

    @property
    def rows(self) -> int:
        """Of all its files."""
        return sum(file.rows for file in self.files)

    @property
    def columns(self) -> dict[str, str]:
        """The names of the columns, with their types of SQL."""
        return {field.name: field.data_type for field in self.fields}


@dataclass(frozen=True)
class Index:
    """A version of a share.

    Attributes:
        share: its name.
        recipient: who gets it.
        version: its name.
        number: of the versions of the share, which no other version ever gets; as Delta Lake counts.
        previous: the version that it has followed; None for the first one.
        source: the published version that it was made from, its batch, when that was published, and the commit of the project.
        policy: what the policy says about it, and the SHA-256 of the policy and of what it says of each table.
        key_id: names the key of the hashes without telling it; None if there are none.
        changes: by table, how many rows have changed since the previous version, or why there are no changes to apply.
        resources: what it holds.
    """

    share: str
    recipient: str
    version: str
    number: int
    previous: str | None
    source: dict[str, Any]
    policy: dict[str, Any]
    key_id: str | None
    changes: dict[str, Changes | str]
    resources: tuple[Resource, ...]

    @property
    def label(self) -> str:
        """The name of the share in messages."""
        return f"{self.recipient}/{self.share}"

    @property
    def files(self) -> Iterator[File]:
        """All of them, but the index and the checksums."""
        return (file for resource in self.resources for file in resource.files)

    @property
    def dumps(self) -> list[Resource]:
        """Its tables, each once, as Parquet."""
        return [
            each for each in self.resources if (each.kind, each.format) == (DUMP, Format.PARQUET)
        ]

    @property
    def rows(self) -> int:
        """Of all tables, each counted once."""
        return sum(dump.rows for dump in self.dumps)

    def resource(self, table: str, kind: str, form: Format = Format.PARQUET) -> Resource | None:
        """A table, or its changes; None if there is none."""
        found = (
            each
            for each in self.resources
            if (each.table, each.kind, each.format) == (table, kind, form)
        )
        return next(found, None)

    def as_json(self) -> str:
        """As a Data Package."""
        content = {
            "profile": "data-package",
            "name": self.share,
            "title": self.policy["title"],
            "version": self.version,
            "number": self.number,
            "created": self.source["published_at"],
            "recipient": self.recipient,
            "previous": self.previous,
            "source": self.source,
            "policy": self.policy,
            "key_id": self.key_id,
            "changes": {
                table: {"reload": changes} if isinstance(changes, str) else asdict(changes)
                for table, changes in self.changes.items()
            },
            "resources": [_resource_content(resource) for resource in self.resources],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The index of a version.

        Raises:
            UnreadableIndexError: there is none, or it cannot be understood.
        """
        file = folder / INDEX
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                share=content["name"],
                recipient=content["recipient"],
                version=content["version"],
                # Versions were not counted from the beginning.
                number=content.get("number", 0),
                previous=content["previous"],
                source=content["source"],
                policy=content["policy"],
                key_id=content["key_id"],
                changes={
                    table: changes.get("reload") or Changes(**changes)
                    for table, changes in content["changes"].items()
                },
                resources=tuple(_resource(each) for each in content["resources"]),
            )
        except OSError as error:
            raise UnreadableIndexError(f"{file}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableIndexError(f"{file}: not the index of a share: {error}") from error

    def write(self, folder: Path) -> None:
        """Write it, and the checksums of all files, into the folder of its version."""
        (folder / INDEX).write_text(self.as_json(), encoding="utf-8")
        sums = {file.path: file.sha256 for file in self.files}
        sums[INDEX] = sha256_of(str(folder / INDEX))
        lines = (f"{digest}  {path}\n" for path, digest in sorted(sums.items()))
        (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def read_checksums(folder: Path) -> dict[str, str]:
    """The checksums of the files of a version, by path.

    Raises:
        UnreadableIndexError: there are none, or they cannot be understood.
    """
    file = folder / CHECKSUMS
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}
    except OSError as error:
        raise UnreadableIndexError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise UnreadableIndexError(f"{file}: not a list of checksums") from error


def _resource_content(resource: Resource) -> dict[str, Any]:
    paths = [file.path for file in resource.files]
    one = resource.files[0] if len(resource.files) == 1 else None
    is_text = resource.format is not Format.PARQUET
    return {
        "name": resource.name,
        "table": resource.table,
        "source": resource.source,
        "kind": resource.kind,
        "description": resource.description,
        "format": resource.format,
        "mediatype": _MEDIA_TYPES[resource.format],
        **({"encoding": "utf-8", "compression": "gz"} if is_text else {}),
        "path": paths[0] if one else paths,
        "bytes": sum(file.bytes for file in resource.files),
        **({"hash": f"sha256:{one.sha256}"} if one else {}),
        "rows": resource.rows,
        "files": [asdict(file) for file in resource.files],
        "schema": {
            "fields": [asdict(field) for field in resource.fields],
            "primaryKey": list(resource.key),
        },
    }


def _resource(content: dict[str, Any]) -> Resource:
    return Resource(
        name=content["name"],
        table=content["table"],
        source=content["source"],
        kind=content["kind"],
        format=Format(content["format"]),
        description=content["description"],
        fields=tuple(Field(**field) for field in content["schema"]["fields"]),
        key=tuple(content["schema"]["primaryKey"]),
        files=tuple(File(**file) for file in content["files"]),
    )
