"""Days without a fault, with the variation that real ones have: nothing of it may be told.

Usage:
    for look_at, sight in CleanDays(seed=1).looks(days=30):
        assert take_look(sight, state).active == []

Weekdays only; batches come around three in the morning, give or take a quarter of an hour; the rows of feeds vary by a tenth to a fifth, by season of the week
and, if they are few, by chance; some rows are quarantined; load, build and publish take a fifth more or less. History begins with the first day.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import exp, log
from pathlib import Path
from uuid import UUID

from scripts.history.records import RecordedRun
from scripts.monitor.deliveries import Deliveries, Delivery
from scripts.monitor.sight import Deadline, Places, Publication, Sight
from scripts.monitor.thresholds import read_thresholds
from scripts.warehouse.settings import Target
from tests.python.run_records import green_run

FIRST_DAY = datetime(2026, 3, 2)
# Rows of a day, their variation (of the logarithm), and how many times as many on Mondays.
FEEDS = {
    "brokerage.account": (900, 0.10, 1.3),
    "brokerage.cash_transaction": (12_000, 0.15, 1.5),
    "brokerage.customer": (450, 0.10, 1.3),
    "brokerage.holding_history": (9, 0.10, 1.0),
    "brokerage.trade": (36_000, 0.20, 1.5),
    "brokerage.watch_history": (5_000, 0.15, 1.2),
    "control.audit": (29, 0.0, 1.0),
    "control.batch_date": (1, 0.0, 1.0),
    "market.daily_market": (1_500, 0.0, 1.0),
    "prospect.prospect": (45_000, 0.001, 1.0),
}
# Of a thousand rows; one kind, which occurs now and then from the first week on.
QUARANTINED = {"brokerage.trade": 1.0, "prospect.prospect": 0.5}
KIND = "a value is not a date: …"
NEVER = Path("/nonexistent")


@dataclass
class CleanDays:
    """A sequence of days that a seed decides."""

    seed: int
    items: list[Delivery] = field(default_factory=list)
    dates: dict[int, date] = field(default_factory=dict)
    violations: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)
    runs: list[RecordedRun] = field(default_factory=list)
    publication: Publication | None = None

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def looks(self, days: int) -> Iterator[Sight]:
        """What the monitor sees, seven times a day, once while a build runs; the day before the first one is the historical load."""
        self.items += [
            self._delivery(1, label, 100 * rows, FIRST_DAY - timedelta(days=3))
            for label, (rows, _, _) in FEEDS.items()
        ]
        batch = 1
        for number in range(days):
            day = FIRST_DAY + timedelta(days=number)
            for hour in (0, 1, 2):
                yield self._sight(day + timedelta(hours=hour))
            if day.weekday() < 5:
                batch += 1
                yield self._deliver(batch, day)
            for hour in (7, 13, 20):
                yield self._sight(day + timedelta(hours=hour))

    def _deliver(self, batch: int, day: datetime) -> Sight:
        """The batch of a day, from its landing to its publication; returns what is seen in the middle of its build."""
        at = day + timedelta(hours=3, minutes=self._chance.gauss(0, 5))
        self.dates[batch] = day.date()
        for label, (rows, variation, mondays) in FEEDS.items():
            expected = rows * (mondays if day.weekday() == 0 else 1)
            expected *= exp(self._chance.gauss(0, variation))
            # What is left to chance varies by its square root.
            count = expected if variation == 0 else self._chance.gauss(expected, expected**0.5)
            self.items.append(self._delivery(batch, label, max(1, round(count)), at))
        self._run("load", at, 120)
        build_at = at + timedelta(minutes=5)
        seconds = self._run("build", build_at, 1500)
        half_done = self._sight(build_at + timedelta(seconds=seconds / 2), unfinished=1)
        published_at = build_at + timedelta(seconds=seconds - 10)
        self.publication = Publication(None, f"batch-{batch}", batch, published_at)
        return half_done

    def _delivery(self, batch: int, label: str, rows: int, at: datetime) -> Delivery:
        expected = rows * QUARANTINED.get(label, 0) / 1000
        quarantined = max(0, round(self._chance.gauss(expected, expected**0.5)))
        if quarantined:
            self.violations[label, batch] = {KIND: quarantined}
        landed = rows - quarantined
        return Delivery(batch, label, False, True, False, rows, landed, quarantined, None, at)

    def _run(self, kind: str, at: datetime, usual: float) -> float:
        seconds = exp(self._chance.gauss(log(usual), 0.2))
        run_id = str(UUID(int=self._chance.getrandbits(128)))
        self.runs.append(green_run(kind, run_id, at, seconds, "data/warehouse.duckdb"))
        return seconds

    def _sight(self, now: datetime, unfinished: int = 0) -> Sight:
        thresholds = read_thresholds()
        # The disk of this machine has no part in it.
        thresholds["disk"] |= {"free_share": 0.0, "free_files_share": 0.0}
        places = Places(str(NEVER), NEVER, NEVER, NEVER, Target.DUCKDB)
        sight = Sight(places, thresholds, now, Deadline.parse("Mon-Fri 06:30Z"))
        since = thresholds["history"]["days"]
        last = self.runs[-unfinished:] if unfinished else []
        whole = self.runs[: len(self.runs) - unfinished]
        seen = {
            "runs": [*whole, *(RecordedRun(run.started, None) for run in last)],
            "deliveries": Deliveries(
                tuple(item for item in self.items if item.batch > 1)[-since * len(FEEDS) :],
                dict(self.dates),
                dict(self.violations),
                tuple(sorted({item.batch for item in self.items})),
            ),
            "publication": self.publication,
        }
        # They are read once; here, they are given.
        vars(sight).update(seen)
        return sight
