"""Checks of Postgres see who blocks whom, deadlocks, forgotten transactions, and a server that is gone."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from planted import NOW, Planted

from scripts.monitor.sessions import _last_deadlock, read_database
from scripts.postgres_server import PostgresServer
from scripts.warehouse.settings import Target

AT_ONCE = {"postgres": {"blocked_seconds": 0, "idle_in_transaction_seconds": 0}}


@pytest.fixture
def database(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    with postgres.new_database() as database:
        for name, value in database.environment().items():
            monkeypatch.setenv(name, value)
        database.connect().cursor().execute(
            "create table a as select 1 as n; create table b as select 1 as n"
        )
        yield database


@pytest.fixture
def monitored(planted: Planted, database: PostgresServer) -> Planted:
    return replace(planted, target=Target.POSTGRES)


def session(database: PostgresServer, name: str) -> Any:
    """A connection that leaves its transactions open."""
    return psycopg2.connect(database.uri(name))


def wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.01)


def blocked(database: PostgresServer) -> list[str]:
    found = read_database(database).sessions
    return sorted(one.application for one in found if one.is_blocked)


def test_a_server_at_rest_is_silent(monitored: Planted) -> None:
    assert monitored.checks(**AT_ONCE) == []


def test_who_waits_in_a_queue_is_told_with_the_head_of_the_queue(
    monitored: Planted, database: PostgresServer
) -> None:
    with (
        closing(session(database, "report")) as head,
        closing(session(database, "build")) as second,
        closing(session(database, "dashboard")) as third,
        ThreadPoolExecutor() as pool,
    ):
        head.cursor().execute("select n from a")
        waiting = [pool.submit(second.cursor().execute, "alter table a add column m int")]
        wait_until(lambda: blocked(database) == ["build"])
        waiting.append(pool.submit(third.cursor().execute, "select n from a"))
        wait_until(lambda: blocked(database) == ["build", "dashboard"])
        assert monitored.checks(postgres={"blocked_seconds": 3600}) == []
        alerts = monitored.look(postgres={"blocked_seconds": 0}).active
        assert [alert.finding.check for alert in alerts] == ["postgres_blocked"] * 2
        pid = head.info.backend_pid
        for alert in alerts:
            assert f"it is blocked by session {pid} (postgres, report)" in alert.finding.what
            assert "idle in transaction" in alert.finding.what
        head.rollback()
        for one in waiting[:1]:
            one.result()
        second.rollback()
        waiting[1].result()
        third.rollback()
        assert len(monitored.look(postgres={"blocked_seconds": 0}).over) == 2


def test_a_forgotten_transaction_is_told_until_it_ends(
    monitored: Planted, database: PostgresServer
) -> None:
    with closing(session(database, "notebook")) as forgotten:
        forgotten.cursor().execute("select n from a")
        assert monitored.checks() == []
        (alert,) = monitored.look(**AT_ONCE).active
        assert alert.finding.check == "postgres_idle_in_transaction"
        assert "notebook" in alert.finding.what
        forgotten.commit()
        assert monitored.checks(**AT_ONCE) == []


def test_deadlocks_since_the_last_look_are_told_for_a_while(
    monitored: Planted, database: PostgresServer
) -> None:
    assert monitored.checks() == []
    before = read_database(database).deadlocks
    with (
        closing(session(database, "one")) as one,
        closing(session(database, "other")) as other,
        ThreadPoolExecutor() as pool,
    ):
        numbers = (one.info.backend_pid, other.info.backend_pid)
        one.cursor().execute("lock table a")
        other.cursor().execute("lock table b")
        waiting = pool.submit(one.cursor().execute, "lock table b")
        wait_until(lambda: blocked(database) == ["one"])
        crossed = pool.submit(other.cursor().execute, "lock table a")
        errors = []
        for future, connection in ((crossed, other), (waiting, one)):
            errors.append(future.exception())
            connection.rollback()
    assert [type(error) for error in errors if error] == [psycopg2.errors.DeadlockDetected]
    wait_until(lambda: read_database(database).deadlocks > before)
    (alert,) = monitored.look().active
    assert alert.finding.check == "postgres_deadlock"
    assert "1 deadlock, noticed at 2026-11-30 09:00:00" in alert.finding.what
    for waiting, blocking in (numbers, reversed(numbers)):
        assert re.search(
            rf"Process {waiting} waits for AccessExclusiveLock on relation \d+ of database \d+; blocked by process {blocking}\b",
            alert.finding.what,
        )
    assert "lock table" not in alert.finding.what
    assert monitored.checks(NOW + timedelta(minutes=59)) == ["postgres_deadlock"]
    assert monitored.checks(NOW + timedelta(minutes=61)) == []


def test_who_may_not_read_the_log_is_told_of_deadlocks_all_the_same(
    database: PostgresServer,
) -> None:
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("create role no_reader_of_logs")
        try:
            cursor.execute("set role no_reader_of_logs")
            assert _last_deadlock(cursor) == ""
        finally:
            cursor.execute("reset role")
            cursor.execute("drop role no_reader_of_logs")


def test_a_counter_that_was_reset_says_nothing(
    monitored: Planted, database: PostgresServer
) -> None:
    monitored.checks()
    label = database.label
    monitored.state.memory["postgres_deadlock"][label] |= {"count": 5, "counting_since": "before"}
    assert monitored.checks() == []
    assert monitored.state.memory["postgres_deadlock"][label]["count"] == 0


def test_a_server_that_is_gone_is_told_and_its_other_alerts_are_not_over(
    monitored: Planted, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(session(database, "notebook")) as forgotten:
        forgotten.cursor().execute("select n from a")
        assert monitored.checks(**AT_ONCE) == ["postgres_idle_in_transaction"]
        monkeypatch.setenv("PGPORT", "9")
        down, idle = monitored.look(**AT_ONCE).active
        assert (down.finding.check, down.finding.severity) == ("postgres_down", "critical")
        assert idle.finding.check == "postgres_idle_in_transaction"
        assert "\n" not in down.finding.what
        monkeypatch.setenv("PGPORT", str(database.port))
        look = monitored.look(**AT_ONCE)
        assert [over.finding.check for over in look.over] == ["postgres_down"]
        assert [alert.finding.check for alert in look.active] == ["postgres_idle_in_transaction"]


def test_a_warehouse_in_a_file_asks_no_server(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "no number")
    assert planted.checks() == []
    assert replace(planted, target=Target.POSTGRES).checks() == ["cannot_look"]
