"""Load batches: plan the work, run several feeds at once, collect the results.

Usage:
    result = load(LoadOptions("data/sources", "data/lake", batches=(1,)))
    print(result.failures)
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from scripts.history.records import RecordError, compact_finished_days
from scripts.load.connection import Connection, opened
from scripts.load.contracts import Contracts, Feed, read_contracts
from scripts.load.feeds import FeedLoad, FeedLoads, FeedResult
from scripts.load.files import Allowance, FileResult, Job, LoadTimes
from scripts.load.history import History
from scripts.load.lake import LOAD_LOG, QUARANTINE, Lake, LakeError
from scripts.load.postgres import Copied, OnCopy, copy_lake, create_tables
from scripts.load.receipts import Receipts
from scripts.load.rows import Progress
from scripts.load.sources import SourceFolder, SourceFolderError
from scripts.load.suppression import Suppression
from scripts.warehouse.clock import utc_now
from scripts.warehouse.settings import ConnectionSettings, PostgresError, Target, setting

# The variable that names the folder of the run history.
RUNS = "RUNS"
CONTRACTS_FOLDER = Path(__file__).parents[2] / "models" / "staging"

# What a block of text grows to until its rows are on disk: text, columns, typed columns, a row group.
_BYTES_PER_BLOCK_BYTE = 32
_SMALLEST_BLOCK, _LARGEST_BLOCK = 256 << 10, 4 << 20


@dataclass(frozen=True)
class LoadOptions:
    """What to load, and with how much of the machine.

    Attributes:
        sources: folder with Batch1, Batch2, ...; a local path or an fsspec URI.
        lake: where the Parquet files go; a local path or an fsspec URI.
        batches: batch numbers; empty for all that are there.
        feeds: `system.feed` or `system`; empty for all.
        force: load again what is unchanged.
        allowances: what is accepted although it is usually a mistake.
        workers: feeds that are loaded at the same time.
        memory_mib: memory for all of them together, in MiB.
        target: where dbt builds.
        with_apart: afterwards, land also what comes from folders of its own (`Contracts.apart`): all of it, whatever batches and feeds are chosen.
        clock: returns the time, in UTC, that is given, to the second, to a batch loaded for the first time.
    """

    sources: str
    lake: str
    batches: tuple[int, ...] = ()
    feeds: tuple[str, ...] = ()
    force: bool = False
    allowances: frozenset[Allowance] = frozenset()
    workers: int = 2
    memory_mib: int = 512
    target: Target = Target.DUCKDB
    with_apart: bool = False
    clock: Callable[[], datetime] = utc_now

    @property
    def now(self) -> datetime:
        """The time, to the second."""
        return self.clock().replace(microsecond=0)

    @property
    def block_bytes(self) -> int:
        """How many bytes of a file each worker reads at once."""
        share = (self.memory_mib << 20) // (self.workers * _BYTES_PER_BLOCK_BYTE)
        return max(_SMALLEST_BLOCK, min(_LARGEST_BLOCK, share))


@dataclass(frozen=True)
class LoadResult:
    """The result for every feed of every batch, files that no contract names, and what was copied to Postgres.

    `apart` has what went wrong with files that come from folders of their own: never a reason not to load the others.
    `name_problems` are about files and folders that cannot be read because of their names; `missing_batches` are the
    numbers that are missing from the lake, as first and last of each gap.
    """

    feeds: list[FeedResult]
    unknown_files: list[str] = field(default_factory=list)
    name_problems: list[str] = field(default_factory=list)
    missing_batches: list[tuple[int, int]] = field(default_factory=list)
    copied: list[Copied] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)

    @property
    def rows_landed(self) -> int:
        """Rows that this load brought into the lake, and that were not there before."""
        return sum(file.rows_landed for file in self._new_files)

    @property
    def rows_quarantined(self) -> int:
        """Rows that this load found to violate their contract."""
        return sum(file.rows_quarantined for file in self._new_files)

    @property
    def _new_files(self) -> Iterator[FileResult]:
        return (file for feed in self.feeds if not feed.is_unchanged for file in feed.files)

    @property
    def failures(self) -> list[str]:
        """One message for each thing that has to be corrected; empty if all went well."""
        messages = [
            f"{result.feed.label} of batch {result.batch}: {file.message}"
            for result in self.feeds
            for file in result.files
            if file.status == "failed"
        ]
        return (
            messages
            + self.name_problems
            + [
                f"{name}: no contract names this file; remove it, or declare its feed (docs/feeds.md)"
                for name in self.unknown_files
            ]
        )

    @property
    def warnings(self) -> list[str]:
        """One message for each thing that needs a look, although the load succeeded."""
        gaps = [
            f"{first}" if first == last else f"{first} to {last}"
            for first, last in self.missing_batches
        ]
        messages = [
            f"{result.feed.label} of batch {result.batch}: {file.message}"
            for result in self.feeds
            for file in result.files
            if file.status == "loaded" and file.message and not result.is_unchanged
        ]
        if gaps:
            messages.append(
                f"missing from the lake: batch {', '.join(gaps)}; a late batch can be loaded when it arrives, then build"
                " as usual"
            )
        return messages + self.apart


# Called with the plan before the work starts; returns a callback for the bytes read.
OnPlan = Callable[[list[FeedLoads]], Progress]


def load(
    options: LoadOptions,
    on_plan: OnPlan = lambda _: lambda _: None,
    on_copy: OnCopy = lambda _: lambda _: None,
) -> LoadResult:
    """Load the chosen batches and feeds into the lake, and from there into Postgres if that is the target.

    Raises:
        ContractError: a source declaration cannot be used.
        SourceFolderError: there is no such source folder, batch or feed.
        LakeError: the lake cannot be written, another load is running, or the list of erased persons cannot be used.
        PostgresError: the database cannot be reached or written, or another load is running.
    """
    contracts = read_contracts(CONTRACTS_FOLDER)
    feeds = _chosen_feeds(contracts, options)
    sources = SourceFolder(options.sources)
    batches = _chosen_batches(sources, options)
    lake = Lake(options.lake)
    is_postgres = options.target == Target.POSTGRES
    # The database first: if it cannot be reached, fail now and not after an hour of work.
    database = opened(ConnectionSettings.from_environment()) if is_postgres else nullcontext()
    with database as connection, lake.locked():
        lake.remove_leftovers()
        for each in (contracts, *contracts.apart):
            _create_tables(Lake(options.lake, each.logs), each)
        load_times = LoadTimes(lambda batch: _loaded_at(lake, contracts, batch) or options.now)
        receipts = Receipts(lake)
        suppression = Suppression.of_lake(lake)
        plan = _plan(options, sources, lake, feeds, batches, load_times, receipts, suppression)
        try:
            results = _land(plan, options.workers, on_plan)
        finally:
            receipts.save()
        missing = _gaps(lake.batches())
        copied = []
        if connection is not None:
            copied = copy_lake(
                lake,
                connection,
                contracts,
                feeds,
                options.batches,
                on_copy,
                receipts=receipts,
                force=options.force,
            )
            receipts.save()
        apart = [
            f"{each.folder}: {problem}"
            for each in contracts.apart
            for problem in _load_apart(options, each, connection)
        ]
    if options.feeds:
        return LoadResult(results, missing_batches=missing, copied=copied, apart=apart)
    unknown = [file.name for file in sources.unknown_files(contracts)]
    return LoadResult(results, unknown, sources.problems, missing, copied, apart)


def _load_apart(
    options: LoadOptions, contracts: Contracts, connection: Connection | None
) -> Iterator[str]:
    """Load what comes from a folder of its own, if there is one; yields what went wrong."""
    folder = setting(contracts.folder)
    try:
        if connection is not None:
            create_tables(connection, contracts)
        if not (options.with_apart and Path(folder).is_dir()):
            return
        if contracts.folder == RUNS:
            compact_finished_days(Path(folder), options.now.date())
        sources = SourceFolder(folder)
        lake = Lake(options.lake, contracts.logs)
        load_times = LoadTimes(lambda batch: _loaded_at(lake, contracts, batch) or options.now)
        receipts = Receipts(lake)
        plan = _plan(options, sources, lake, contracts.feeds, sources.batches, load_times, receipts)
        result = LoadResult(
            _land(plan, options.workers, lambda _: lambda _: None),
            # Other programs keep files of their own beside the batches, such as who has read what.
            [
                file.name
                for file in sources.unknown_files(contracts)
                if file.name.startswith("Batch")
            ],
            sources.problems,
        )
        receipts.save()
        if connection is not None:
            copy_lake(lake, connection, contracts, contracts.feeds, (), receipts=receipts)
            receipts.save()
    except (RecordError, SourceFolderError, LakeError, PostgresError) as error:
        yield str(error)
    else:
        yield from result.failures + result.warnings
        if result.rows_quarantined:
            yield (
                f"{result.rows_quarantined} records violate their contract; what is wrong with them:"
                f" {options.lake}/{contracts.logs}/quarantine"
            )


def unlanded_batches(sources: SourceFolder, lake: Lake, before: int) -> list[int]:
    """The batches of a source folder, of those before a number, that have not landed as a whole; in order."""
    feeds = read_contracts(CONTRACTS_FOLDER).feeds
    return [
        batch
        for batch in sources.batches
        if batch < before
        and not all(
            lake.has_landed(feed.system, feed.name, batch) for feed in feeds if feed.comes_in(batch)
        )
    ]


def _gaps(batches: list[int]) -> list[tuple[int, int]]:
    """First and last number of each gap in the numbers from 1 to the last one."""
    return [
        (before + 1, batch - 1) for before, batch in pairwise([0, *batches]) if batch - before > 1
    ]


def _land(plan: list[FeedLoads], workers: int, on_plan: OnPlan) -> list[FeedResult]:
    progress = on_plan(plan)
    with ThreadPoolExecutor(workers) as pool:
        # The longest first, so that it does not run alone at the end.
        running = [
            pool.submit(loads.run, progress)
            for loads in sorted(plan, key=lambda loads: loads.effort, reverse=True)
        ]
        try:
            results = [result for future in running for result in future.result()]
        except BaseException:
            # For example an interrupt: what has begun is finished, the rest is not started.
            pool.shutdown(cancel_futures=True)
            raise
    return sorted(results, key=lambda result: (result.feed.label, result.batch))


def _chosen_feeds(contracts: Contracts, options: LoadOptions) -> list[Feed]:
    if not options.feeds:
        return list(contracts.feeds)
    for name in options.feeds:
        if not any(name in (feed.system, feed.label) for feed in contracts.feeds):
            known = ", ".join(feed.label for feed in contracts.feeds)
            raise SourceFolderError(f"no feed {name!r}; there are {known}")
    return [
        feed
        for feed in contracts.feeds
        if feed.system in options.feeds or feed.label in options.feeds
    ]


def _chosen_batches(sources: SourceFolder, options: LoadOptions) -> list[int]:
    for batch in options.batches:
        if batch not in sources.batches:
            there = ", ".join(map(str, sources.batches))
            raise SourceFolderError(f"{sources.uri}: no batch {batch}; there are {there}")
    return sorted(set(options.batches)) or sources.batches


def _create_tables(lake: Lake, contracts: Contracts) -> None:
    """Write an empty file of each table as batch 0, so that every table can be read before its first row."""
    schemas = {(lake.logs, "load_log"): LOAD_LOG, (lake.logs, "quarantine"): QUARANTINE}
    schemas |= {(feed.system, feed.name): feed.schema for feed in contracts.feeds}
    for (system, table), schema in schemas.items():
        path = lake.path(system, table, batch=0)
        footer = {"schema": schema.to_string()}
        if lake.footer(path) != footer:
            lake.write(path, schema.empty_table(), footer)


def _plan(
    options: LoadOptions,
    sources: SourceFolder,
    lake: Lake,
    feeds: Sequence[Feed],
    batches: list[int],
    load_times: LoadTimes,
    receipts: Receipts,
    suppression: Suppression | None = None,
) -> list[FeedLoads]:
    def step(feed: Feed, batch: int, history: History) -> FeedLoad:
        job = Job(
            feed=feed,
            batch=batch,
            files=sources.files_of(feed, batch),
            sources=sources,
            lake=lake,
            load_times=load_times,
            block_bytes=options.block_bytes,
            history=history,
            suppression=suppression,
        )
        return FeedLoad(job, receipts, options.force, options.allowances)

    def steps(feed: Feed) -> list[FeedLoad]:
        history = History(lake, feed)
        return [step(feed, batch, history) for batch in batches if feed.comes_in(batch)]

    return [FeedLoads(steps(feed)) for feed in feeds]


def _loaded_at(lake: Lake, contracts: Contracts, batch: int) -> datetime | None:
    """The one load time of a batch, that of its first load; None if it is not in the lake.

    If rows and log of a feed disagree, one of them is damaged or missing, and another feed is asked.
    """
    for feed in contracts.feeds:
        files = lake.batch_files(feed.system, feed.name, batch)
        footers = [lake.footer(path) or {} for path in (files.data, files.log)]
        times = {footer["loaded_at"] for footer in footers if "loaded_at" in footer}
        if len(times) == 1:
            return datetime.fromisoformat(times.pop())
    return None
