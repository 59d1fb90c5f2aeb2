"""What is being erased, and how far it is: one file in the folder ERASURES, so that a run that was killed can go on.

Usage:
    journal = Journal.read(folder) or Journal(folder, certificate, ...)
    if not journal.is_done("lake"):
        ...
        journal.record("lake", {"files": 3})
    journal.end()

As long as the work lasts, the file has the values of the persons, because they must be searched for when they are gone from the lake. Only its owner may read it. It is removed at the end.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from scripts.warehouse.files import flush, write_private

JOURNAL = "work.json"


class JournalError(Exception):
    """The journal cannot be used: says why and what to do."""


@dataclass
class Journal:
    """An erasure that has begun.

    Attributes:
        folder: that it is in.
        certificate: the name of the certificate that it will end with.
        began_at: when, UTC.
        keys: of the persons, by kind.
        values: that are nobody else's.
        rows: by feed, how many rows are about them.
        audit: the results of the audit before, by check and batch.
        steps: what is done, with what came out of it; also `lake begun`.
    """

    folder: Path
    certificate: str
    began_at: str
    keys: dict[str, list[str]]
    values: list[str]
    rows: dict[str, int]
    audit: dict[str, str]
    steps: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The one of a folder; None if nothing is being erased.

        Raises:
            JournalError: it cannot be read.
        """
        path = folder / JOURNAL
        try:
            return cls(folder=folder, **json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise JournalError(
                f"{path}: cannot be read: {error}; if it is damaged, delete it and run `erase --again`, which does all steps again; values that are gone from the lake are then searched for no more"
            ) from error

    def write(self) -> None:
        """Write it, whole or not at all.

        Raises:
            JournalError: it cannot be written.
        """
        content = asdict(self)
        del content["folder"]
        try:
            write_private(self.folder / JOURNAL, json.dumps(content, indent=1) + "\n")
        except OSError as error:
            raise JournalError(
                f"{self.folder}: cannot be written: {error.strerror}; set ERASURES to a folder that can"
            ) from error

    def is_done(self, step: str) -> bool:
        """Whether a step was recorded."""
        return step in self.steps

    def record(self, step: str, outcome: Any = None) -> None:
        """Record that a step is done, with what came out of it."""
        self.steps[step] = outcome
        self.write()

    def forget_all_but(self, *steps: str) -> None:
        """Let the next run do all other steps again: what was searched for is still somewhere."""
        self.steps = {name: outcome for name, outcome in self.steps.items() if name in steps}
        self.write()

    def end(self) -> None:
        """Remove it: nothing of the persons is left in it."""
        (self.folder / JOURNAL).unlink(missing_ok=True)
        flush(self.folder)
