"""What has been kept for as long as the register allows: shown, and retired.

Usage:
    for due in find_due(stores, register, contracts, today, erase):
        print(due.subject, due.count, due.why_kept)
        if not due.why_kept:
            due.retire()

Retired are: records of the run history (by day), texts of quarantined lines (the lines stay, so that counts do), and prospects who left the list (they are erased). Rows of other feeds
stay as long as the warehouse lives: positions, balances and 52-week prices are sums over all batches, and without the first ones they would be wrong. They are shown as kept, with the reason.
Each feed is done as a whole and may be repeated: what was retired is not due any more.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow.compute as pc

from scripts.govern.erasure.lake import RETIRED, RetiredLines, rewrite
from scripts.govern.erasure.persons import matching_prospects
from scripts.govern.erasure.stores import Stores
from scripts.govern.register import Register, Terms
from scripts.load.connection import opened
from scripts.load.contracts import Contracts, Feed
from scripts.load.lake import Lake
from scripts.load.postgres import forget
from scripts.load.receipts import Receipts
from scripts.load.suppression import is_pseudonym
from scripts.warehouse.clock import utc_now
from scripts.warehouse.files import write_private
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import ConnectionSettings, setting

PROSPECTS = "prospect.prospect"
QUARANTINE = "control.quarantine"
_ALL_BATCHES = "positions, balances and 52-week prices are sums over all batches"
_BY_PERSON = "ends with a person; use erase when it has"
_LEFT_THE_LIST = Path(__file__).with_name("prospects_who_left.sql")


@dataclass(frozen=True)
class Due:
    """What was kept long enough of a feed.

    Attributes:
        subject: the feed, as `system.feed`.
        retention: how long it is kept, in words.
        count: of what is due: days of records, lines, prospects, or batches.
        why_kept: why it stays nevertheless; empty if it is retired.
        retire: retires it.
    """

    subject: str
    retention: str
    count: int
    why_kept: str = ""
    retire: Callable[[], object] = lambda: None


def find_due(
    stores: Stores,
    register: Register,
    contracts: Contracts,
    today: date,
    erase: Callable[[list[str]], object],
) -> Iterator[Due]:
    """What is due of each feed that has anything due.

    Args:
        stores: where it is.
        register: how long it is kept, and legal holds.
        contracts: the feeds of the sources, and those of folders of their own.
        today: the day.
        erase: erases prospects, given their keys.
    """
    held = {feed: hold for hold in register.holds for feed in hold.feeds}
    found = [
        *_records(stores, register, contracts, today),
        *_lines(stores, register, contracts, today),
        *_prospects(stores, register, today, erase),
        *_rows(stores, register, contracts, today),
    ]
    for due in found:
        if hold := held.get(due.subject):
            kept = f"legal hold since {hold.since}, set by {hold.set_by}: {hold.reason}"
            yield Due(due.subject, due.retention, due.count, kept)
        elif due.count:
            yield due


def retire(found: Iterable[Due], folder: Path) -> Iterator[Path]:
    """Retire what is due, feed by feed; yields the record of each.

    Args:
        found: see `find_due`.
        folder: that of erasures, where the records are kept.
    """
    for due in found:
        if due.why_kept:
            continue
        due.retire()
        now = utc_now()
        record = {
            "feed": due.subject,
            "retention": due.retention,
            "retired": due.count,
            "retired_at": now.isoformat(timespec="seconds"),
        }
        path = folder / "retired" / f"{now:%Y%m%dT%H%M%SZ}-{due.subject}.json"
        write_private(path, json.dumps(record, indent=2) + "\n")
        yield path


def _past(terms: Terms, dated: dict[int, date], today: date) -> list[int]:
    """Of some batches with their days, those that were kept long enough."""
    days = terms.days
    if days is None:
        last = int(dict(terms.retention)["batches"])
        return sorted(dated)[: max(len(dated) - last, 0)]
    return sorted(batch for batch, day in dated.items() if day < today - timedelta(days=days))


def _records(
    stores: Stores, register: Register, contracts: Contracts, today: date
) -> Iterator[Due]:
    """Records of runs: their batches are days."""
    for apart in contracts.apart:
        lake, folder = Lake(stores.lake.uri, apart.logs), Path(setting(apart.folder))
        for feed in apart.feeds:
            terms = register.feeds[feed.label].terms
            batches = {*lake.batches_of(feed.system, feed.name), *_days_in(folder, feed)} - {0}
            dated = {batch: day for batch in batches if (day := _day(batch))}
            past = _past(terms, dated, today)
            retire = partial(_retire_records, stores, apart, feed, folder, past)
            yield Due(feed.label, terms.kept, len(past), retire=retire)


def _day(batch: int) -> date | None:
    try:
        return datetime.strptime(str(batch), "%Y%m%d").date()
    except ValueError:
        return None


def _days_in(folder: Path, feed: Feed) -> Iterator[int]:
    for path in folder.glob("Batch*"):
        number = path.name.removeprefix("Batch")
        if number.isdecimal() and any(_files(folder, feed, int(number))):
            yield int(number)


def _files(folder: Path, feed: Feed, batch: int) -> Iterator[Path]:
    for pattern in feed.files:
        yield from folder.glob(pattern.replace("{batch}", str(batch)))


def _retire_records(
    stores: Stores, contracts: Contracts, feed: Feed, folder: Path, batches: list[int]
) -> None:
    """The copy first, and the files that could land again last: a run that is killed leaves what the next one retires."""
    lake = Lake(stores.lake.uri, contracts.logs)
    with stores.lake.locked():
        if isinstance(stores.warehouse, PostgresWarehouse):
            with opened(ConnectionSettings.from_environment()) as connection:
                forget(connection, contracts, feed, batches)
        receipts = Receipts(lake)
        for batch in batches:
            for path in lake.batch_files(feed.system, feed.name, batch):
                lake.remove(path)
                lake.remove_empty_folder(path)
            receipts.put(feed.label, batch, None)
        receipts.save()
        for batch in batches:
            for file in list(_files(folder, feed, batch)):
                file.unlink(missing_ok=True)
                with suppress(OSError):
                    file.parent.rmdir()


def _lines(stores: Stores, register: Register, contracts: Contracts, today: date) -> Iterator[Due]:
    """Lines that violate a contract: their texts are retired."""
    terms = register.feeds[QUARANTINE].terms
    held = {label for hold in register.holds for label in hold.feeds}
    due: list[tuple[Feed, list[int]]] = []
    count = 0
    for feed in contracts.feeds:
        if feed.label in held:
            continue
        dated: dict[int, date] = {}
        lines: dict[int, int] = {}
        for batch in stores.lake.batches():
            path = stores.lake.batch_files(feed.system, feed.name, batch).quarantine
            extent = stores.lake.extent(path, "loaded_at") if stores.lake.exists(path) else None
            if extent:
                texts = stores.lake.column(path, "raw_text")
                lines[batch] = pc.sum(pc.not_equal(texts, RETIRED)).as_py() or 0
                dated[batch] = extent[1].date()
        past = [batch for batch in _past(terms, dated, today) if lines[batch]]
        count += sum(lines[batch] for batch in past)
        if past:
            due.append((feed, past))
    yield Due(QUARANTINE, terms.kept, count, retire=partial(_retire_lines, stores, due))


def _retire_lines(stores: Stores, due: list[tuple[Feed, list[int]]]) -> None:
    lake = stores.lake
    with lake.locked():
        receipts = Receipts(lake)
        for feed, batches in due:
            for batch in batches:
                rewrite(lake, lake.batch_files(feed.system, feed.name, batch), lines=RetiredLines())
                receipts.put(feed.label, batch, None)
        receipts.save()


def _prospects(
    stores: Stores, register: Register, today: date, erase: Callable[[list[str]], object]
) -> Iterator[Due]:
    """Prospects who left the list, and are no clients."""
    terms = register.feeds[PROSPECTS].terms
    days = terms.days
    if days is None or not stores.warehouse.exists():
        return
    query = _LEFT_THE_LIST.read_text("utf-8").replace("{day}", str(today - timedelta(days=days)))
    left = stores.warehouse.query(query)
    clients = {key for _, key in matching_prospects(stores.warehouse)}
    kept = clients | {key for hold in register.holds for key in hold.prospects}
    # Who was erased is known by a pseudonym.
    keys = [key for (key,) in left if key not in kept and not is_pseudonym(key)]
    yield Due(PROSPECTS, terms.kept, len(keys), retire=partial(erase, keys))


def _rows(stores: Stores, register: Register, contracts: Contracts, today: date) -> Iterator[Due]:
    """Rows of the other feeds, which stay."""
    for feed in contracts.feeds:
        entry = register.feeds[feed.label]
        retention = dict(entry.terms.retention)
        if feed.label == PROSPECTS:
            continue
        came = _came(stores.lake, feed)
        past = _past(entry.terms, came, today)
        is_by_batch = retention["after"] == "the batch came"
        yield Due(
            feed.label, entry.terms.kept, len(past), _ALL_BATCHES if is_by_batch else _BY_PERSON
        )


def _came(lake: Lake, feed: Feed) -> dict[int, date]:
    """The day on which each batch of a feed came."""
    footers = {
        batch: lake.footer(lake.path(feed.system, feed.name, batch)) or {}
        for batch in lake.batches_of(feed.system, feed.name)
    }
    return {
        batch: datetime.fromisoformat(footer["loaded_at"]).date()
        for batch, footer in footers.items()
        if "loaded_at" in footer
    }
