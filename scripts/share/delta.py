"""Tables, files and changes in the words of Delta Sharing, as lines of JSON.

Usage:
    lines = [protocol(), metadata(offer, "trades", state), *(file_line(file, state, address, expires) for file in files)]

Files are answered as Parquet (`responseformat=parquet`), which every client reads.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from scripts.share.dumps import File
from scripts.share.hints import statistics_of
from scripts.share.index import Field, Resource
from scripts.share.offers import Offer, State

# All tables of a share are in one schema.
SCHEMA = "default"
_TYPES = {
    "bigint": "long",
    "integer": "integer",
    "smallint": "short",
    "tinyint": "byte",
    "double": "double",
    "real": "float",
    "boolean": "boolean",
    "varchar": "string",
    "date": "date",
    "timestamp": "timestamp",
}
_DECIMAL = re.compile(r"(?:decimal|numeric)\((\d+),\s*(\d+)\)")
# Of these types, the smallest and largest values are told as they are.
_TOLD = (int, str, date)


def is_readable(resource: Resource) -> bool:
    """Whether Delta Lake has types for all columns of a table; it has none for a time of day."""
    return all(_type(field.data_type) is not None for field in resource.fields)


def share_id(offer: Offer) -> str:
    """Names a share for ever."""
    return str(uuid5(NAMESPACE_URL, offer.share.label))


def table_id(offer: Offer, table: str) -> str:
    """Names a table of a share for ever."""
    return str(uuid5(NAMESPACE_URL, f"{offer.share.label}/{table}"))


def protocol() -> dict[str, Any]:
    """Which readers understand the answer."""
    return {"protocol": {"minReaderVersion": 1}}


def metadata(offer: Offer, table: str, state: State, *, with_version: bool) -> dict[str, Any]:
    """A table in a version.

    Args:
        offer: its share.
        table: its name.
        state: in the version.
        with_version: tell the number of the version, which was asked for.
    """
    dump = state.dump
    return {
        "metaData": {
            "id": table_id(offer, table),
            "name": table,
            "description": dump.description,
            "format": {"provider": "parquet"},
            "schemaString": json.dumps(_schema(dump), ensure_ascii=False),
            "partitionColumns": [],
            "configuration": {"enableChangeDataFeed": "true"},
            **({"version": state.number} if with_version else {}),
            "size": sum(file.bytes for file in dump.files),
            "numFiles": len(dump.files),
        }
    }


def file_of_table(
    file: File, state: State, folder: Path, address: str, expires: int, *, with_version: bool
) -> dict[str, Any]:
    """A file of a table.

    Args:
        file: that is read.
        state: of the table.
        folder: of the version.
        address: of the file.
        expires: when the address ends, in seconds since 1970.
        with_version: tell the number of the version, which was asked for.
    """
    version = {"version": state.number, "timestamp": state.milliseconds} if with_version else {}
    stats = json.dumps(_statistics(folder / file.path, file.rows), ensure_ascii=False)
    return {"file": {**_file(file, address, expires), "stats": stats, **version}}


def file_of_changes(file: File, state: State, address: str, expires: int) -> dict[str, Any]:
    """A file of what has changed; of the first version, all rows were added.

    Args:
        file: that is read.
        state: of the table after the changes.
        address: of the file.
        expires: when the address ends, in seconds since 1970.
    """
    content = {
        **_file(file, address, expires),
        "timestamp": state.milliseconds,
        "version": state.number,
    }
    return {"cdf" if state.changes else "add": content}


def as_lines(objects: list[dict[str, Any]]) -> bytes:
    """An answer: an object in each line."""
    return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in objects).encode()


def _file(file: File, address: str, expires: int) -> dict[str, Any]:
    return {
        "url": address,
        "id": file.sha256,
        "partitionValues": {},
        "size": file.bytes,
        "expirationTimestamp": expires * 1000,
    }


def _schema(resource: Resource) -> dict[str, Any]:
    return {"type": "struct", "fields": [_field(field, resource) for field in resource.fields]}


def _field(field: Field, resource: Resource) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": _type(field.data_type),
        "nullable": field.name not in resource.key,
        "metadata": {"comment": field.description},
    }


def _type(data_type: str) -> str | Mapping[str, Any] | None:
    """A type of SQL as one of Delta Lake; None if there is none."""
    if data_type.endswith("[]"):
        element = _type(data_type.removesuffix("[]"))
        return element and {"type": "array", "elementType": element, "containsNull": True}
    if found := _DECIMAL.fullmatch(data_type):
        return f"decimal({found[1]},{found[2]})"
    return _TYPES.get(data_type.partition("(")[0])


def _statistics(path: Path, rows: int) -> dict[str, Any]:
    """What clients leave files out by; a client may do that itself."""
    known = statistics_of(path)
    told = {
        name: each
        for name, each in known.items()
        if type(each.least) in _TOLD and type(each.most) in _TOLD
    }
    return {
        "numRecords": rows,
        "minValues": {name: _plain(each.least) for name, each in told.items()},
        "maxValues": {name: _plain(each.most) for name, each in told.items()},
        "nullCount": {
            name: each.missing for name, each in known.items() if each.missing is not None
        },
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
