"""Numbers and times as people read them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from scripts.serve.dashboard import formats
from scripts.serve.dashboard.filters import next_month, year_before


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (Decimal("0.00"), "0"),
        (7.5, "7.50"),
        (-999.994, "-999.99"),
        (4586.604865, "4,587"),
        (999_949, "999,949"),
        (999_950, "1.0 M"),
        (-12_744_000, "-12.7 M"),
        (Decimal("7781901179.84"), "7.8 bn"),
        (999_999_999, "1.0 bn"),
        (3.2e13, "32.0 T"),
    ],
)
def test_a_figure_has_few_digits(value: float | None, text: str) -> None:
    assert formats.short(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0694006, "share of one", "6.9 %"),
        (-0.18596, "share of one", "-18.6 %"),
        (None, "share of one", "-"),
        (12, "seconds", "12.0 seconds"),
        (90, "seconds", "1.5 minutes"),
        (5_400, "seconds", "1.5 hours"),
        (914_641.5, "seconds", "10.6 days"),
        (None, "seconds", "-"),
        (236, "checks", "236"),
    ],
)
def test_a_metric_is_shown_in_its_unit(value: float | None, unit: str, text: str) -> None:
    assert formats.of_metric(value, unit) == text


def test_all_digits_are_there_for_who_wants_them() -> None:
    assert formats.full(Decimal("7781901179.84")) == "7,781,901,179.84"
    assert formats.full(236) == "236"


def test_times_are_in_utc_whatever_zone_they_come_in() -> None:
    east = timezone(timedelta(hours=2))
    assert formats.moment(datetime(2026, 11, 30, 1, 5, tzinfo=east)) == "29 Nov 2026, 23:05 UTC"
    assert formats.moment(datetime(2026, 11, 30, 1, 5, tzinfo=UTC)) == "30 Nov 2026, 01:05 UTC"
    assert formats.moment(datetime(2026, 11, 30, 1, 5)) == "30 Nov 2026, 01:05 UTC"
    assert formats.moment(None) == formats.day(None) == formats.month(None) == "-"


def test_months_follow_each_other_over_the_end_of_a_year() -> None:
    assert next_month(date(2016, 12, 1)) == date(2017, 1, 1)
    assert next_month(date(2017, 1, 1)) == date(2017, 2, 1)
    assert year_before(date(2017, 1, 1)) == date(2016, 1, 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("O'Hara, Ann", r"O\'Hara\, Ann"),
        ("![x](http://a)", r"\!\[x\]\(http\:\/\/a\)"),
        (":red[late] $x$", r"\:red\[late\] \$x\$"),
    ],
)
def test_a_text_from_the_sources_is_only_text(text: str, shown: str) -> None:
    assert formats.plain(text) == shown
