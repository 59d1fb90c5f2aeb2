"""What has been delivered: which batches are in the source folder, what they still lack, and whether their files have changed.

Usage:
    for delivery in deliveries(SourceFolder("data/sources"), read_contracts(CONTRACTS_FOLDER)):
        print(delivery.batch, delivery.missing, delivery.digest)

Only names, sizes and times are looked at, so it is cheap enough to look every half minute.
"""

import hashlib
from dataclasses import dataclass

from scripts.load.contracts import Contracts
from scripts.load.sources import SourceFolder


@dataclass(frozen=True)
class Delivery:
    """The files of a batch as they are now.

    Attributes:
        batch: its number.
        missing: the files that its contracts require and that are not there, each as `system.feed (Batch2/Name.txt)`.
        digest: a SHA-256 of names, sizes and times of its files, in hexadecimal digits: another one if a file came, went or was replaced.
    """

    batch: int
    missing: tuple[str, ...]
    digest: str

    @property
    def is_complete(self) -> bool:
        """Whether everything that is required is there, though perhaps still being written."""
        return not self.missing


def deliveries(sources: SourceFolder, contracts: Contracts) -> list[Delivery]:
    """All batches of a source folder, in their order."""
    return [delivery_of(batch, sources, contracts) for batch in sources.batches]


def delivery_of(batch: int, sources: SourceFolder, contracts: Contracts) -> Delivery:
    """One batch of a source folder."""
    files = set(sources.files_below(batch))
    missing = []
    for feed in contracts.feeds:
        if not feed.comes_in(batch):
            continue
        found = sources.files_of(feed, batch)
        files.update(found)
        if feed.required and not found:
            patterns = " or ".join(feed.files).replace("{batch}", str(batch))
            missing.append(f"{feed.label} ({patterns})")
    lines = sorted(f"{file.name}\n{file.bytes}\n{file.modified}" for file in files)
    digest = hashlib.sha256("\n\n".join(lines).encode()).hexdigest()
    return Delivery(batch, tuple(missing), digest)
