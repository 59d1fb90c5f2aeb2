"""Where a path or URI leads: the one place that tells a local path from the address of an object store.

Usage:
    filesystem, root = filesystem_of("data/lake")
    filesystem, root = filesystem_of("s3://bucket/lake")
"""

from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem


def filesystem_of(uri: str) -> tuple[Any, str]:
    """The file system, and the path there.

    Without a scheme it is a path of this machine, whatever characters are in it.

    Raises:
        ImportError: the package for this kind of address is not installed.
        ValueError: there is no such kind.
    """
    if "://" in uri:
        filesystem, root = fsspec.core.url_to_fs(uri)
        return filesystem, str(root)
    # The path as DuckDB takes it: `~` is the home folder.
    return LocalFileSystem(), LocalFileSystem._strip_protocol(uri)
