"""Files that several processes share, and that outlive a crash of the machine.

Usage:
    with replacing(file) as beside:
        beside.write_text("...")

    with open_locked(folder / ".publish.lock"):
        write_files(beside)
        flush_tree(beside)
        beside.rename(folder)
        flush(folder)
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[Path]:
    """A place beside a file: what is written there takes the place of the file, as a whole, when the block is left.

    One program at a time may do so: what a killed one has left is written over by the next.

    Args:
        path: of the file, which need not be there.
        mode: who may read it, from the beginning; None for those who may read what is replaced.

    Raises:
        OSError: it cannot be written; an earlier file is unchanged.
    """
    beside = path.with_name(f".unfinished-{path.name}")
    try:
        beside.unlink(missing_ok=True)
        if mode is not None:
            os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        yield beside
        if mode is None and path.exists():
            beside.chmod(path.stat().st_mode & 0o777)
        flush(beside)
        beside.replace(path)
        flush(path.parent)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all; its folder is made if it is not there. See `replacing`.

    Raises:
        OSError: it cannot be written; an earlier file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replacing(path, mode=0o600) as beside:
        beside.write_text(text, encoding="utf-8")


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
