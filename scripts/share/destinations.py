"""Takes the current version of a share to where its recipient fetches it: a folder or a bucket, by any URI that fsspec knows.

Usage:
    delivered = deliver(share, versions, index)
    withdraw(share.destination)

The files of a version come first, then `current.json`, which names it: whoever reads that finds a whole version. What is there already, with the same bytes, is
not sent again, so a delivery that was interrupted goes on where it stopped. A destination that does not answer is tried again for a while.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fsspec.implementations.local import LocalFileSystem

from scripts.load.filesystems import filesystem_of
from scripts.share.checking import problems
from scripts.share.index import CHECKSUMS, INDEX, SIGNATURE, Index
from scripts.share.versions import ShareVersions

POINTER = "current.json"
# How long to wait before each further attempt.
WAITS = (1.0, 4.0, 15.0)
_PIECE = 1 << 20

Answer = TypeVar("Answer")


class DestinationError(Exception):
    """A version cannot be taken to its destination, which keeps what it had: says why."""


@dataclass(frozen=True)
class Delivered:
    """What is at the destination now.

    Attributes:
        version: its name.
        files: of the version.
        sent: how many of them were sent just now; the others were there.
    """

    version: str
    files: int
    sent: int


def deliver(destination: str, versions: ShareVersions, index: Index) -> Delivered:
    """Take the current version of a share to a destination, and remove there what is not kept here; hold the lock.

    Args:
        destination: a path or URI.
        versions: of the share.
        index: of the current version.

    Raises:
        DestinationError: the version is damaged, or the destination cannot be written.
    """
    folder = versions.folder / index.version
    if damage := list(problems(folder)):
        raise DestinationError(f"{folder}: not sent, because it is damaged: {damage[0]}")
    place = _Place(destination)
    names = [*(file.path for file in index.files), INDEX, CHECKSUMS]
    if (folder / SIGNATURE).exists():
        names.append(SIGNATURE)
    sent = sum(place.put(folder / name, f"{index.version}/{name}") for name in names)
    place.check({f"{index.version}/{name}": (folder / name).stat().st_size for name in names})
    place.point_to(index)
    kept = {path.name for path in versions.folder.iterdir()}
    for name in place.versions():
        if name not in kept:
            place.remove(name)
    return Delivered(index.version, len(names), sent)


def delivered_version(destination: str) -> str | None:
    """The version that a destination has; None if there is none, or none that can be understood.

    Raises:
        DestinationError: the destination cannot be read.
    """
    text = _Place(destination).read(POINTER)
    try:
        return str(json.loads(text)["version"])
    except (ValueError, KeyError, TypeError):
        return None


def withdraw(destination: str) -> None:
    """Remove all versions from a destination, `current.json` first.

    Raises:
        DestinationError: they cannot be removed.
    """
    place = _Place(destination)
    place.remove(POINTER)
    for name in list(place.versions()):
        place.remove(name)


class _Place:
    """A folder of a file system that may be far away."""

    def __init__(self, destination: str) -> None:
        self._destination = destination
        try:
            self._filesystem, root = filesystem_of(destination)
        except (ImportError, ValueError) as error:
            raise DestinationError(
                f"{destination}: {error}; for s3://, install the extra `s3`"
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

    def point_to(self, index: Index) -> None:
        """Make a version the current one."""
        content = {"version": index.version, "index": f"{index.version}/{INDEX}"}
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
        """Do something, again after a while if it fails: each kind of file system has errors of its own."""
        for wait in (*WAITS, None):
            try:
                return action()
            except Exception as error:
                if wait is None:
                    text = " ".join(str(error).split()) or type(error).__name__
                    raise DestinationError(
                        f"{self._destination}: tried {len(WAITS) + 1} times: {text};"
                        " what was there is still there. Deliver again when it answers"
                    ) from error
            time.sleep(wait)
        raise AssertionError("unreachable")


def _digest(stream: Any) -> str:
    digest = hashlib.sha256()
    while content := stream.read(_PIECE):
        digest.update(content)
    return digest.hexdigest()
