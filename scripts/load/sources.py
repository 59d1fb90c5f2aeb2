"""The source folder: which files are there, which feed and batch they belong to, and how to open them.

Local folders and object stores are the same here: every access goes through fsspec (`/data/tpcdi`, `file:///data/tpcdi`, `s3://bucket/tpcdi`).

Usage:
    folder = SourceFolder("data/sources")
    for file in folder.files_of(feed, batch=1):
        with folder.open(file) as stream:
            stream.read()
"""

import bz2
import gzip
import hashlib
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import IO, Any

import fsspec

from scripts.load.contracts import Contracts, Feed
from scripts.load.rows import FileError

_ARCHIVE_ERRORS = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, zlib.error)


class SourceFolderError(Exception):
    """The source folder itself is missing or holds no batch."""


@dataclass(frozen=True)
class SourceFile:
    """One file; `name` is its path relative to the source folder."""

    name: str
    path: str
    bytes: int

    @property
    def is_compressed(self) -> bool:
        """Whether the name ends like that of a compressed file."""
        return PurePosixPath(self.name).suffix in _OPENERS

    @property
    def plain_name(self) -> str:
        """The name without the suffix of a compression."""
        return str(PurePosixPath(self.name).with_suffix("")) if self.is_compressed else self.name


class SourceFolder:
    """A folder with Batch1, Batch2, ... as TPC-DI lays them out.

    Raises:
        SourceFolderError: there is no such folder, or no batch in it.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        try:
            self._filesystem, root = fsspec.core.url_to_fs(uri)
            found = self._filesystem.find(root, detail=True)
        except (ImportError, OSError, ValueError) as error:
            raise SourceFolderError(f"{uri}: cannot be listed: {error}") from error
        prefix = root.rstrip("/") + "/"
        self.files = [
            SourceFile(path.removeprefix(prefix), path, info["size"])
            for path, info in sorted(found.items())
            if not _is_hidden(path.removeprefix(prefix))
        ]
        if not self.batches:
            raise SourceFolderError(
                f"{uri}: no Batch1, Batch2, ... with files in this folder; set SOURCES (or --sources)"
                " to the folder that holds them"
            )

    @property
    def batches(self) -> list[int]:
        """The numbers of the batches that are there, in order; there is no Batch0, and no Batch01 beside Batch1."""
        matches = (re.match(r"Batch([1-9]\d*)/", file.name) for file in self.files)
        return sorted({int(match[1]) for match in matches if match})

    def files_of(self, feed: Feed, batch: int) -> list[SourceFile]:
        """The files of a feed in a batch, by name."""
        patterns = [pattern.replace("{batch}", str(batch)) for pattern in feed.files]
        return [
            file
            for file in self.files
            if any(_matches(file.plain_name, pattern) for pattern in patterns)
        ]

    def unknown_files(self, contracts: Contracts) -> list[SourceFile]:
        """Files that no contract names in any batch up to the last one of the folder."""
        known = {
            file.name
            for feed in contracts.feeds
            for batch in range(1, self.batches[-1] + 1)
            if feed.comes_in(batch)
            for file in self.files_of(feed, batch)
        }
        return [
            file
            for file in self.files
            if file.name not in known and file.name not in contracts.ignored_files
        ]

    def sha256(self, file: SourceFile) -> str:
        """Checksum of the file as it is stored, in hexadecimal digits."""
        with self._filesystem.open(file.path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @contextmanager
    def open(self, file: SourceFile) -> Iterator[IO[bytes]]:
        """Open the file for reading, decompressed.

        Raises:
            FileError: while opening or reading, if the archive is damaged.
        """
        opener = _OPENERS.get(PurePosixPath(file.name).suffix)
        with self._filesystem.open(file.path, "rb") as stream:
            if opener is None:
                yield stream
                return
            try:
                with opener(stream) as plain:
                    yield plain
            except (*_ARCHIVE_ERRORS, OSError) as error:
                raise FileError(
                    f"the archive cannot be read: {error}; deliver the file again"
                ) from error


def _open_zip(stream: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(stream)
    members = archive.namelist()
    if len(members) != 1:
        raise FileError(
            f"the archive holds {len(members)} files, one expected; deliver each by itself"
        )
    try:
        return archive.open(members[0])
    except RuntimeError as error:
        # An encrypted member, or a kind of compression that Python cannot read.
        raise FileError(
            f"the archive cannot be read: {error}; zip it again, without a password"
        ) from error


_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zip": _open_zip,
}


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _matches(name: str, pattern: str) -> bool:
    """Shell matching, part by part: a star does not reach over a slash."""
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))
