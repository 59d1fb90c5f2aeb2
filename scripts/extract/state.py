"""How far each system has been read: a file in the folder of the batch, which appears with it in one rename.

Usage:
    last = last_extraction(Path("data/sources"))
    position = last.systems["brokerage"].position if last else None

There is no other state. So whoever deletes the folder of the last batch has its rows extracted again, as far as the system still has them.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from scripts.extract.errors import ExtractError
from scripts.load.sources import EXTRACTION
from scripts.warehouse.files import open_locked

_BATCH = re.compile(r"Batch([1-9][0-9]*)")
# What says where a system was left: what it needs to go on, as JSON.
Position = dict[str, Any]


@dataclass
class FeedCount:
    """What was read of a feed for a batch.

    Attributes:
        rows: records read, each of which is in the file of the feed; 0 for whole files.
        files: files written.
        bytes: of these files.
        system_rows: how many the system itself says there are; None if it does not say.
        unknown: columns of the system that the contract does not know.
    """

    rows: int = 0
    files: int = 0
    bytes: int = 0
    system_rows: int | None = None
    unknown: list[str] = field(default_factory=list)


@dataclass
class SystemState:
    """How far a system was read, when and into which batch it last was, and what that brought.

    Attributes:
        position: where to go on.
        batch: the batch.
        read_at: when, in UTC.
        retries: how often something was asked for again.
        lag_bytes: how much it had that was not read yet when the extraction began; None if it does not say.
        lag_rows: the same in records.
        warnings: what people should look at.
        feeds: what was read, by feed.
    """

    position: Position
    batch: int
    read_at: datetime
    retries: int = 0
    lag_bytes: int | None = None
    lag_rows: int | None = None
    warnings: list[str] = field(default_factory=list)
    feeds: dict[str, FeedCount] = field(default_factory=dict)


@dataclass(frozen=True)
class Extraction:
    """What a batch folder says of itself."""

    batch: int
    batch_date: date
    run_id: str
    systems: dict[str, SystemState]

    def write(self, folder: Path) -> None:
        """Write it into the folder of its batch."""
        text = json.dumps(asdict(self), default=lambda value: value.isoformat(), indent=1)
        (folder / EXTRACTION).write_text(f"{text}\n", encoding="utf-8")


def last_extraction(sources: Path) -> Extraction | None:
    """The last batch that was extracted into a folder; None if there is none.

    Raises:
        ExtractError: its state cannot be read.
    """
    for number in sorted(batch_numbers(sources), reverse=True):
        if found := read_extraction(sources / f"Batch{number}"):
            return found
    return None


def read_extraction(folder: Path) -> Extraction | None:
    """What the folder of a batch says of itself; None if it was not extracted."""
    path = folder / EXTRACTION
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Extraction(
            values["batch"],
            date.fromisoformat(values["batch_date"]),
            values["run_id"],
            {name: _system_state(found) for name, found in values["systems"].items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExtractError(
            f"{path}: cannot be read: {error}; restore the folder of this batch, or delete it to have it extracted again"
        ) from error


def _system_state(values: dict[str, Any]) -> SystemState:
    feeds = {name: FeedCount(**count) for name, count in values["feeds"].items()}
    read_at = datetime.fromisoformat(values["read_at"])
    return SystemState(**(values | {"read_at": read_at, "feeds": feeds}))


def batch_numbers(sources: Path) -> list[int]:
    """The numbers of the batches in a folder, extracted or delivered."""
    if not sources.is_dir():
        return []
    found = (_BATCH.fullmatch(path.name) for path in sources.iterdir())
    return sorted(int(match[1]) for match in found if match)


@contextmanager
def one_at_a_time(sources: Path) -> Iterator[None]:
    """Lock a second extraction into the same folder out; the lock ends with the process.

    Raises:
        ExtractError: another one is going on, or the folder cannot be written.
    """
    try:
        lock = open_locked(sources / ".extract.lock")
    except BlockingIOError as error:
        raise ExtractError(
            f"{sources}: another extraction is writing to this folder; wait for it to end"
        ) from error
    except OSError as error:
        raise ExtractError(
            f"{sources}: cannot be written: {error.strerror}; set SOURCES (or --sources) to a folder that can"
        ) from error
    with lock:
        yield
