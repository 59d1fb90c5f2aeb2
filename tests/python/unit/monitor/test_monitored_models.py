"""A model that has drifted is told until the next comparison finds nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from planted import NOW, Planted

from scripts.history.records import write_records
from tests.python.run_records import model_check


def compare(planted: Planted, at: datetime, **states: str) -> None:
    usual = replace(
        model_check(str(uuid4()), at),
        model_version=2,
        published_version="batch-0004-20261130T080000Z",
        published_batch=4,
    )
    records = [
        replace(usual, subject=subject, value=0.31 if state == "act" else 0.02, state=state)
        for subject, state in states.items()
    ]
    write_records(planted.places.runs, records, at)


def test_a_drifted_model_is_told_with_figures(planted: Planted) -> None:
    compare(planted, NOW - timedelta(hours=1), order_count="act", tier="ok")
    (alert,) = planted.look().active
    assert alert.finding.check == "model_drifted"
    assert alert.finding.what == (
        "attrition, version 2, compared with batch-0004-20261130T080000Z:"
        " input_drift of order_count is 0.31, from 0.25 on it matters"
    )


def test_a_model_that_is_only_watched_is_silent(planted: Planted) -> None:
    compare(planted, NOW - timedelta(hours=1), order_count="watch", tier="ok")
    assert planted.checks() == []


def test_the_next_comparison_ends_it(planted: Planted) -> None:
    compare(planted, NOW - timedelta(days=2), order_count="act")
    assert planted.checks() == ["model_drifted"]
    compare(planted, NOW - timedelta(days=1), order_count="ok")
    assert planted.checks() == []
