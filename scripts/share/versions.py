"""The folder of the versions of a share: `<recipient>/<share>/<version>/`, and the link `current`. Written beside and renamed, as published versions are.

Usage:
    versions = ShareVersions.of("market_research", "trading_activity")
    with versions.locked(), versions.new(versions.free_name(name)) as folder:
        write_files(folder)
    index = versions.current_index()
    with versions.hold(index.version):
        give_links(index)
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import IO, Self

from scripts.publish.versions import CURRENT, PublishError, Versions
from scripts.share.index import CHECKSUMS, INDEX, Index, UnreadableIndexError
from scripts.warehouse.files import replacing
from scripts.warehouse.settings import setting

_REVOKED = "revoked.json"
# The highest number of a version that was the current one and is gone.
_NUMBERED = ".numbered.json"
# Encrypted copies of versions.
_ENCRYPTED = ".encrypted"
_PRIVATE = 0o700


@dataclass(frozen=True)
class Revocation:
    """A share was revoked.

    Attributes:
        on: the day.
        reason: why.
        by: whom, as the system says.
    """

    on: date
    reason: str
    by: str


class ShareVersions(Versions):
    """Versions of a share in a folder, which need not exist yet."""

    variable = "SHARES"

    @classmethod
    def of(cls, recipient: str, share: str, shares: Path | None = None) -> Self:
        """Those of a share.

        Args:
            recipient: who gets it.
            share: its name.
            shares: the folder of all shares; None for SHARES.
        """
        return cls((shares or Path(setting("SHARES"))) / recipient / share)

    def create(self) -> None:
        """Make the folders that are missing; only their owner may look into them, until somebody decides otherwise."""
        missing = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=_PRIVATE, exist_ok=True)

    def current_index(self) -> Index | None:
        """That of the current version; None if there is none, or it cannot be read."""
        return self.index(CURRENT)

    def index(self, version: str) -> Index | None:
        """That of a version; None if there is none, or it cannot be read."""
        folder = self.folder / version
        try:
            # It never changes under the name of a version, so it is read once; but the link may lead to another version of the same moment.
            return _read(folder.resolve(), (folder / INDEX).stat().st_mtime_ns)
        except (OSError, UnreadableIndexError):
            return None

    def history(self) -> Iterator[Index]:
        """The current version and those that it has followed, the newest first, as far as they are there."""
        for name in self._newest_first():
            if (index := self.index(name)) is None:
                return
            yield index

    def next_number(self) -> int:
        """The number of the next version; no other version ever had it. Hold the lock."""
        numbers = [self._numbered(), *(index.number for index in self.history())]
        is_damaged = self.current_name() is not None and self.current_index() is None
        # Which number a damaged one has, nobody knows: one more than the one before, if any.
        return max(numbers) + 1 + is_damaged

    def hold(self, version: str) -> IO[bytes]:
        """Keep a version where it is until the file is closed, or the process ends; only an erasure or a revocation removes it nevertheless.

        Raises:
            OSError: it is not there any more.
        """
        file = (self.folder / version / CHECKSUMS).open("rb")
        fcntl.flock(file, fcntl.LOCK_SH)
        return file

    def encrypted(self, name: str) -> Path:
        """Where encrypted copies of the files of a version are; they go with it."""
        return self.folder / _ENCRYPTED / name

    def remove(self, name: str) -> None:
        """See `Versions`; its number is not given again."""
        if name == self.current_name():
            self._remember_numbers()
        super().remove(name)
        shutil.rmtree(self.encrypted(name), ignore_errors=True)

    def revocation(self) -> Revocation | None:
        """How it was revoked; None if it was not, or was approved again."""
        try:
            content = json.loads((self.folder / _REVOKED).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return Revocation(date.fromisoformat(content["on"]), content["reason"], content["by"])

    def revoke(self, revocation: Revocation) -> None:
        """Remember that it was revoked, and remove all versions; hold the lock."""
        content = json.dumps(asdict(revocation), default=date.isoformat, indent=2) + "\n"
        with replacing(self.folder / _REVOKED) as beside:
            beside.write_text(content, encoding="utf-8")
        self._remember_numbers()
        (self.folder / CURRENT).unlink(missing_ok=True)
        for path in list(self.folder.iterdir()):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)

    def _numbered(self) -> int:
        file = self.folder / _NUMBERED
        try:
            return int(json.loads(file.read_text(encoding="utf-8"))["last"])
        except FileNotFoundError:
            return 0
        except (ValueError, KeyError, TypeError) as error:
            raise PublishError(
                f"{file}: cannot be understood; restore it from your backup"
            ) from error

    def _remember_numbers(self) -> None:
        content = json.dumps({"last": self.next_number() - 1}) + "\n"
        with replacing(self.folder / _NUMBERED) as beside:
            beside.write_text(content, encoding="utf-8")

    def _is_open(self, name: str) -> bool:
        """Whether somebody holds it."""
        try:
            with (self.folder / name / CHECKSUMS).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def _previous(self, name: str) -> str | None:
        index = self.index(name)
        return index.previous if index else None


@lru_cache(maxsize=256)
def _read(folder: Path, _: int) -> Index:
    """The index of a version, which never changes: it is read once."""
    return Index.read(folder)
