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
import json
import lzma
import os
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any

from fsspec.implementations.local import LocalFileSystem

from scripts.load.contracts import Contracts, Feed
from scripts.load.filesystems import filesystem_of, sha256_of
from scripts.load.rows import FileError

# The lake and the warehouse hold it as an integer.
_LAST_BATCH = 2**31 - 1
_BATCH_NUMBER = "(?P<batch>[1-9][0-9]*)"
# For a file whose name has no number of a batch.
_ANY_BATCH = 0
_BLOCK_BYTES = 1 << 20
# In the folder of a batch that was extracted: what was read of which system (scripts/extract/state.py).
EXTRACTION = ".extraction.json"

_ARCHIVE_ERRORS = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, zlib.error)


class SourceFolderError(Exception):
    """The source folder itself is missing or holds no batch."""


@dataclass(frozen=True)
class SourceFile:
    """One file; `name` is its path relative to the source folder, `modified` tells when it changed last: equal if it has not."""

    name: str
    path: str
    bytes: int
    modified: str = ""

    @property
    def is_compressed(self) -> bool:
        """Whether the name ends like that of a compressed file."""
        return self.plain_name is not self.name

    @cached_property
    def plain_name(self) -> str:
        """The name without the suffix of a compression."""
        stem, dot, suffix = self.name.rpartition(".")
        return stem if dot + suffix in _OPENERS else self.name


class SourceFolder:
    """A folder with Batch1, Batch2, ... as TPC-DI lays them out.

    Attributes:
        files: all files that may be data, by name.
        problems: one line for each file or folder that cannot be read because of its name.

    Raises:
        SourceFolderError: there is no such folder, or no batch in it.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        try:
            self._filesystem, root = filesystem_of(uri)
            is_local = isinstance(self._filesystem, LocalFileSystem)
            found = _local_files(root) if is_local else _remote_files(self._filesystem, root)
            visible = sorted(file for file in found if not _is_hidden(file[0]))
        except (ImportError, OSError, ValueError) as error:
            raise SourceFolderError(f"{uri}: cannot be listed: {error}") from error
        self._root = root.rstrip("/")
        prefix = f"{self._root}/"
        problems = {name: problem for name, *_ in visible if (problem := _name_problem(name))}
        self.problems = sorted(set(problems.values()))
        self.files = [
            SourceFile(name, prefix + name, size, modified)
            for name, size, modified in visible
            if name not in problems
        ]
        self._by_number: dict[tuple[str, ...], dict[int, list[SourceFile]]] = {}
        if not self.batches:
            raise SourceFolderError(
                f"{uri}: no Batch1, Batch2, ... with files in this folder; set SOURCES (or --sources)"
                " to the folder that holds them"
            )

    @cached_property
    def batches(self) -> list[int]:
        """The batch numbers found, in order; Batch0 and Batch01 are not batches."""
        matches = (re.match(r"Batch([1-9][0-9]*)/", file.name) for file in self.files)
        return sorted({int(match[1]) for match in matches if match})

    def files_of(self, feed: Feed, batch: int) -> list[SourceFile]:
        """The files of a feed in a batch, by name."""
        by_number = self._numbered(feed)
        # Each file once, although two patterns may match it.
        found = {*by_number.get(batch, []), *by_number.get(_ANY_BATCH, [])}
        return sorted(found, key=lambda file: file.name)

    def _numbered(self, feed: Feed) -> dict[int, list[SourceFile]]:
        """The files that the patterns of a feed name, by the number that stands for `{batch}` in their names; each file is matched once."""
        if feed.files not in self._by_number:
            found: dict[int, list[SourceFile]] = defaultdict(list)
            for expression in map(pattern_expression, feed.files):
                for file in self.files:
                    if match := expression.fullmatch(file.plain_name):
                        found[int(match.groupdict().get("batch", _ANY_BATCH))].append(file)
            self._by_number[feed.files] = found
        return self._by_number[feed.files]

    def files_below(self, batch: int) -> list[SourceFile]:
        """The files in the folder of a batch, of any feed or of none, by name."""
        return [file for file in self.files if file.name.startswith(f"Batch{batch}/")]

    def says_empty(self, feed: Feed, batch: int) -> bool:
        """Whether the batch was extracted from a system that had no row of the feed (scripts/extract)."""
        path = f"{self._root}/Batch{batch}/{EXTRACTION}"
        try:
            with self._filesystem.open(path, "rb") as stream:
                system = json.load(stream)["systems"][feed.system]
            return bool(system["batch"] == batch and system["feeds"][feed.label]["rows"] == 0)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def unknown_files(self, contracts: Contracts) -> list[SourceFile]:
        """Files that no contract names in any batch up to the last one of the folder."""
        last = self.batches[-1]
        known = {
            file.name
            for feed in contracts.feeds
            for batch, files in self._numbered(feed).items()
            if batch == _ANY_BATCH or (batch <= last and feed.comes_in(batch))
            for file in files
        }
        return [
            file
            for file in self.files
            if file.name not in known and file.name not in contracts.ignored_files
        ]

    def sha256(self, file: SourceFile) -> str:
        """Checksum of the file as it is stored, in hexadecimal digits."""
        if isinstance(self._filesystem, LocalFileSystem):
            return sha256_of(file.path)
        with self._filesystem.open(file.path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def content_sha256(self, file: SourceFile) -> str:
        """Checksum of what is in the file, decompressed, in hexadecimal digits.

        Raises:
            FileError: the archive is damaged.
        """
        digest = hashlib.sha256()
        with self.open(file) as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

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


def _name_problem(name: str) -> str | None:
    """Why a file of this name cannot be read, in one line, or None."""
    if not _is_utf8(name):
        shown = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
        return f"{shown}: the name is not UTF-8; rename the file"
    folder = re.match(r"Batch([1-9][0-9]*)/", name)
    if folder and int(folder[1]) > _LAST_BATCH:
        return (
            f"Batch{folder[1]}: the number of a batch is at most {_LAST_BATCH}; rename the folder"
        )
    return None


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def pattern_expression(pattern: str) -> re.Pattern[str]:
    """A file name pattern as a regular expression; as in a shell, a star does not match a slash."""
    pieces = []
    for piece in re.split(r"(\{batch\}|[*?]|\[[^]]+\])", pattern):
        if piece == "{batch}":
            # A second number in a name must be the first one again.
            pieces.append("(?P=batch)" if _BATCH_NUMBER in pieces else _BATCH_NUMBER)
        elif piece.startswith("["):
            pieces.append("[^" + piece[2:] if piece[1] == "!" else piece)
        else:
            pieces.append({"*": "[^/]*", "?": "[^/]"}.get(piece) or re.escape(piece))
    return re.compile("".join(pieces), re.DOTALL)


# The name, the size in bytes, and the time of the last change of a file.
_Found = tuple[str, int, str]


def _local_files(root: str) -> Iterator[_Found]:
    """Every file below a folder, following links, except those to a folder above."""

    def below(folder: str, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[_Found]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.is_dir():
                    yield prefix + entry.name, *_state(entry)
                    continue
                status = entry.stat()
                place = (status.st_dev, status.st_ino)
                if place not in above:
                    yield from below(entry.path, f"{prefix}{entry.name}/", above | {place})

    if not Path(root).is_dir():
        return
    status = Path(root).stat()
    yield from below(root, "", frozenset({(status.st_dev, status.st_ino)}))


def _state(entry: os.DirEntry[str]) -> tuple[int, str]:
    """Size and time of a file; 0 and no time for a broken link, which fails when it is opened."""
    try:
        status = entry.stat()
    except FileNotFoundError:
        return 0, ""
    return status.st_size, str(status.st_mtime_ns)


def _remote_files(filesystem: Any, root: str) -> Iterator[_Found]:
    """Every file below a folder of an object store, which gives each version of an object a tag, or at least a time."""
    prefix = root.rstrip("/") + "/"
    for path, info in filesystem.find(root, detail=True).items():
        yield path.removeprefix(prefix), info["size"], object_state(info)


def object_state(info: dict[str, Any]) -> str:
    """What an object store says of a version of an object: equal if the object has not changed."""
    return str(next((info[key] for key in _STATES if info.get(key)), ""))


# What object stores call it.
_STATES = ("ETag", "etag", "LastModified", "last_modified", "mtime", "created")
