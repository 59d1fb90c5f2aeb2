"""Whether a folder holds what its index says: each file, each byte, each row.

Usage:
    for problem in problems(Path("data/shares/market_research/trading_activity/current")):
        print(problem)

It needs neither the project nor the warehouse, so a recipient may use it, too.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.load.filesystems import sha256_of
from scripts.share.dumps import File
from scripts.share.index import (
    CHECKSUMS,
    INDEX,
    SIGNATURE,
    Index,
    Resource,
    UnreadableIndexError,
    read_checksums,
)
from scripts.share.policies import Format


def problems(folder: Path) -> Iterator[str]:
    """What is wrong with a version in a folder, one line each; nothing if it is whole."""
    folder = folder.resolve()
    try:
        index = Index.read(folder)
        sums = read_checksums(folder)
    except UnreadableIndexError as error:
        yield str(error)
        return
    listed = {file.path: file for file in index.files}
    # A copy may have another name than the version, but not that of another version.
    if folder.name != index.version and (folder.parent / index.version).exists():
        yield f"{INDEX}: is that of version {index.version}, and the folder is {folder.name}"
    yield from _other_names(folder, listed.keys())
    if sums.get(INDEX) != sha256_of(str(folder / INDEX)):
        yield f"{INDEX}: not the one that {CHECKSUMS} was written for"
    for path in sorted(listed.keys() | sums.keys() - {INDEX}):
        if sums.get(path) != (listed[path].sha256 if path in listed else None):
            yield f"{path}: {INDEX} and {CHECKSUMS} do not agree about it"
    damaged = damaged_files(folder, listed.values())
    yield from damaged.values()
    for resource in index.resources:
        if not damaged.keys() & {file.path for file in resource.files}:
            yield from _wrong_content(folder, resource)


def damaged_files(folder: Path, files: Iterable[File]) -> dict[str, str]:
    """Files that are missing or have other bytes than they should, and what is wrong with them."""
    found = {}
    for file in files:
        path = folder / file.path
        if not path.is_file():
            found[file.path] = f"{file.path}: missing"
        elif (size := path.stat().st_size) != file.bytes:
            found[file.path] = f"{file.path}: has {size} bytes, not {file.bytes}"
        elif sha256_of(str(path)) != file.sha256:
            found[file.path] = f"{file.path}: has other bytes than {INDEX} says"
    return found


def _other_names(folder: Path, listed: Iterable[str]) -> Iterator[str]:
    """Files that nobody has announced."""
    known = {*listed, INDEX, CHECKSUMS, SIGNATURE}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name not in known:
            yield f"{name}: not in {INDEX}"


def _wrong_content(folder: Path, resource: Resource) -> Iterator[str]:
    """Rows and columns of Parquet files that are not those of the index."""
    if resource.format is not Format.PARQUET:
        return
    for file in resource.files:
        try:
            with pq.ParquetFile(folder / file.path) as opened:
                rows, names = opened.metadata.num_rows, opened.schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            yield f"{file.path}: cannot be read: {' '.join(str(error).split())}"
            continue
        if rows != file.rows:
            yield f"{file.path}: has {rows} rows, not {file.rows}"
        if names != list(resource.columns):
            yield f"{file.path}: has other columns than {INDEX} says"
