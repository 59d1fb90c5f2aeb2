"""What has landed of each feed and batch: the load log and the quarantine of the lake, read without disturbing a load.

Usage:
    deliveries = read_deliveries("data/lake", batches=60)
    deliveries.of_feed("brokerage.trade")
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from fsspec.implementations.local import LocalFileSystem

from scripts.load.filesystems import filesystem_of

_QUERY = Path(__file__).with_name("deliveries.sql")
# A load replaces files: one that was there a moment ago may be gone, and all of them are read again.
_ATTEMPTS = 3
# The first batch brings the whole history, and says nothing about a day.
_FIRST_DAILY_BATCH = 2

Rows = list[tuple[Any, ...]]


class DeliveriesError(Exception):
    """The lake cannot be read: says why and what to do."""


@dataclass(frozen=True)
class Delivery:
    """A feed of a batch: what landed of it, or why nothing did.

    Attributes:
        batch: the number of the batch.
        label: the feed, `system.feed`.
        has_failed: it is a failed attempt; what an earlier one landed is a delivery of its own.
        has_files: there was a file.
        is_missing: it failed because there was no file.
        rows_read: records in its files.
        rows_landed: rows that landed.
        rows_quarantined: rows that violate the contract.
        message: why it failed.
        loaded_at: when its batch began to land, in UTC.
    """

    batch: int
    label: str
    has_failed: bool
    has_files: bool
    is_missing: bool
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    message: str | None
    loaded_at: datetime

    @property
    def quarantined_share(self) -> float:
        """The share of its rows that violate the contract."""
        return self.rows_quarantined / self.rows_read if self.rows_read else 0.0

    @property
    def order(self) -> tuple[datetime, int]:
        """When it landed, among those of its feed."""
        return self.loaded_at, self.batch


@dataclass(frozen=True)
class Deliveries:
    """What has landed of the last daily batches.

    Attributes:
        items: every feed of every batch.
        dates: the date of each batch, as it says itself.
        violations: the kinds of violation of each feed and batch, and in how many rows.
        batches: the numbers of all batches that the lake holds, also older ones.
    """

    items: tuple[Delivery, ...]
    dates: dict[int, date]
    violations: dict[tuple[str, int], dict[str, int]]
    batches: tuple[int, ...]

    @cached_property
    def labels(self) -> list[str]:
        """The feeds, `system.feed`."""
        return sorted({delivery.label for delivery in self.items})

    @cached_property
    def landings(self) -> dict[int, datetime]:
        """When each batch began to land, in UTC."""
        found: dict[int, datetime] = {}
        for item in self.items:
            found[item.batch] = min(item.loaded_at, found.get(item.batch, item.loaded_at))
        return found

    def failed(self) -> Iterator[Delivery]:
        """The deliveries that failed, and have not landed since."""
        return (item for item in self.items if item.has_failed)

    def of_feed(self, label: str) -> list[Delivery]:
        """What landed of a feed, in the order in which it did."""
        found = (item for item in self.items if item.label == label and not item.has_failed)
        return sorted(found, key=lambda item: item.order)

    def weekday(self, delivery: Delivery) -> int:
        """The day of the week that a delivery is about; 0 is Monday."""
        return (self.dates.get(delivery.batch) or delivery.loaded_at).weekday()


def read_deliveries(lake: str, batches: int) -> Deliveries:
    """The deliveries of the last batches; none if there is no lake yet.

    Raises:
        DeliveriesError: the lake cannot be read.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _read(lake, batches)
        except (duckdb.Error, OSError, ImportError, ValueError) as error:
            if attempt == _ATTEMPTS:
                said = " ".join(str(error).split())
                raise DeliveriesError(
                    f"{lake}: the load log cannot be read: {said}; set LAKE to the lake, or load again"
                ) from error
    raise AssertionError


def _read(lake: str, batches: int) -> Deliveries:
    filesystem, root = filesystem_of(lake)
    is_local = isinstance(filesystem, LocalFileSystem)
    prefix = "" if is_local else f"{lake.partition('://')[0]}://"
    with _connection(None if is_local else filesystem) as connection:

        def rows(query: str, table: str) -> Rows:
            found = (
                path
                for batch in last
                for path in filesystem.glob(f"{root}/control/{table}/batch_id={batch}/*.parquet")
            )
            # A load writes hidden files, and renames them.
            files = [f"{prefix}{path}" for path in found if not _name(path).startswith(".")]
            if not files:
                return []
            connection.execute("set variable files = $files", {"files": files})
            return connection.execute(query).fetchall()

        numbers = sorted(
            int(match[1])
            for path in filesystem.glob(f"{root}/control/load_log/batch_id=*")
            if (match := re.fullmatch(r"batch_id=([1-9][0-9]*)", _name(path)))
        )
        last = [number for number in numbers if number >= _FIRST_DAILY_BATCH][-batches:]
        items = rows(_QUERY.read_text(encoding="utf-8"), "load_log")
        dates = rows(
            "select batch_id, max(batch_date) from read_parquet(getvariable('files')) group by 1",
            "batch_date",
        )
        reasons = rows(
            "select system || '.' || feed, batch_id, reason, count(*)"
            " from read_parquet(getvariable('files'), hive_partitioning = false) group by all",
            "quarantine",
        )
    violations: dict[tuple[str, int], dict[str, int]] = {}
    for label, batch, reason, count in reasons:
        kinds = violations.setdefault((label, batch), {})
        kind = kind_of(reason)
        kinds[kind] = kinds.get(kind, 0) + count
    return Deliveries(
        tuple(Delivery(*item) for item in items), dict(dates), violations, tuple(numbers)
    )


def kind_of(reason: str) -> str:
    """The kind of a violation: its reason without the values, which may be personal."""
    without_quoted = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "…", reason)
    return re.sub(r"[+-]?\d+(?:[.,:/-]\d+)*", "#", without_quoted)


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


@contextmanager
def _connection(filesystem: Any | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database in memory, which reads other file systems through their own driver."""
    with duckdb.connect(config={"threads": 1}) as connection:
        if filesystem is not None:
            connection.register_filesystem(filesystem)
        yield connection
