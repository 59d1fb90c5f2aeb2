"""Extract a batch: mark all systems, read each up to its mark, put the batch into place, and tell the systems.

Usage:
    result = extract(ExtractOptions(Path("data/sources")))
    print(result.batch)
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

from scripts.extract.errors import ExtractError
from scripts.extract.rows import Row
from scripts.extract.staging import (
    Staging,
    original_path,
    read_originals,
    remove_unfinished,
    replace_rows,
)
from scripts.extract.state import (
    Extraction,
    Position,
    SystemState,
    batch_numbers,
    last_extraction,
    one_at_a_time,
    read_extraction,
)
from scripts.extract.systems.base import Pending, Reader
from scripts.load.contracts import Contracts, Feed, read_contracts
from scripts.load.deliveries import delivery_of
from scripts.load.origins import System
from scripts.load.run import CONTRACTS_FOLDER
from scripts.load.sources import SourceFolder
from scripts.warehouse.clock import utc_now

# By kind: the module and its class. Only what is used is imported, so only its packages need to be installed.
_READERS = {
    "api": ("api", "ApiReader"),
    "database_changes": ("database_changes", "DatabaseChangesReader"),
    "object_store": ("object_store", "ObjectStoreReader"),
    "stream": ("stream", "StreamReader"),
}


@dataclass(frozen=True)
class ExtractOptions:
    """What to extract.

    Attributes:
        sources: the folder of the batches.
        systems: names of systems; empty for all.
        batch_date: of which day the batch is; None for today, in UTC.
        run_id: the run in the run history.
        clock: the time, in UTC.
    """

    sources: Path
    systems: tuple[str, ...] = ()
    batch_date: date | None = None
    run_id: str = field(default_factory=lambda: str(uuid4()))
    clock: Callable[[], datetime] = utc_now

    @property
    def day(self) -> date:
        """Of which day the batch is."""
        return self.batch_date or self.clock().date()


@dataclass(frozen=True)
class ExtractResult:
    """What was extracted.

    Attributes:
        batch: its number; None if there was nothing new.
        systems: the states of the systems that were read.
        warnings: what people should look at.
    """

    batch: int | None
    systems: dict[str, SystemState]
    warnings: list[str]


def extract(options: ExtractOptions) -> ExtractResult:
    """Read what is new in the systems into the next batch.

    Raises:
        ContractError: a contract cannot be used.
        ExtractError: a system cannot be read, or the folder cannot be written. There is no new batch then, and nothing is lost.
    """
    contracts = read_contracts(CONTRACTS_FOLDER)
    with one_at_a_time(options.sources):
        # First of all: a batch that was being made again is under another name for a moment, and its number and position count.
        remove_unfinished(options.sources)
        last = last_extraction(options.sources)
        batch = next_batch(options.sources)
        _check_day(options.day, last)
        states = dict(last.systems) if last else {}
        with _opened(contracts, options, batch) as readers:
            positions = {name: _position(states, name) for name in readers}
            for name, reader in readers.items():
                # What an earlier extraction could not tell any more, because it was killed.
                if (position := positions[name]) is not None:
                    reader.confirm(position)
            for name, reader in readers.items():
                reader.mark(positions[name])
            with Staging.begun(options.sources, contracts, batch) as staging:
                read = _read(readers, positions, staging, options)
                if not read:
                    return ExtractResult(None, {}, _warnings(readers))
                states |= read
                staging.publish(Extraction(batch, options.day, options.run_id, states))
            for name, state in read.items():
                # It is in place. If this fails, the next extraction does it.
                with suppress(ExtractError):
                    readers[name].confirm(state.position)
            return ExtractResult(
                batch, read, [*_warnings(readers), *_incomplete(options.sources, contracts, batch)]
            )


def extract_again(sources: Path, batch: int) -> list[str]:
    """Make the files of a batch again from what its systems have said, by the contracts as they are now; asks no system.

    Returns:
        the feeds whose files were made again. Others were copied as they are: snapshots of tables, and whole files.

    Raises:
        ContractError: a contract cannot be used.
        ExtractError: the batch was not extracted, or the folder cannot be written.
    """
    contracts = read_contracts(CONTRACTS_FOLDER)
    with one_at_a_time(sources):
        remove_unfinished(sources)
        folder = sources / f"Batch{batch}"
        if read_extraction(folder) is None:
            raise ExtractError(f"{folder}: this batch was not extracted; deliver its files again")
        found = [
            (feed, _kept_rows(folder, contracts.systems[feed.system], feed, batch))
            for feed in contracts.feeds
            if feed.origin is not None and original_path(folder, feed).exists()
        ]
        replace_rows(sources, batch, found)
        return [feed.label for feed, _ in found]


def _kept_rows(folder: Path, system: System, feed: Feed, batch: int) -> Iterator[Row]:
    reader = _reader(system, [feed], batch)
    for original in read_originals(folder, feed):
        yield from reader.rows(feed, original)


def next_batch(sources: Path) -> int:
    """The number after the last batch of the folder."""
    return max(batch_numbers(sources), default=0) + 1


def pending(options: ExtractOptions) -> dict[str, Pending]:
    """What each system has that was not read yet; changes nothing.

    Raises:
        ContractError: a contract cannot be used.
        ExtractError: a system cannot be reached.
    """
    contracts = read_contracts(CONTRACTS_FOLDER)
    last = last_extraction(options.sources)
    states = last.systems if last else {}
    with _opened(contracts, options, next_batch(options.sources)) as readers:
        return {name: reader.pending(_position(states, name)) for name, reader in readers.items()}


def _position(states: dict[str, SystemState], name: str) -> Position | None:
    return states[name].position if name in states else None


def _check_day(day: date, last: Extraction | None) -> None:
    if last and day <= last.batch_date:
        raise ExtractError(
            f"batch {last.batch} is that of {last.batch_date}, and days must rise from batch to batch: extract again"
            " after that day, or name the day with --batch-date"
        )


def _read(
    readers: dict[str, Reader],
    positions: dict[str, Position | None],
    staging: Staging,
    options: ExtractOptions,
) -> dict[str, SystemState]:
    """Read all systems; returns their states, or none if nothing was new."""
    found: dict[str, tuple[Position, bool]] = {
        name: reader.read(staging, positions[name]) for name, reader in readers.items()
    }
    if not any(has_news for _, has_news in found.values()):
        return {}
    staging.finish_rows()
    return {
        name: SystemState(
            position,
            staging.batch,
            options.clock(),
            readers[name].retries,
            readers[name].lag.bytes,
            readers[name].lag.rows,
            readers[name].warnings,
            {feed.label: staging.count(feed) for feed in readers[name].feeds},
        )
        for name, (position, _) in found.items()
    }


def _incomplete(sources: Path, contracts: Contracts, batch: int) -> Iterator[str]:
    """A warning if the loader will not take the batch: not all systems were read, or some files come another way."""
    missing = delivery_of(batch, SourceFolder(str(sources)), contracts).missing
    if missing:
        yield (
            f"batch {batch} has no {', '.join(missing)}, and the loader takes no batch without what its contracts require:"
            " put these files there; the next extraction makes another batch"
        )


def _warnings(readers: dict[str, Reader]) -> list[str]:
    return [f"{name}: {text}" for name, reader in readers.items() for text in reader.warnings]


@contextmanager
def _opened(
    contracts: Contracts, options: ExtractOptions, batch: int
) -> Iterator[dict[str, Reader]]:
    """The readers of the chosen systems, by name."""
    readers: dict[str, Reader] = {}
    try:
        for system in _chosen(contracts, options.systems):
            feeds = [
                feed
                for feed in contracts.feeds
                if feed.system == system.name and feed.origin is not None
            ]
            readers[system.name] = _reader(system, feeds, batch)
            # Each variable is looked for before anything is read.
            _ = readers[system.name].address
            readers[system.name].folder = options.sources
        yield readers
    finally:
        for reader in readers.values():
            reader.close()


def _chosen(contracts: Contracts, names: Sequence[str]) -> list[System]:
    known = contracts.systems
    for name in names:
        if name not in known:
            raise ExtractError(
                f"--system {name}: no contract declares such a system; there are {', '.join(sorted(known))}"
            )
    if not known:
        raise ExtractError("no contract declares a system to extract from; see docs/extract.md")
    return [known[name] for name in sorted(names or known)]


def _reader(system: System, feeds: Sequence[Feed], batch: int) -> Reader:
    module, name = _READERS[system.kind]
    try:
        found = importlib.import_module(f"scripts.extract.systems.{module}")
    except ImportError as error:
        raise ExtractError(
            f"{system.name}: {error.name} is not installed; run `make .venv/.extract`"
        ) from error
    reader: Reader = getattr(found, name)(system, feeds, batch)
    return reader
