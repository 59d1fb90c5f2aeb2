"""The folder of the versions of a share: `<recipient>/<share>/<version>/`, and the link `current`. Written beside and renamed, as published versions are.

Usage:
    versions = ShareVersions.of(share)
    with versions.locked(), versions.new(versions.free_name(name)) as folder:
        write_files(folder)
    index = versions.current_index()
"""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Self

from scripts.publish.versions import CURRENT, Versions
from scripts.share.index import Index, UnreadableIndexError
from scripts.warehouse.files import replacing
from scripts.warehouse.settings import setting

_REVOKED = "revoked.json"
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
        try:
            return Index.read(self.folder / version)
        except UnreadableIndexError:
            return None

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
        (self.folder / CURRENT).unlink(missing_ok=True)
        for path in list(self.folder.iterdir()):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)

    def _previous(self, name: str) -> str | None:
        index = self.index(name)
        return index.previous if index else None
