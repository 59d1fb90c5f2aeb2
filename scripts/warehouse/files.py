"""Files that several processes share, and that outlive a crash of the machine.

Usage:
    with open_locked(folder / ".publish.lock"):
        write_files(beside)
        flush_tree(beside)
        beside.rename(folder)
        flush(folder)
"""

import fcntl
import os
from pathlib import Path
from typing import TextIO


class NotLockableError(OSError):
    """The disk of a file knows no locks."""


def open_locked(path: Path, *, waits: bool = False) -> TextIO:
    """Open a file, for reading and for writing at its end, and lock others out until it is closed; the lock also ends with the process.

    Args:
        path: of the file; it and its folder are made if they are not there.
        waits: wait for another process that has it, however long that takes.

    Raises:
        BlockingIOError: another process has it.
        NotLockableError: the disk knows no locks.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except BlockingIOError:
        file.close()
        raise
    except OSError as error:
        file.close()
        raise NotLockableError(error.errno, error.strerror) from error
    return file


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all; its folder is made if it is not there.

    Raises:
        OSError: it cannot be written; an earlier file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Have a file on the disk, or the names in a folder."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def flush_tree(folder: Path) -> None:
    """Have everything below a folder on the disk."""
    for path in folder.rglob("*"):
        flush(path)
    flush(folder)
