"""The folder of published versions: `<version>/`, and the link `current` to the one that readers open.

A version is written in a folder with a temporary name, which is renamed when all of it is on the disk. Then the link is renamed over the old one: a reader finds
the old version or the new one, and both are whole. So a process that is killed leaves the old version or the new one, and a folder that the next one removes.

Usage:
    versions = Versions(Path("data/published"))
    with versions.locked(), versions.new("batch-0003-20261130T101530Z") as folder:
        write_files(folder)
    print(versions.current())
"""

import fcntl
import re
import shutil
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import ClassVar

from scripts.publish.manifest import Manifest
from scripts.warehouse.files import NotLockableError, flush, flush_tree, open_locked

CURRENT = "current"
_VERSION = re.compile(r"batch-\d{4,}-\d{8}T\d{6}Z(\.\d+)?")
_UNFINISHED = ".unfinished-"
# A lock of a whole file against all others, as `fcntl` writes it: type, whence, start, length, process; on macOS, the first two come last.
_IS_MACOS = sys.platform == "darwin"
_LOCK_LAYOUT = "qqihh" if _IS_MACOS else "hhqqi"
_WRITE_LOCK = struct.pack(
    _LOCK_LAYOUT,
    *((0, 0, 0, fcntl.F_WRLCK, 0) if _IS_MACOS else (fcntl.F_WRLCK, 0, 0, 0, 0)),
)


class PublishError(Exception):
    """A version cannot be published: says why and what to do."""


class NotGreenError(PublishError):
    """The last build is not one that may be published."""


class Versions:
    """Published versions in a folder, which need not exist yet.

    Attributes:
        folder: that they are in.
        variable: that names it, for messages.
    """

    variable: ClassVar[str] = "PUBLISHED"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second publication out until the block is left; the lock ends with the process.

        Raises:
            PublishError: there is one, or the folder cannot be written.
        """
        try:
            lock = open_locked(self.folder / ".publish.lock")
        except BlockingIOError as error:
            raise PublishError(
                f"{self.folder}: another program is publishing; wait for it to end"
            ) from error
        except NotLockableError as error:
            raise PublishError(
                f"{self.folder}: cannot be locked: {error.strerror};"
                f" set {self.variable} to a folder on a disk of this machine"
            ) from error
        except OSError as error:
            raise cannot_be_written(self.folder, error, self.variable) from error
        with lock:
            yield

    def current(self) -> Manifest | None:
        """What readers find now; None before the first version."""
        return Manifest.read(self.folder / CURRENT)

    def manifest(self, version: str) -> Manifest | None:
        """The manifest of a version; None if there is no such version, or none any more."""
        if not _VERSION.fullmatch(version):
            return None
        return Manifest.read(self.folder / version)

    def current_name(self) -> str | None:
        """The version that the link leads to; None before the first one."""
        try:
            return str((self.folder / CURRENT).readlink())
        except FileNotFoundError:
            return None

    def free_name(self, name: str) -> str:
        """The name, or one that follows it if a version has it already."""
        taken = {path.name for path in self.folder.iterdir()}
        others = (f"{name}.{number}" for number in range(2, len(taken) + 3))
        return next(free for free in (name, *others) if free not in taken)

    @contextmanager
    def new(self, name: str) -> Iterator[Path]:
        """A folder to write a version to, which becomes the current one when the block is left; hold the lock.

        Raises:
            PublishError: the disk is full, or the folder cannot be written.
        """
        folder = self.folder / f"{_UNFINISHED}{name}"
        try:
            # Nobody else looks into it before the files have their permissions.
            folder.mkdir(mode=0o700)
            yield folder
            flush_tree(folder)
            folder.chmod(self.folder.stat().st_mode & 0o777)
            # A killed publication may have left a version to which nothing leads.
            shutil.rmtree(self.folder / name, ignore_errors=True)
            folder.rename(self.folder / name)
            link = self.folder / f"{_UNFINISHED}{CURRENT}"
            link.symlink_to(name)
            link.replace(self.folder / CURRENT)
            flush(self.folder)
        except OSError as error:
            raise cannot_be_written(self.folder, error, self.variable) from error
        finally:
            # What has become a version has another name now.
            self.remove_unfinished()

    def remove_unfinished(self) -> None:
        """Remove what a killed publication has left; hold the lock."""
        for path in self.folder.glob(f"{_UNFINISHED}*"):
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path, ignore_errors=True)

    def remove_old(self, keep: int) -> list[str]:
        """Remove all versions but the current one, a number of those before it, and those that a program has open; returns their names; hold the lock.

        Args:
            keep: at least 1: who has just followed the link may still open files of the version before.
        """
        kept = list(islice(self._newest_first(), 1 + max(keep, 1)))
        old = [name for name in self.names() if name not in kept and not self._is_open(name)]
        for name in old:
            self.remove(name)
        return old

    def remove_others(self) -> list[str]:
        """Remove all versions but the current one, whoever may still want them; returns those that stay because a program has them open. Hold the lock."""
        others = [name for name in self.names() if name != self.current_name()]
        left = [name for name in others if self._is_open(name)]
        for name in others:
            if name not in left:
                self.remove(name)
        return left

    def names(self) -> list[str]:
        """The versions that are there, in the order of their names."""
        paths = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(
            path.name
            for path in paths
            if _VERSION.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        )

    def remove(self, name: str) -> None:
        """Remove a version; hold the lock."""
        if name == self.current_name():
            (self.folder / CURRENT).unlink()
        # Out of the way at once: a folder that lacks some of its files is no version.
        removed = (self.folder / name).rename(self.folder / f"{_UNFINISHED}{name}")
        shutil.rmtree(removed, ignore_errors=True)

    def _is_open(self, name: str) -> bool:
        """Whether a program has a file of the version open, and keeps it locked against writers as DuckDB does."""
        for path in (self.folder / name).glob("*.duckdb"):
            with path.open("rb") as file:
                # Only asks: a lock of our own, however short, would turn readers away.
                answer = fcntl.fcntl(file, fcntl.F_GETLK, _WRITE_LOCK)
            if _lock_type(answer) != fcntl.F_UNLCK:
                return True
        return False

    def _newest_first(self) -> Iterator[str]:
        """The current version, then those that it has followed; not by the times in their names, because a clock can be set back."""
        name = self.current_name()
        while name is not None:
            yield name
            name = self._previous(name)

    def _previous(self, name: str) -> str | None:
        """The version that one has followed; None if it was the first, or is not there any more."""
        manifest = Manifest.read(self.folder / name)
        return manifest.previous if manifest else None


def cannot_be_written(
    folder: Path, error: Exception, variable: str = Versions.variable
) -> PublishError:
    """What to say if the disk is full, or nobody may write."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return PublishError(
        f"{folder}: cannot be written: {reason};"
        f" make room there, or set {variable} to a folder that can be written"
    )


def _lock_type(lock: bytes) -> int:
    return int(struct.unpack(_LOCK_LAYOUT, lock)[_LOCK_LAYOUT.index("h")])
