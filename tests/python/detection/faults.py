"""The faults: how each is caused, which check notices it, and how it is repaired.

A fault is a generator: it prepares, says `watch.cause()`, causes the fault, yields, and repairs it when it goes on.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg2

from scripts.learn.artifact import Reference, reference_of
from scripts.learn.drift import Check, drift, record_checks
from scripts.learn.question import Numbers
from scripts.monitor.deliveries import read_deliveries
from scripts.monitor.sessions import read_database
from scripts.postgres_server import PostgresServer, postgres_server
from scripts.warehouse.clock import utc_now
from tests.python.detection.bench import Bench, Limits, Watch

_TRADES, _PROSPECTS, _CASH = "Trade.txt", "Prospect.csv", "CashTransaction.txt"
_GIB = 1 << 30


@dataclass(frozen=True)
class Fault:
    """A kind of trouble.

    Attributes:
        name: in words.
        check: the check that notices it.
        cause: causes and repairs it.
        limits: thresholds for the time of the fault, or a function that gives them: the real ones would take minutes or hours.
        waits: which of the limits has to pass before it can be noticed, as `section.name`; empty if none.
        needs_warehouse: a warehouse is built before.
        variables: of the monitor, or a function that gives them.
    """

    name: str
    check: str
    cause: Callable[[Bench, Watch], Iterator[None]]
    limits: Limits | Callable[[Bench], Limits] = field(default_factory=dict)
    waits: str = ""
    needs_warehouse: bool = False
    variables: Callable[[Bench], dict[str, str]] = lambda _: {}


@dataclass(frozen=True)
class Noticed:
    """What came of a fault: the seconds until it was noticed, and until its repair was; None if it was not."""

    fault: Fault
    noticed: float | None
    over: float | None


def measure(bench: Bench, fault: Fault) -> Noticed:
    """Cause a fault and repair it, while the monitor looks."""
    if fault.needs_warehouse:
        bench.ensure_built()
    bench.begin()
    limits = fault.limits(bench) if callable(fault.limits) else fault.limits
    with bench.watched(limits, **fault.variables(bench)) as watch:
        steps = fault.cause(bench, watch)
        next(steps)
        noticed = watch.seconds_until(fault.check)
        for _ in steps:
            raise AssertionError(f"{fault.name} has more than one step")
        watch.cause()
        return Noticed(fault, noticed, watch.seconds_until(fault.check, "over"))


def killed_build(bench: Bench, watch: Watch) -> Iterator[None]:
    """A build is killed with SIGKILL in the middle of its work."""
    build = _started_build(bench)
    watch.cause()
    build.kill()
    build.wait()
    yield
    bench.run("scripts.build")


def killed_load(bench: Bench, watch: Watch) -> Iterator[None]:
    """A load is killed with SIGKILL as soon as it has begun."""
    bench.deliver()
    is_killed = False
    while not is_killed:
        # Even if it ended by itself before: everything lands again.
        process = bench.start("scripts.load", "--force")
        bench.wait_for_record("load", process)
        watch.cause()
        process.kill()
        process.wait()
        is_killed = not bench.has_recorded_end(process)
    yield
    bench.run("scripts.load")


def hanging_build(bench: Bench, watch: Watch) -> Iterator[None]:
    """A build is stopped with SIGSTOP."""
    build = _started_build(bench)
    watch.cause()
    build.send_signal(signal.SIGSTOP)
    yield
    build.send_signal(signal.SIGCONT)
    build.wait()


def slow_build(bench: Bench, watch: Watch) -> Iterator[None]:
    """A build gets a tenth of the processor, so that each node takes ten times as long; noticed after twice the usual time of the build."""
    is_over = Event()

    def throttle(process: "subprocess.Popen[bytes]") -> None:
        while not is_over.is_set() and process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.09)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.01)

    build = _started_build(bench)
    watch.cause()
    thread = Thread(target=throttle, args=(build,))
    thread.start()
    yield
    is_over.set()
    thread.join()
    build.wait()


def broken_test(bench: Bench, watch: Watch) -> Iterator[None]:
    """Cash of an account that does not exist: a data test is red."""
    file = bench.deliver() / _CASH
    fields = file.read_text().splitlines()[0].split("|")
    fields[2] = "999999999"
    _replace_line(file, 0, "|".join(fields))
    bench.run("scripts.load")
    bench.run("scripts.build", expected=1)
    watch.cause()
    yield
    bench.deliver_again(_CASH)
    bench.run("scripts.load")
    bench.run("scripts.build")


def held_warehouse(bench: Bench, watch: Watch) -> Iterator[None]:
    """Somebody leaves the warehouse open in another program."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, bench.environment["WAREHOUSE"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout and holder.stdin
        holder.stdout.readline()
        watch.cause()
        yield
        holder.stdin.close()


def full_disk(bench: Bench, watch: Watch) -> Iterator[None]:
    """A gibibyte of the disk is taken away, where half of one was left until the limit."""
    file = bench.work / "large_file"
    watch.cause()
    with file.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, _GIB)
    yield
    file.unlink()


def nearly_at_the_limit(bench: Bench) -> Limits:
    """The limit of free space is half a gibibyte below what is free."""
    status = os.statvfs(bench.folder)
    free = status.f_bavail * status.f_frsize
    return {"disk": {"free_share": 1.0, "free_bytes": free - _GIB // 2}}


def missing_feed(bench: Bench, watch: Watch) -> Iterator[None]:
    """The file of a required feed is not delivered."""
    (bench.deliver() / _TRADES).unlink()
    bench.run("scripts.load", expected=1)
    watch.cause()
    yield
    bench.deliver_again(_TRADES)
    bench.run("scripts.load")


def empty_file(bench: Bench, watch: Watch) -> Iterator[None]:
    """A file is delivered empty; the load refuses it."""
    (bench.deliver() / _TRADES).write_bytes(b"")
    bench.run("scripts.load", expected=1)
    watch.cause()
    yield
    bench.deliver_again(_TRADES)
    bench.run("scripts.load")


def accepted_empty_file(bench: Bench, watch: Watch) -> Iterator[None]:
    """A file is delivered empty, and whoever loads it accepts that."""
    (bench.deliver() / _TRADES).write_bytes(b"")
    bench.run("scripts.load", "--allow-empty")
    watch.cause()
    yield
    bench.deliver_again(_TRADES)
    bench.run("scripts.load")


def half_the_rows(bench: Bench, watch: Watch) -> Iterator[None]:
    """A file is cut off between two rows."""
    file = bench.deliver() / _PROSPECTS
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) // 2]))
    bench.run("scripts.load")
    watch.cause()
    yield
    bench.deliver_again(_PROSPECTS)
    bench.run("scripts.load")


def double_rows(bench: Bench, watch: Watch) -> Iterator[None]:
    """Each row of a file is in it twice."""
    file = bench.deliver() / _PROSPECTS
    file.write_bytes(file.read_bytes() * 2)
    bench.run("scripts.load")
    watch.cause()
    yield
    bench.deliver_again(_PROSPECTS)
    bench.run("scripts.load")


def odd_object(bench: Bench, watch: Watch) -> Iterator[None]:
    """An object store has an object that no feed takes."""
    store = bench.work / "store"
    store.mkdir()
    for name in ("FINWIRE2017Q1", "FINWIRE2017Q1_new"):
        (store / name).write_text("")
    variables = {"FINWIRE_STORE": str(store), "SOURCES": str(bench.work / "extracted")}
    bench.run("scripts.extract", "--system", "finwire", variables=variables)
    watch.cause()
    yield
    (store / "FINWIRE2017Q1_new").unlink()
    # A new folder: the feed comes with the first batch.
    variables["SOURCES"] += "_again"
    bench.run("scripts.extract", "--system", "finwire", variables=variables)


def bad_rows(bench: Bench, watch: Watch) -> Iterator[None]:
    """Three rows of a file break off: their contract is violated as never before."""
    file = bench.deliver() / _TRADES
    for number in range(3):
        _replace_line(file, number, "torn")
    bench.run("scripts.load")
    watch.cause()
    yield
    bench.deliver_again(_TRADES)
    bench.run("scripts.load")


def skipped_batch(bench: Bench, watch: Watch) -> Iterator[None]:
    """The batch of tomorrow comes, that of today does not."""
    batch = bench.deliver()
    kept = bench.work / "kept"
    batch.rename(kept)
    later = batch.with_name(f"Batch{bench.today + 1}")
    later.mkdir()
    (later / "BatchDate.txt").write_text("2030-01-01\n")
    bench.run("scripts.load", expected=1)
    watch.cause()
    yield
    kept.rename(batch)
    bench.run("scripts.load", expected=1)


def late_batch(bench: Bench, watch: Watch) -> Iterator[None]:
    """Nothing comes, and the usual time passes."""
    watch.caused_at += _SECONDS_BEFORE_DUE
    yield
    bench.deliver()
    bench.run("scripts.load")


# The monitor must have looked before; on a busy machine it takes a while to start.
_SECONDS_BEFORE_DUE = 30


def due_in_a_moment(bench: Bench) -> Limits:
    """The usual time of the day, and the grace after it, end in some seconds."""
    landings = read_deliveries(bench.environment["LAKE"], 60).landings.values()
    due = max(landings) + timedelta(days=1)
    grace = (utc_now() - due).total_seconds() + _SECONDS_BEFORE_DUE
    return {"batch": {"grace_seconds": grace}}


def missed_deadline(bench: Bench, watch: Watch) -> Iterator[None]:
    """The deadline passes, and no batch was finished."""
    seconds = 60 - utc_now().second - utc_now().microsecond / 1e6
    watch.caused_at += seconds
    yield
    bench.deliver()
    bench.run("scripts.load")
    bench.run("scripts.build")


def deadline_in_a_moment(bench: Bench) -> dict[str, str]:
    """The deadline is the beginning of the next minute; nothing is published, so that runs count."""
    seconds = utc_now().second
    if seconds > 40:
        time.sleep(61 - seconds)
    next_minute = utc_now() + timedelta(minutes=1)
    return {"BATCH_DEADLINE": f"{next_minute:%H:%M}Z", "PUBLISHED": str(bench.work / "nothing")}


def stale_version(bench: Bench, watch: Watch) -> Iterator[None]:
    """A build is green, but readers still see the version before it."""
    bench.deliver()
    bench.run("scripts.load")
    bench.run("scripts.build")
    bench.switch_to_planted_version()
    watch.cause()
    yield
    manifest = bench.work / "published/current/manifest.json"
    text = manifest.read_text()
    begin = text.index('"published_at": "') + len('"published_at": "')
    manifest.write_text(text[:begin] + utc_now().isoformat() + text[text.index('"', begin) :])


def broken_version(bench: Bench, watch: Watch) -> Iterator[None]:
    """A file of the published version is removed."""
    file = bench.work / "published/current/analyst.duckdb"
    content = file.read_bytes()
    watch.cause()
    file.unlink()
    yield
    file.write_bytes(content)


def damaged_record(bench: Bench, watch: Watch) -> Iterator[None]:
    """A record of a run is damaged, so that its checks see nothing."""
    day = bench.runs / f"Batch{utc_now():%Y%m%d}"
    day.mkdir(parents=True, exist_ok=True)
    watch.cause()
    record = day / "run_started-damaged.jsonl"
    record.write_text("{")
    yield
    record.unlink()


def drifted_model(bench: Bench, watch: Watch) -> Iterator[None]:
    """Customers place a third of the orders that they placed when their model was judged; repaired by a model that was judged by them."""
    random = np.random.default_rng(1)
    before = random.poisson(6, 1000).astype(np.float64)
    today = np.floor(before / 3)
    watch.cause()
    _compare(bench, reference_of("order_count", before, before), today)
    yield
    _compare(bench, reference_of("order_count", today, today), today)


def _compare(bench: Bench, reference: Reference, today: Numbers) -> None:
    """Compare customers with those that a model was judged by, as `python -m scripts.learn monitor` does."""
    published: Any = SimpleNamespace(version="batch-0001-20261130T101530Z", batch_id=1)
    found = drift(reference, today)
    record_checks(
        str(uuid4()),
        [Check("input_drift", reference.name, found, "attrition", 1, published)],
        bench.runs,
    )


@contextmanager
def _session(database: PostgresServer, name: str) -> Iterator[Any]:
    with closing(psycopg2.connect(database.uri(name))) as session:
        yield session


def blocked_session(bench: Bench, watch: Watch) -> Iterator[None]:
    """A session keeps a lock that another one needs."""
    database = _database(bench)
    with _session(database, "report") as head, _session(database, "build") as waiting:
        head.cursor().execute("create table if not exists locked (n integer)")
        head.commit()
        head.cursor().execute("lock table locked")
        thread = Thread(target=waiting.cursor().execute, args=("lock table locked",))
        watch.cause()
        thread.start()
        yield
        head.rollback()
        thread.join()


def forgotten_transaction(bench: Bench, watch: Watch) -> Iterator[None]:
    """A session leaves its transaction open."""
    with _session(_database(bench), "notebook") as session:
        session.cursor().execute("select 1")
        watch.cause()
        yield
        session.rollback()


def deadlock(bench: Bench, watch: Watch) -> Iterator[None]:
    """Two sessions take two locks in opposite order."""
    database = _database(bench)
    with _session(database, "one") as one, _session(database, "other") as other:
        one.cursor().execute("create table if not exists a (n integer)")
        one.cursor().execute("create table if not exists b (n integer)")
        one.commit()
        one.cursor().execute("lock table a")
        other.cursor().execute("lock table b")
        victims: list[str] = []

        def cross(session: Any, table: str) -> None:
            try:
                session.cursor().execute(f"lock table {table}")
            except psycopg2.errors.DeadlockDetected as error:
                victims.append(str(error))
                watch.cause()
            session.rollback()

        threads = [Thread(target=cross, args=pair) for pair in ((one, "b"), (other, "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(victims) == 1
        yield


def database_gone(bench: Bench, watch: Watch) -> Iterator[None]:
    """The database is dropped, with everybody's sessions."""
    database = _database(bench)
    watch.cause()
    database.drop_database(database.database)
    yield
    database.replace_database(database.database)


# The server and database of the faults of Postgres; started when the first one needs it.
_DATABASES: list[PostgresServer] = []


@contextmanager
def server() -> Iterator[None]:
    """A Postgres server with an empty database, for the faults that need one."""
    with postgres_server() as found, found.new_database() as database:
        _DATABASES.append(database)
        try:
            yield
        finally:
            _DATABASES.pop()


def _database(_: Bench) -> PostgresServer:
    return _DATABASES[-1]


def on_postgres(bench: Bench) -> dict[str, str]:
    """The monitor watches the database of the faults."""
    # The first look only notes the counter of deadlocks, which the server writes now and then.
    read_database(_database(bench))
    return _database(bench).environment()


def _started_build(bench: Bench) -> "subprocess.Popen[bytes]":
    """A build that has work and has recorded its beginning."""
    bench.deliver()
    bench.run("scripts.load")
    build = bench.start("scripts.build")
    bench.wait_for_record("build", build)
    return build


def _replace_line(file: Path, number: int, text: str) -> None:
    lines = file.read_text().splitlines()
    lines[number] = text
    file.write_text("".join(f"{line}\n" for line in lines))


_HANGING: Limits = {"runs": {"hanging_seconds": 5}}
_SLOW: Limits = {"runs": {"least_seconds": 5, "least_factor": 2}}
_POSTGRES: Limits = {
    "postgres": {"blocked_seconds": 3, "idle_in_transaction_seconds": 3, "deadlock_seconds": 5}
}

FAULTS = (
    Fault("build killed (SIGKILL)", "run_killed", killed_build, needs_warehouse=True),
    Fault("load killed (SIGKILL)", "run_killed", killed_load),
    Fault(
        "build hangs (SIGSTOP)",
        "run_hanging",
        hanging_build,
        _HANGING,
        "runs.hanging_seconds",
        needs_warehouse=True,
    ),
    Fault(
        "slow nodes: a tenth of the processor",
        "run_slow",
        slow_build,
        _SLOW,
        "runs.least_factor",
        needs_warehouse=True,
    ),
    Fault("broken test", "run_failed", broken_test, needs_warehouse=True),
    Fault(
        "warehouse file left open",
        "warehouse_held",
        held_warehouse,
        {"warehouse": {"held_seconds": 3}},
        "warehouse.held_seconds",
        needs_warehouse=True,
    ),
    Fault("disk nearly full", "disk_full", full_disk, nearly_at_the_limit),
    Fault("missing feed", "feed_missing", missing_feed),
    Fault("empty file, refused", "feed_failed", empty_file),
    Fault("empty file, accepted", "feed_empty", accepted_empty_file),
    Fault("half the rows", "feed_volume", half_the_rows),
    Fault("double rows", "feed_volume", double_rows),
    Fault("three bad rows", "quarantine_share", bad_rows),
    Fault("three bad rows of a new kind", "new_violation", bad_rows),
    Fault("object that no feed takes", "source_warning", odd_object),
    Fault("batch skipped", "batch_missing", skipped_batch),
    Fault("late batch", "batch_late", late_batch, due_in_a_moment),
    Fault(
        "deadline missed",
        "deadline_missed",
        missed_deadline,
        needs_warehouse=True,
        variables=deadline_in_a_moment,
    ),
    Fault(
        "stale publish",
        "published_stale",
        stale_version,
        {"published": {"grace_seconds": 3}},
        "published.grace_seconds",
        needs_warehouse=True,
    ),
    Fault("published file removed", "published_broken", broken_version),
    Fault("record damaged", "cannot_look", damaged_record),
    Fault("drifted model", "model_drifted", drifted_model),
    Fault(
        "Postgres: blocked session",
        "postgres_blocked",
        blocked_session,
        _POSTGRES,
        "postgres.blocked_seconds",
        variables=on_postgres,
    ),
    Fault(
        "Postgres: forgotten transaction",
        "postgres_idle_in_transaction",
        forgotten_transaction,
        _POSTGRES,
        "postgres.idle_in_transaction_seconds",
        variables=on_postgres,
    ),
    Fault("Postgres: deadlock", "postgres_deadlock", deadlock, _POSTGRES, variables=on_postgres),
    Fault(
        "Postgres: database gone",
        "postgres_down",
        database_gone,
        _POSTGRES,
        variables=on_postgres,
    ),
)
