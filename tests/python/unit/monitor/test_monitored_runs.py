"""Checks of runs fire on the fault, are silent on its healthy brother, and are over when it is."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from planted import NOW, Planted

from scripts.monitor.sight import Deadline, SightError
from scripts.warehouse.processes import Process, read_process, tree_of

HOUR = timedelta(hours=1)


@contextmanager
def child(code: str) -> Iterator[Process]:
    """A process of its own that runs some Python, and says when it does."""
    command = [sys.executable, "-c", f"print('ready', flush=True)\n{code}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout and started.stdout.readline() == b"ready\n"
            process = read_process(started.pid)
            assert process
            yield process
        finally:
            started.send_signal(signal.SIGCONT)
            started.kill()


def test_a_failed_run_is_told_with_its_message_until_a_later_one_is_green(planted: Planted) -> None:
    planted.run(NOW - 3 * HOUR, status="failed", message="assert_dim_trade__is_unique is red")
    (alert,) = planted.look().active
    assert alert.finding.check == "run_failed"
    assert "assert_dim_trade__is_unique is red" in alert.finding.what
    planted.run(NOW - 2 * HOUR)
    look = planted.look()
    assert look.active == []
    assert [over.finding.check for over in look.over] == ["run_failed"]


def test_a_green_run_is_silent(planted: Planted) -> None:
    planted.run(NOW - HOUR)
    assert planted.checks() == []


def test_runs_of_another_kind_or_warehouse_do_not_end_the_alert(planted: Planted) -> None:
    planted.run(NOW - 3 * HOUR, status="failed")
    planted.run(NOW - 2 * HOUR, kind="load")
    planted.run(NOW - 2 * HOUR, warehouse="other.duckdb")
    assert planted.checks() == ["run_failed"]


def test_a_failed_run_inside_another_one_is_told_once(planted: Planted) -> None:
    parent = planted.run(NOW - HOUR, kind="batches", status="failed")
    planted.run(NOW - HOUR, parent=parent, status="failed")
    assert [alert.finding.subject.split()[0] for alert in planted.look().active] == ["batches"]


def test_a_green_run_inside_another_one_ends_the_alert_of_its_kind(planted: Planted) -> None:
    planted.run(NOW - 2 * HOUR, status="failed")
    parent = planted.run(NOW - HOUR, kind="batches")
    planted.run(NOW - HOUR, parent=parent)
    assert planted.checks() == []


def test_a_run_that_was_stopped_is_a_warning(planted: Planted) -> None:
    planted.run(NOW - HOUR, status="stopped", message="stopped by SIGTERM")
    (alert,) = planted.look().active
    assert (alert.finding.check, alert.finding.severity) == ("run_failed", "warning")


def test_while_a_run_is_repeated_the_alert_holds(planted: Planted) -> None:
    planted.run(NOW - HOUR, status="failed")
    planted.run(NOW - timedelta(minutes=1), seconds=None, **planted.own_process())
    assert planted.checks() == ["run_failed"]


def test_a_run_whose_process_is_gone_was_killed_until_a_later_one_is_green(
    planted: Planted,
) -> None:
    planted.run(NOW - HOUR, seconds=None)
    (alert,) = planted.look().active
    assert alert.finding.check == "run_killed"
    assert f"on {socket.gethostname()} is gone" in alert.finding.what
    planted.run(NOW - timedelta(minutes=5))
    assert [over.finding.check for over in planted.look().over] == ["run_killed"]
    assert planted.checks() == []


def test_a_run_whose_process_lives_was_not_killed(planted: Planted) -> None:
    planted.run(NOW - timedelta(minutes=5), seconds=None, **planted.own_process())
    assert planted.checks() == []


def test_another_process_with_the_same_number_is_not_the_run(planted: Planted) -> None:
    planted.run(NOW - timedelta(minutes=5), seconds=None, process_id=os.getpid(), process_started=7)
    assert planted.checks() == ["run_killed"]


def test_a_process_that_has_ended_but_is_not_collected_is_gone(planted: Planted) -> None:
    # Ended from here: one that ends by itself may have done so before anybody has looked at it.
    with child("import time; time.sleep(600)") as process:
        os.kill(process.process_id, signal.SIGTERM)
        while read_process(process.process_id):
            time.sleep(0.01)
        planted.run(
            NOW - timedelta(minutes=5),
            seconds=None,
            process_id=process.process_id,
            process_started=process.started,
        )
        assert planted.checks() == ["run_killed"]


def test_of_a_run_on_another_machine_only_the_time_is_known(planted: Planted) -> None:
    planted.run(NOW - timedelta(minutes=5), seconds=None, host="elsewhere")
    assert planted.checks() == []
    assert planted.checks(NOW + 5 * HOUR) == ["run_slow"]


def test_a_run_that_ends_between_two_reads_was_not_killed(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts.monitor import sight

    run_id = planted.run(NOW - timedelta(minutes=5), seconds=None)
    read, calls = sight.read_runs, []

    def read_and_end(*arguments: object) -> object:
        found = read(*arguments)
        calls.append(1)
        planted.end(run_id, NOW, 300)
        return found

    monkeypatch.setattr(sight, "read_runs", read_and_end)
    assert planted.checks() == []
    assert len(calls) == 2


def test_a_run_is_slow_by_its_own_history_while_it_runs(planted: Planted) -> None:
    for day in range(1, 11):
        planted.run(NOW - timedelta(days=day), seconds=1200 + 10 * day)
    own = planted.own_process()
    run_id = planted.run(NOW - timedelta(minutes=39), seconds=None, **own)
    assert planted.checks() == []
    (alert,) = planted.look(NOW + timedelta(minutes=10)).active
    assert alert.finding.check == "run_slow"
    assert "its last 10 runs took 21 min" in alert.finding.what
    planted.end(run_id, NOW, 3000)
    assert planted.checks(NOW + timedelta(minutes=11)) == []


def test_the_judged_run_and_failed_ones_are_no_history(planted: Planted) -> None:
    for day in range(1, 11):
        planted.run(NOW - timedelta(days=day), seconds=600)
        planted.run(NOW - timedelta(days=day, minutes=-30), seconds=80_000, status="failed")
        planted.run(NOW - timedelta(days=day, minutes=-60), seconds=600)
    planted.run(NOW - HOUR, seconds=None, **planted.own_process())
    assert planted.checks() == ["run_slow"]


def test_the_same_command_is_compared_whatever_its_batch(planted: Planted) -> None:
    for day in range(1, 11):
        planted.run(NOW - timedelta(days=day), seconds=60, arguments=f"--batch {day}")
        planted.run(NOW - timedelta(days=day), seconds=9000, arguments="--full")
    own = planted.own_process()
    planted.run(NOW - HOUR, seconds=None, arguments="--full", **own)
    assert planted.checks() == []
    planted.run(NOW - HOUR, seconds=None, arguments="--batch 99", **own)
    assert planted.checks() == ["run_slow"]


def test_without_history_the_documented_limit_holds(planted: Planted) -> None:
    planted.run(NOW - 5 * HOUR, seconds=None, **planted.own_process())
    (alert,) = planted.look().active
    assert "without 8 earlier runs, 4.0 h is the limit" in alert.finding.what


def test_a_stopped_process_hangs_and_one_that_goes_on_does_not(planted: Planted) -> None:
    with child("import time\ntime.sleep(600)") as process:
        os.kill(process.process_id, signal.SIGSTOP)
        while (now := read_process(process.process_id)) and now.state != "T":
            time.sleep(0.01)
        planted.run(
            NOW - timedelta(minutes=5),
            seconds=None,
            process_id=process.process_id,
            process_started=process.started,
        )
        assert planted.checks(NOW) == []
        assert planted.checks(NOW + timedelta(minutes=9)) == []
        (alert,) = planted.look(NOW + timedelta(minutes=11)).active
        assert alert.finding.check == "run_hanging"
        assert "done nothing for 11 min; it was stopped with SIGSTOP" in alert.finding.what


def test_a_process_whose_child_computes_does_not_hang(planted: Planted) -> None:
    with child(
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while True: pass'])"
    ) as process:
        planted.run(
            NOW - timedelta(minutes=5),
            seconds=None,
            process_id=process.process_id,
            process_started=process.started,
        )
        limits = {"runs": {"hanging_seconds": 5, "idle_share": 0.000001}}
        try:
            while len(tree_of(process.process_id)) < 2:
                time.sleep(0.01)
            for minute in range(3):
                before = sum(one.cpu_seconds for one in tree_of(process.process_id))
                while sum(one.cpu_seconds for one in tree_of(process.process_id)) <= before:
                    time.sleep(0.01)
                assert planted.checks(NOW + timedelta(minutes=minute), **limits) == []
        finally:
            for one in tree_of(process.process_id)[1:]:
                os.kill(one.process_id, signal.SIGKILL)


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("06:30Z", datetime(2026, 11, 30, 9), datetime(2026, 11, 30, 6, 30)),
        ("06:30Z", datetime(2026, 11, 30, 6, 29), datetime(2026, 11, 29, 6, 30)),
        # The thirtieth of November is a Monday.
        ("Mon-Fri 06:30Z", datetime(2026, 11, 30, 6, 29), None),
        ("Mon-Fri 06:30Z", datetime(2026, 11, 30, 6, 30), datetime(2026, 11, 30, 6, 30)),
        ("Sat-Mon 23:00Z", datetime(2026, 11, 30, 6), datetime(2026, 11, 29, 23)),
        ("Sat-Sun 06:30Z", datetime(2026, 11, 30, 9), None),
    ],
)
def test_the_deadline_holds_for_a_day(text: str, now: datetime, expected: datetime | None) -> None:
    assert Deadline.parse(text).last_before(now) == expected


def test_a_local_deadline_follows_the_clock_of_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Zurich")
    time.tzset()
    try:
        deadline = Deadline.parse("06:30")
        assert deadline.last_before(datetime(2026, 11, 30, 9)) == datetime(2026, 11, 30, 5, 30)
        assert deadline.last_before(datetime(2026, 7, 1, 9)) == datetime(2026, 7, 1, 4, 30)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["6:30", "24:00", "06:60", "Mon 06:30", "Foo-Fri 06:30", "noon"])
def test_another_deadline_is_refused(text: str) -> None:
    with pytest.raises(SightError, match="write it as"):
        Deadline.parse(text)


def test_the_deadline_is_missed_without_a_green_run_until_there_is_one(planted: Planted) -> None:
    planted.run(NOW - timedelta(days=2))
    planted.run(NOW - HOUR, kind="load")
    assert planted.checks(deadline="06:30Z") == ["deadline_missed"]
    assert planted.checks() == []
    planted.run(NOW - timedelta(minutes=10))
    assert planted.checks(deadline="06:30Z") == []


def test_where_versions_are_published_the_deadline_is_about_them(planted: Planted) -> None:
    planted.run(NOW - HOUR)
    planted.publish(NOW - timedelta(days=2))
    assert planted.checks(deadline="06:30Z") == ["deadline_missed"]
    planted.publish(NOW - timedelta(hours=12), version="batch-4")
    assert planted.checks(deadline="06:30Z") == []


def test_records_with_a_time_zone_are_understood(planted: Planted) -> None:
    from datetime import UTC

    planted.run((NOW - HOUR).replace(tzinfo=UTC), status="failed")
    assert planted.checks() == ["run_failed"]
