"""Checks of feeds fire on the fault, are silent on its healthy brother, and are over when it is."""

from datetime import timedelta
from pathlib import Path

import pytest
from planted import NOW, Planted

from scripts.monitor.deliveries import kind_of, read_deliveries

DAYS = 10
TRADES = 1000


@pytest.fixture
def daily(planted: Planted) -> Planted:
    """Ten days of deliveries; the batch of the last one is number 11, two hours old."""
    for number in range(DAYS):
        deliver(planted, number + 2, days_ago=DAYS - 1 - number)
    return planted


def deliver(
    planted: Planted,
    batch: int,
    days_ago: int,
    trade: dict[str, object] | None = None,
    **more: object,
) -> None:
    at = NOW - timedelta(days=days_ago, hours=2, minutes=batch % 3)
    feeds = {
        "brokerage__trade": {"rows_read": TRADES + 7 * batch} | (trade or {}),
        "brokerage__customer": {"rows_read": 15},
        "control__audit": {"rows_read": 4},
    }
    planted.deliver(batch, at, day=at.date(), **(feeds | more))


def test_usual_deliveries_are_silent(daily: Planted) -> None:
    assert daily.checks() == []


def test_a_late_batch_is_told_until_it_lands(planted: Planted) -> None:
    for number in range(15):
        deliver(planted, number + 2, days_ago=14 - number)
    assert planted.checks(NOW + timedelta(hours=22)) == []
    (alert,) = planted.look(NOW + timedelta(hours=24)).active
    assert alert.finding.check == "batch_late"
    assert "the next one was usual before Tue 2026-12-01" in alert.finding.what
    deliver(planted, 17, days_ago=-1)
    look = planted.look(NOW + timedelta(hours=24))
    assert [over.finding.check for over in look.over] == ["batch_late"]


def test_no_batch_is_late_on_a_day_without_deliveries(planted: Planted) -> None:
    batch = 2
    for days_ago in range(21, -1, -1):
        day = NOW - timedelta(days=days_ago)
        if day.weekday() < 5:
            deliver(planted, batch, days_ago)
            batch += 1
    # The last one was a Monday; before the end of Friday nothing, then a weekend.
    assert planted.checks(NOW + timedelta(hours=20)) == []
    assert planted.checks(NOW + timedelta(days=1)) == ["batch_late"]
    for days_ago in range(-1, -5, -1):
        deliver(planted, batch, days_ago)
        batch += 1
    assert planted.checks(NOW + timedelta(days=5)) == []
    assert planted.checks(NOW + timedelta(days=6)) == []
    assert planted.checks(NOW + timedelta(days=7)) == ["batch_late"]


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_batches_around_any_hour_belong_to_one_day(planted: Planted, hour: int) -> None:
    begin = NOW.replace(hour=hour, minute=0) - timedelta(days=20)
    for day in range(20):
        at = begin + timedelta(days=day, minutes=(-20, 0, 20)[day % 3])
        planted.deliver(day + 2, at, brokerage__trade={"rows_read": 1000})
    last = begin + timedelta(days=19)
    assert planted.checks(last + timedelta(hours=23)) == []
    assert planted.checks(last + timedelta(hours=30)) == ["batch_late"]


def test_a_replay_of_many_batches_in_one_hour_says_nothing_about_days(planted: Planted) -> None:
    for number in range(30):
        planted.deliver(
            number + 2, NOW - timedelta(minutes=60 - number), brokerage__trade={"rows_read": 1000}
        )
    assert planted.checks() == []
    assert planted.checks(NOW + timedelta(days=3)) == []


def test_a_gap_in_the_numbers_is_told_until_the_batch_lands(daily: Planted) -> None:
    daily.deliver(1, NOW - timedelta(days=11), brokerage__trade={"rows_read": 1})
    deliver(daily, DAYS + 4, days_ago=0)
    (alert,) = daily.look().active
    assert alert.finding.what == "batch 12 to 13 is missing; batch 14 has landed"
    deliver(daily, 12, days_ago=0)
    deliver(daily, 13, days_ago=0)
    assert daily.checks() == []


def failed(message: str, **values: object) -> dict[str, object]:
    return {"status": "failed", "rows_read": 0, "message": message} | values


def test_a_required_feed_without_file_is_missing_until_it_lands(daily: Planted) -> None:
    message = "no file Batch12/Trade.txt in data/sources; deliver it and load again"
    no_file = failed(message, sha256=None, file_bytes=0)
    deliver(daily, 12, days_ago=-1, trade=no_file)
    now = NOW + timedelta(days=1)
    (alert,) = daily.look(now).active
    assert alert.finding.check == "feed_missing"
    assert message in alert.finding.what
    deliver(daily, 12, days_ago=-1)
    assert daily.checks(now) == []


def test_an_optional_feed_is_missing_only_if_it_always_came(daily: Planted) -> None:
    missing = {"status": "missing", "sha256": None, "file_bytes": 0, "rows_read": 0}
    deliver(daily, 12, days_ago=-1, control__audit=missing)
    assert daily.checks(NOW + timedelta(days=1)) == ["feed_missing"]
    deliver(daily, 13, days_ago=-2, control__audit=missing)
    assert daily.checks(NOW + timedelta(days=2)) == []


def test_a_feed_that_was_not_loaded_with_its_batch_is_missing_after_a_while(
    daily: Planted,
) -> None:
    at = NOW + timedelta(hours=22)
    daily.deliver(12, at, control__audit={"rows_read": 4}, brokerage__customer={"rows_read": 15})
    assert daily.checks(at + timedelta(minutes=30)) == []
    (alert,) = daily.look(at + timedelta(minutes=61)).active
    assert (alert.finding.check, alert.finding.subject) == (
        "feed_missing",
        "brokerage.trade of batch 12",
    )
    deliver(daily, 12, days_ago=-1)
    assert daily.checks(at + timedelta(minutes=62)) == []


def test_a_file_that_cannot_be_loaded_is_told_until_it_lands(daily: Planted) -> None:
    deliver(daily, 12, days_ago=-1, trade=failed("Trade.txt: the file holds no record"))
    now = NOW + timedelta(days=1)
    (alert,) = daily.look(now).active
    assert alert.finding.check == "feed_failed"
    assert "the file holds no record" in alert.finding.what
    deliver(daily, 12, days_ago=-1)
    assert daily.checks(now) == []


def test_an_accepted_empty_file_is_told_if_the_feed_never_was_empty(daily: Planted) -> None:
    deliver(daily, 12, days_ago=-1, trade={"rows_read": 0})
    assert daily.checks(NOW + timedelta(days=1)) == ["feed_empty"]
    deliver(daily, 13, days_ago=-2, trade={"rows_read": 0})
    assert daily.checks(NOW + timedelta(days=2)) == []


@pytest.mark.parametrize("factor", [0.5, 2, 0.01, 100])
def test_half_and_double_of_a_steady_feed_are_told_until_corrected(
    daily: Planted, factor: float
) -> None:
    deliver(daily, 12, days_ago=-1, trade={"rows_read": int(1050 * factor)})
    now = NOW + timedelta(days=1)
    (alert,) = daily.look(now).active
    assert alert.finding.check == "feed_volume"
    assert f"has {int(1050 * factor):,} rows; usual are 1,045" in alert.finding.what
    deliver(daily, 12, days_ago=-1)
    assert daily.checks(now) == []


@pytest.mark.parametrize("factor", [0.7, 1.5])
def test_a_third_less_and_half_more_are_silent(daily: Planted, factor: float) -> None:
    deliver(daily, 12, days_ago=-1, trade={"rows_read": int(1050 * factor)})
    assert daily.checks(NOW + timedelta(days=1)) == []


def test_the_next_usual_day_ends_the_alert(daily: Planted) -> None:
    deliver(daily, 12, days_ago=-1, trade={"rows_read": 100})
    assert daily.checks(NOW + timedelta(days=1)) == ["feed_volume"]
    deliver(daily, 13, days_ago=-2)
    assert daily.checks(NOW + timedelta(days=2)) == []


def test_without_enough_history_nothing_is_unusual(planted: Planted) -> None:
    for number in range(7):
        deliver(planted, number + 2, days_ago=7 - number)
    deliver(planted, 9, days_ago=0, trade={"rows_read": 1})
    assert planted.checks() == []


def test_a_feed_is_compared_with_the_same_weekday(planted: Planted) -> None:
    batch = 2
    for days_ago in range(63, 0, -1):
        # Ten times as many on Mondays.
        is_monday = (NOW - timedelta(days=days_ago)).weekday() == 0
        deliver(planted, batch, days_ago, trade={"rows_read": 10_000 if is_monday else 1000})
        batch += 1
    limits = {"history": {"days": 80}}
    deliver(planted, batch, days_ago=0, trade={"rows_read": 10_100})
    assert planted.checks(**limits) == []
    deliver(planted, batch, days_ago=0, trade={"rows_read": 1000})
    assert planted.checks(**limits) == ["feed_volume"]


def test_a_feed_may_have_limits_of_its_own(daily: Planted) -> None:
    deliver(daily, 12, days_ago=-1, trade={"rows_read": 2200})
    now = NOW + timedelta(days=1)
    assert daily.checks(now) == ["feed_volume"]
    assert daily.checks(now, feeds={"brokerage.trade": {"least_factor": 3}}) == []
    assert daily.checks(now, feeds={"brokerage.customer": {"least_factor": 3}}) == ["feed_volume"]


def test_quarantined_rows_are_told_by_their_share(daily: Planted) -> None:
    reasons = ["quantity is not a integer: 'a'"]
    now = NOW + timedelta(days=1)
    for count, expected in ((10, ["new_violation"]), (11, ["new_violation", "quarantine_share"])):
        deliver(daily, 12, days_ago=-1, trade={"rows_read": 1000, "reasons": reasons * count})
        assert sorted(daily.checks(now)) == expected


def test_a_feed_that_always_has_bad_rows_is_told_when_they_double(planted: Planted) -> None:
    reasons = ["quantity is not a integer: 'a'"]
    for number in range(10):
        trade = {"rows_read": 1000, "reasons": reasons * 30}
        deliver(planted, number + 2, days_ago=10 - number, trade=trade)
    for count, expected in ((60, []), (61, ["quarantine_share"])):
        deliver(planted, 12, days_ago=0, trade={"rows_read": 1000, "reasons": reasons * count})
        assert planted.checks() == expected


def test_a_kind_of_violation_is_new_once_whatever_its_values(planted: Planted) -> None:
    for number in range(10):
        trade = {"rows_read": 1000, "reasons": [f"quantity is not a integer: 'x{number}'"]}
        deliver(planted, number + 2, days_ago=10 - number, trade=trade)
    trade = {"rows_read": 1000, "reasons": ["quantity is not a integer: 'other'"]}
    deliver(planted, 12, days_ago=0, trade=trade)
    assert planted.checks() == []
    trade = {"rows_read": 1000, "reasons": ["last_name has 31 characters, at most 30 fit: 'Doe'"]}
    deliver(planted, 12, days_ago=0, trade=trade)
    (alert,) = planted.look().active
    assert alert.finding.check == "new_violation"
    assert "last_name has # characters, at most # fit: … (1 rows)" in alert.finding.what
    assert "Doe" not in alert.finding.key + alert.finding.what


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("cdc_dsn 1234 landed with batch 2: one change counts once", "cdc_dsn # landed with batch #: one change counts once"),
        ("tax_id is not a integer: \"O'Brien\"; name is empty but required", "tax_id is not a integer: …; name is empty but required"),
        ("a is not a date: '12\\'3'", "a is not a date: …"),
    ],
)  # fmt: skip
def test_the_kind_of_a_violation_has_no_values(reason: str, kind: str) -> None:
    assert kind_of(reason) == kind


def test_the_historical_load_is_no_day(planted: Planted) -> None:
    for number in range(9):
        deliver(planted, number + 2, days_ago=9 - number)
    deliver(planted, 1, days_ago=0, trade={"rows_read": 10_000_000})
    assert planted.checks() == []


def test_unfinished_files_of_a_load_are_not_read(daily: Planted) -> None:
    folder = daily.folder / "lake/control/load_log/batch_id=11"
    (folder / ".brokerage__trade.parquet.123.tmp").write_text("half")
    (folder / ".brokerage__trade.parquet").write_text("half")
    assert daily.checks() == []


def test_no_lake_has_no_deliveries(tmp_path: Path) -> None:
    assert read_deliveries(str(tmp_path / "none"), 60).items == ()


def test_a_lake_that_cannot_be_read_is_told_once_and_its_alerts_stay(daily: Planted) -> None:
    deliver(daily, 12, days_ago=-1, trade={"rows_read": 100})
    now = NOW + timedelta(days=1)
    assert daily.checks(now) == ["feed_volume"]
    log = daily.folder / "lake/control/load_log/batch_id=11/brokerage__trade.parquet"
    intact = log.read_bytes()
    log.write_bytes(b"damaged")
    look = daily.look(now)
    assert sorted(alert.finding.check for alert in look.active) == ["cannot_look", "feed_volume"]
    assert look.over == []
    assert "feed_volume" in look.blind
    log.write_bytes(intact)
    look = daily.look(now)
    assert [over.finding.check for over in look.over] == ["cannot_look"]
    assert look.blind == {}


def test_what_an_extraction_was_warned_of_is_told_until_the_system_is_read_without(
    planted: Planted,
) -> None:
    for system, warning in (("brokerage", "trade: has a column that is not known"), ("crm", None)):
        planted.read_system(NOW - timedelta(days=1), system, warning)
    (alert,) = planted.look().active
    assert (alert.finding.check, alert.finding.subject) == ("source_warning", "brokerage")
    assert "a column that is not known" in alert.finding.what
    planted.read_system(NOW - timedelta(hours=1), "crm")
    assert planted.checks() == ["source_warning"]
    planted.read_system(NOW - timedelta(hours=2), "brokerage")
    assert [over.finding.check for over in planted.look().over] == ["source_warning"]
