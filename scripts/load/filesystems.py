"""The file system of a path or URI, and the checksum of a local file.

Usage:
    filesystem, root = filesystem_of("data/lake")
    filesystem, root = filesystem_of("s3://bucket/lake")
"""

import hashlib
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

_PIECE = 1 << 16


def filesystem_of(uri: str) -> tuple[Any, str]:
    """The file system, and the path there.

    Without a scheme it is a local path, whatever characters it contains.

    Raises:
        ImportError: the package for this kind of address is not installed.
        ValueError: there is no such kind.
    """
    if "://" in uri:
        filesystem, root = fsspec.core.url_to_fs(uri)
        return filesystem, str(root)
    # The path as DuckDB takes it: `~` is the home folder.
    return LocalFileSystem(), LocalFileSystem._strip_protocol(uri)


def sha256_of(path: str) -> str:
    """The checksum of a local file in hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb", buffering=0) as stream:
        # Most files of a daily batch are read at once.
        content = stream.read(_PIECE)
        digest = hashlib.sha256(content)
        while content := stream.read(_PIECE):
            digest.update(content)
    return digest.hexdigest()
