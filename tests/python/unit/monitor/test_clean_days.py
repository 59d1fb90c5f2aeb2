"""Days without a fault are silent, whatever their natural variation; the same days with a fault are not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from scripts.monitor.alerts import take_look
from scripts.monitor.state import State
from tests.python.clean_days import CleanDays

DAYS = 45


@pytest.mark.parametrize("seed", range(4))
def test_days_without_a_fault_are_silent(seed: int) -> None:
    state = State()
    looks = 0
    for sight in CleanDays(seed).looks(DAYS):
        look = take_look(sight, state)
        assert [f"{sight.now}: {alert.finding.what}" for alert in look.active] == []
        assert look.blind == {}
        looks += 1
    assert looks > 6 * DAYS


def test_the_same_days_with_a_fault_are_not_silent() -> None:
    days = CleanDays(0)
    (*_, last) = days.looks(DAYS)
    halved = [
        replace(item, rows_read=item.rows_read // 3)
        if item.batch == max(days.dates) and item.label == "market.daily_market"
        else item
        for item in last.deliveries.items
    ]
    last.deliveries = replace(last.deliveries, items=tuple(halved))
    last.now += timedelta(days=5)
    checks = {alert.finding.check for alert in take_look(last, State()).active}
    assert checks == {"feed_volume", "batch_late", "deadline_missed", "published_stale"}
