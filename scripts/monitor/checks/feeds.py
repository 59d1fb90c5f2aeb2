"""Checks of what has come: batches and feeds that are late, missing, empty or unusual, from the load log of the lake; and of what was read from living systems.

What landed on the last day of landings is judged, by what landed before it. So an alert is over when a corrected file has landed, or when the next day is as usual.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from scripts.history.records import SystemRead
from scripts.monitor.deliveries import Deliveries, Delivery
from scripts.monitor.redaction import without_values
from scripts.monitor.registry import Seen, Severity, check
from scripts.monitor.sight import Sight
from scripts.monitor.statistics import Usual, usual_rows

_DAY = timedelta(days=1)


@check(
    "batch_late",
    Severity.CRITICAL,
    "the batch of the day has not come by its usual time",
    "ask the sources for it; when it is there: load and build",
)
def batch_late(sight: Sight) -> Iterator[Seen]:
    """Over when it lands. A day of delivery is a weekday on which batches came before."""
    landings = list(sight.deliveries.landings.values())
    late = next_due(landings, sight.now, sight.thresholds)
    if late:
        yield Seen(
            "batch",
            f"no batch has come since {max(landings):%a %Y-%m-%d %H:%M}; the next one was usual before"
            f" {late:%a %Y-%m-%d %H:%M} (UTC)",
        )


@check(
    "batch_missing",
    Severity.WARNING,
    "a later batch has landed, but one before it has not",
    "deliver it and load: late batches are taken in",
)
def batch_missing(sight: Sight) -> Iterator[Seen]:
    """Over when it lands."""
    for before, after in pairwise((0, *sight.deliveries.batches)):
        if after - before > 1:
            numbers = f"{before + 1}" if after - before == 2 else f"{before + 1} to {after - 1}"
            yield Seen(f"batch {numbers}", f"batch {numbers} is missing; batch {after} has landed")


@check(
    "feed_missing",
    Severity.CRITICAL,
    "a feed has not come with its batch",
    "have its file delivered, and load again",
)
def feed_missing(sight: Sight) -> Iterator[Seen]:
    """Over when it lands. An optional feed is missing if it came with each batch before."""
    deliveries = sight.deliveries
    for item in deliveries.failed():
        if item.is_missing:
            yield Seen(_subject(item), f"{_subject(item)}: {without_values(item.message)}")
    for judged in _judged(sight):
        had_files = [item.has_files for item in judged.earlier]
        if not judged.item.has_files and judged.has_history and all(had_files):
            yield Seen(
                _subject(judged.item),
                f"{_subject(judged.item)}: no file has come, as in none of the {len(had_files)} batches before",
            )
    yield from _never_logged(sight)


@check(
    "feed_failed",
    Severity.CRITICAL,
    "the file of a feed cannot be loaded",
    "have it corrected and delivered again, and load",
)
def feed_failed(sight: Sight) -> Iterator[Seen]:
    """Over when it lands."""
    for item in sight.deliveries.failed():
        if not item.is_missing:
            yield Seen(_subject(item), f"{_subject(item)}: {without_values(item.message)}")


@check(
    "feed_empty",
    Severity.WARNING,
    "a feed has landed without a row, which it never did",
    "ask its source whether there was nothing to deliver",
)
def feed_empty(sight: Sight) -> Iterator[Seen]:
    """Over when rows land, or with the next day."""
    for judged in _judged(sight):
        is_empty = judged.item.has_files and judged.item.rows_read == 0
        if is_empty and judged.has_history and all(item.rows_read for item in judged.earlier):
            yield Seen(
                _subject(judged.item),
                f"{_subject(judged.item)} is empty, as none of the {len(judged.earlier)} batches before",
            )


@check(
    "feed_volume",
    Severity.WARNING,
    "a feed has many fewer or many more rows than usual",
    "ask its source whether the file is whole, and only once in it; if it is right, nothing",
)
def feed_volume(sight: Sight) -> Iterator[Seen]:
    """Over when a corrected file lands, or with the next day. Compared with the same weekday, if there were enough of them; otherwise with all, unless it resembles its weekday."""
    for judged in _judged(sight):
        same, others = judged.comparable(sight.deliveries)
        has_season = len(same) >= judged.history["least_of_weekday"]
        earlier = same if has_season else others
        if not (judged.item.rows_read and judged.has_history and earlier):
            continue
        spreads, least_factor = judged.limits["spreads"], judged.limits["least_factor"]
        usual = usual_rows(earlier, spreads, least_factor)
        # A few of the same weekday say little, but what resembles them is no surprise.
        of_weekday = usual_rows(same, 0, least_factor) if same and not has_season else usual
        is_usual = any(found.contains(judged.item.rows_read) for found in (usual, of_weekday))
        if usual.median >= judged.limits["least_rows"] and not is_usual:
            yield Seen(
                _subject(judged.item),
                f"{_subject(judged.item)} has {judged.item.rows_read:,} rows; usual are {usual.median:,.0f}"
                f" ({max(usual.least, 0):,.0f} to {usual.greatest:,.0f}, from {len(earlier)} batches)",
            )


@check(
    "quarantine_share",
    Severity.WARNING,
    "an unusual share of the rows of a feed violates its contract",
    "see the reasons in quality.quarantined_rows; have the file corrected, or the contract",
)
def quarantine_share(sight: Sight) -> Iterator[Seen]:
    """Over when a corrected file lands, or with the next day."""
    for judged in _judged(sight):
        limits = judged.limits
        before = max((item.quarantined_share for item in judged.earlier), default=0.0)
        limit = max(limits["quarantine_share"], limits["share_factor"] * before)
        if judged.item.quarantined_share > limit:
            yield Seen(
                _subject(judged.item),
                f"{_subject(judged.item)}: {judged.item.rows_quarantined:,} of {judged.item.rows_read:,} rows"
                f" are quarantined, {judged.item.quarantined_share:.1%}; at most {limit:.1%} are usual",
            )


@check(
    "new_violation",
    Severity.WARNING,
    "rows of a feed violate its contract in a way that none did before",
    "see the rows in quality.quarantined_rows; ask the source what has changed",
)
def new_violation(sight: Sight) -> Iterator[Seen]:
    """Over when a corrected file lands, or with the next day."""
    violations = sight.deliveries.violations
    for judged in _judged(sight):
        kinds = violations.get((judged.item.label, judged.item.batch), {})
        if not (kinds and judged.has_history):
            continue
        known = {
            kind for item in judged.earlier for kind in violations.get((item.label, item.batch), {})
        }
        for kind in sorted(kinds.keys() - known):
            yield Seen(
                f"{_subject(judged.item)}, {kind}",
                f"{_subject(judged.item)}: {kind} ({kinds[kind]:,} rows); new in {len(judged.earlier) + 1} batches",
            )


@check(
    "source_warning",
    Severity.WARNING,
    "the last extraction of a living system was warned of something",
    "put it right at the system or in its contract, as docs/extract.md says, and extract again",
)
def source_warning(sight: Sight) -> Iterator[Seen]:
    """Over when the system was read without a warning."""
    last: dict[str, SystemRead] = {}
    for read in sight.systems_read:
        if read.system not in last or read.read_at >= last[read.system].read_at:
            last[read.system] = read
    for system, read in sorted(last.items()):
        if read.warning:
            yield Seen(
                system, f"{system}, read {read.read_at:%Y-%m-%d %H:%M} (UTC): {read.warning}"
            )


@dataclass(frozen=True)
class _Judged:
    """A delivery, what landed of its feed before it, and the limits of the feed."""

    item: Delivery
    earlier: list[Delivery]
    limits: dict[str, Any]
    history: dict[str, Any]

    @property
    def has_history(self) -> bool:
        return bool(len(self.earlier) >= self.history["least_values"])

    def comparable(self, deliveries: Deliveries) -> tuple[list[int], list[int]]:
        """The rows of the earlier ones: of the same weekday, and of all; without those that were empty."""
        weekday = deliveries.weekday(self.item)
        with_rows = [item for item in self.earlier if item.rows_read]
        same = [item.rows_read for item in with_rows if deliveries.weekday(item) == weekday]
        return same, [item.rows_read for item in with_rows]


def _judged(sight: Sight) -> Iterator[_Judged]:
    """What landed on the last day of landings."""
    deliveries = sight.deliveries
    last = max(deliveries.landings.values(), default=sight.now)
    begin = last - timedelta(seconds=sight.thresholds["feed"]["judged_seconds"])
    for label in deliveries.labels:
        items = deliveries.of_feed(label)
        limits = sight.thresholds.of_feed(label)
        for index, item in enumerate(items):
            if item.loaded_at > begin:
                yield _Judged(item, items[:index], limits, sight.thresholds["history"])


def _never_logged(sight: Sight) -> Iterator[Seen]:
    """Feeds that came with each batch before, and of which nothing is logged for a batch that has had time to land."""
    deliveries = sight.deliveries
    last = max(deliveries.landings, default=0)
    earlier = deliveries.landings.keys() - {last}
    grace = timedelta(seconds=sight.thresholds["feed"]["grace_seconds"])
    is_over = bool(last) and sight.now - deliveries.landings[last] > grace
    if not is_over or len(earlier) < sight.thresholds["history"]["least_values"]:
        return
    batches: dict[str, set[int]] = {label: set() for label in deliveries.labels}
    for item in deliveries.items:
        batches[item.label].add(item.batch)
    for label, found in batches.items():
        if last not in found and earlier <= found:
            subject = f"{label} of batch {last}"
            yield Seen(
                subject, f"{subject}: it was not loaded, though it came with each batch before"
            )


def _subject(item: Delivery) -> str:
    return f"{item.label} of batch {item.batch}"


def next_due(
    landings: list[datetime], now: datetime, thresholds: dict[str, dict[str, Any]]
) -> datetime | None:
    """When the first batch that is late now should have come at the latest; None if none is late.

    Days begin when the fewest batches come, so that those around midnight belong to one day.

    Args:
        landings: when batches landed.
        now: the time until which is looked.
        thresholds: `batch` and `history` of them.
    """
    limits, history = thresholds["batch"], thresholds["history"]
    begin = _quietest(landings)
    days: dict[date, timedelta] = {}
    for landing in sorted(landings):
        day, time_of_day = _split(landing - begin)
        days.setdefault(day, time_of_day)
    if len(days) < history["least_values"]:
        return None
    first, last = min(days), max(days)
    weekdays = Counter((first + n * _DAY).weekday() for n in range((last - first).days + 1))
    landed = Counter(day.weekday() for day in days)
    for number in range(1, (now - begin - datetime.combine(last, time())).days + 1):
        day = last + number * _DAY
        weekday = day.weekday()
        is_due = (
            weekdays[weekday] >= limits["least_weeks"]
            and landed[weekday] >= limits["weekday_share"] * weekdays[weekday]
        )
        same = [at.total_seconds() for other, at in days.items() if other.weekday() == weekday]
        if len(same) < history["least_of_weekday"]:
            same = [at.total_seconds() for at in days.values()]
        usual = Usual.of(same)
        latest = usual.median + limits["spreads"] * usual.spread + limits["grace_seconds"]
        due = datetime.combine(day, time()) + timedelta(seconds=latest) + begin
        if is_due and now > due:
            return due
    return None


def _quietest(landings: list[datetime]) -> timedelta:
    """The time of day in the middle of the longest time without a landing."""
    times = sorted({_split(landing)[1] for landing in landings})
    if not times:
        return timedelta()
    gaps = list(pairwise([*times, times[0] + _DAY]))
    before, after = max(gaps, key=lambda gap: gap[1] - gap[0])
    return (before + (after - before) / 2) % _DAY


def _split(moment: datetime) -> tuple[date, timedelta]:
    """The day of a moment, and the time since its beginning."""
    return moment.date(), moment - datetime.combine(moment.date(), time())
