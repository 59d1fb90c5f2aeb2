"""A folder or a bucket, by any URI that fsspec knows, as a destination of shares.

Usage:
    delivered = Files("s3://bucket/folder", key=None).deliver(versions, index)

The files of a version come first, then `current.json`, which names it: whoever reads that finds a whole version. What is there already, with the same bytes, is
not sent again. With the public key of the recipient, all files are encrypted to it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from scripts.load.filesystems import filesystem_of
from scripts.share.destinations import Answer, Delivered, Destination, DestinationError, tried
from scripts.share.encryption import SUFFIX, EncryptionError, encrypted
from scripts.share.index import CHECKSUMS, INDEX, SIGNATURE, Index
from scripts.share.versions import ShareVersions

POINTER = "current.json"
_PIECE = 1 << 20


class Files(Destination):
    """See `Destination`."""

    def __init__(self, destination: str, key: str | None) -> None:
        self._place = _Place(destination)
        self._key = key

    def deliver(self, versions: ShareVersions, index: Index) -> Delivered:
        """See `Destination`."""
        folder, place = versions.folder / index.version, self._place
        names = [*(file.path for file in index.files), INDEX, CHECKSUMS]
        if (folder / SIGNATURE).exists():
            names.append(SIGNATURE)
        files = {name: folder / name for name in names}
        if self._key:
            try:
                files = encrypted(versions, index.version, names, self._key)
            except EncryptionError as error:
                raise DestinationError(f"{index.label}: {error}") from error
        sent = sum(place.put(file, f"{index.version}/{name}") for name, file in files.items())
        place.check(
            {f"{index.version}/{name}": file.stat().st_size for name, file in files.items()}
        )
        place.point_to(index, f"{INDEX}{SUFFIX}" if self._key else INDEX)
        kept = {path.name for path in versions.folder.iterdir()}
        for name in place.versions():
            if name not in kept:
                place.remove(name)
        return Delivered(index.version, len(names), sent, "files")

    def delivered_version(self) -> str | None:
        """See `Destination`."""
        text = self._place.read(POINTER)
        try:
            return str(json.loads(text)["version"])
        except (ValueError, KeyError, TypeError):
            return None

    def withdraw(self) -> None:
        """See `Destination`; `current.json` goes first."""
        self._place.remove(POINTER)
        for name in list(self._place.versions()):
            self._place.remove(name)


class _Place:
    """A folder of a file system that may be far away."""

    def __init__(self, destination: str) -> None:
        self._destination = destination
        try:
            self._filesystem, root = filesystem_of(destination)
        except (ImportError, ValueError) as error:
            raise DestinationError(
                f"{destination}: {error}; for s3://, run make .venv/.s3"
            ) from error
        self._root = root.rstrip("/")

    def put(self, file: Path, name: str) -> bool:
        """Send a file, unless it is there; returns whether it was sent."""
        return self._tried(lambda: self._put(file, f"{self._root}/{name}"))

    def check(self, sizes: dict[str, int]) -> None:
        """Make sure that the files of a version, and no others, are there."""
        (version,) = {name.partition("/")[0] for name in sizes}
        found = self._tried(lambda: self._sizes(f"{self._root}/{version}"))
        if found != sizes:
            names = sorted(name for name, _ in found.items() ^ sizes.items())
            raise DestinationError(
                f"{self._destination}: {', '.join(dict.fromkeys(names))}: not there as sent"
                " (other size, missing, or not ours); remove this version there, and deliver again"
            )

    def point_to(self, index: Index, name: str) -> None:
        """Make a version the current one, given the name of its index."""
        content = {"version": index.version, "index": f"{index.version}/{name}"}
        text = (json.dumps(content, indent=2) + "\n").encode()
        self._tried(lambda: self._write(f"{self._root}/{POINTER}", text))

    def read(self, name: str) -> bytes:
        """A file; empty if it is not there."""
        return self._tried(lambda: self._read(f"{self._root}/{name}"))

    def versions(self) -> Iterator[str]:
        """The names of the versions that are there."""
        found = self._tried(lambda: self._names(self._root))
        return (name for name in found if name.startswith("batch-"))

    def remove(self, name: str) -> None:
        """Remove a file or a folder, if it is there."""
        self._tried(lambda: self._remove(f"{self._root}/{name}"))

    def _put(self, file: Path, path: str) -> bool:
        size = file.stat().st_size
        self._filesystem.invalidate_cache()
        if self._filesystem.exists(path) and self._filesystem.info(path)["size"] == size:
            with file.open("rb") as ours, self._filesystem.open(path, "rb") as theirs:
                if _digest(ours) == _digest(theirs):
                    return False
        self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._filesystem.put_file(str(file), path)
        return True

    def _sizes(self, path: str) -> dict[str, int]:
        self._filesystem.invalidate_cache()
        found = self._filesystem.find(path, detail=True)
        return {name.removeprefix(f"{self._root}/"): each["size"] for name, each in found.items()}

    def _write(self, path: str, content: bytes) -> None:
        if isinstance(self._filesystem, LocalFileSystem):
            beside = Path(f"{path}.unfinished")
            beside.write_bytes(content)
            beside.replace(path)
        else:
            # An object is there as a whole, or not at all.
            self._filesystem.pipe_file(path, content)

    def _read(self, path: str) -> bytes:
        self._filesystem.invalidate_cache()
        return bytes(self._filesystem.cat_file(path)) if self._filesystem.exists(path) else b""

    def _names(self, path: str) -> list[str]:
        self._filesystem.invalidate_cache()
        if not self._filesystem.exists(path):
            return []
        return [
            each.rstrip("/").rpartition("/")[2] for each in self._filesystem.ls(path, detail=False)
        ]

    def _remove(self, path: str) -> None:
        self._filesystem.invalidate_cache()
        if self._filesystem.exists(path):
            self._filesystem.rm(path, recursive=True)

    def _tried(self, action: Callable[[], Answer]) -> Answer:
        return tried(self._destination, action)


def _digest(stream: Any) -> str:
    digest = hashlib.sha256()
    while content := stream.read(_PIECE):
        digest.update(content)
    return digest.hexdigest()
