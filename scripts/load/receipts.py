"""What the last load found in the lake, so that the next one needs only checksums to know that a file is intact.

A receipt of a feed and batch holds what landed and the checksum of each file of the lake. If all match, the
lake is as the load left it and need not be read again. If one does not, or there is no receipt, the footers of the
files decide. The receipts may be deleted at any time: the next load takes longer, once.

Usage:
    receipts = Receipts(lake)
    receipts.put(label, batch, Receipt(...))
    receipts.save()
"""

import hashlib
import json
from dataclasses import asdict, dataclass
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
    """

    contract: str
    files: list[dict[str, Any]]
    sha256: dict[str, str]


class Receipts:
    """The receipts of a local lake; an object store has none, because it checks its objects itself."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = Lock()
        self._receipts = self._read()
        self._is_changed = False

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
        return {key: Receipt(**receipt) for key, receipt in json.loads(content).items()}


def _checksum(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
