"""What the last load found in the lake, so that the next one needs only checksums to know that a file is intact.

A receipt of a feed and batch holds what landed and the checksum of each file of the lake. If all match, the
lake is as the load left it and need not be read again. If one does not, or there is no receipt, the footers of the
files decide. The receipts may be deleted at any time: the next load takes longer, once.

The digest by which the copy in Postgres knows a batch comes from the footers, too; a receipt keeps it.

Usage:
    receipts = Receipts(lake)
    receipts.put(label, batch, Receipt(...))
    receipts.save()
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import Any

from scripts.load.lake import Lake


@dataclass(frozen=True)
class Receipt:
    """What landed of a feed and batch.

    Attributes:
        contract: the fingerprint of the contract under which it landed.
        files: the result for each source file.
        sha256: the checksum of each file in the lake, by its name in `BatchFiles`.
        digest: the digest of their footers; empty before Postgres needs it.
    """

    contract: str
    files: list[dict[str, Any]]
    sha256: dict[str, str]
    digest: str = ""


class Receipts:
    """The receipts of a local lake; an object store has none, because it checks its objects itself."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = Lock()
        self._receipts = self._read()
        self._is_changed = False
        # Those that this load compared with the lake, or wrote.
        self._confirmed: set[str] = set()

    def find(self, label: str, batch: int) -> Receipt | None:
        """The receipt of a feed and batch, if there is one."""
        return self._receipts.get(f"{label} {batch}")

    def put(self, label: str, batch: int, receipt: Receipt | None) -> None:
        """Set the receipt of what is in the lake now; None removes it."""
        key = f"{label} {batch}"
        with self._lock:
            if self._receipts.get(key) != receipt:
                self._is_changed = True
                self._receipts.pop(key, None)
                if receipt:
                    self._receipts[key] = receipt
            self._confirmed.add(key)

    def confirm(self, label: str, batch: int) -> None:
        """Record that the lake still holds what the receipt says."""
        with self._lock:
            self._confirmed.add(f"{label} {batch}")

    def digest(self, label: str, batch: int, compute: Callable[[], str]) -> str:
        """The digest of the footers of a feed and batch: computed, unless a confirmed receipt has it."""
        key = f"{label} {batch}"
        receipt = self._receipts.get(key)
        if receipt is None or key not in self._confirmed:
            return compute()
        if not receipt.digest:
            receipt = replace(receipt, digest=compute())
            self._receipts[key] = receipt
            self._is_changed = True
        return receipt.digest

    def save(self) -> None:
        """Write them for the next load.

        Raises:
            LakeError: the lake cannot be written.
        """
        if not self._is_changed:
            return
        content = json.dumps({key: asdict(self._receipts[key]) for key in sorted(self._receipts)})
        self._lake.write_note(f"{_checksum(content)}\n{content}\n")
        self._is_changed = False

    def _read(self) -> dict[str, Receipt]:
        checksum, _, content = self._lake.read_note().rstrip("\n").partition("\n")
        if not content or checksum != _checksum(content):
            return {}
        try:
            return {key: Receipt(**receipt) for key, receipt in json.loads(content).items()}
        except TypeError:
            # Another version of the loader wrote them, with other fields.
            return {}


def _checksum(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
