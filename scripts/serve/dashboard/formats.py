"""Numbers and times as people read them.

Usage:
    short(64_917_294.31)                 64.9 M
    full(64_917_294.31, "currency")      64,917,294.31
    of_metric(0.0694, "share of one")    6.9 %
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Number = int | float | Decimal
NOTHING = "-"
SHARE = "share of one"
_STEPS = ((1_000_000_000_000, "T"), (1_000_000_000, "bn"), (1_000_000, "M"))
# From here on, what stands after the point tells nothing.
_LARGE = 1_000
# What Markdown, and Streamlit in it, would take for more than text.
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def short(value: Number | None) -> str:
    """A number in few characters."""
    if value is None:
        return NOTHING
    number = float(value)
    for step, sign in _STEPS:
        # What rounding would lift to the next step belongs there.
        if abs(number) >= step * 0.99995:
            return f"{number / step:,.1f} {sign}"
    return f"{number:,.0f}" if abs(number) >= _LARGE else full(value)


def full(value: Number | None, unit: str = "") -> str:
    """A number with all of its digits before the point, and two after it if it has any."""
    if value is None:
        return NOTHING
    if unit == SHARE:
        return percent(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def percent(share: Number | None) -> str:
    """A share of one as a percentage."""
    return NOTHING if share is None else f"{float(share) * 100:,.1f} %"


def duration(seconds: Number | None) -> str:
    """Seconds, in the unit that fits."""
    if seconds is None:
        return NOTHING
    number = float(seconds)
    for least, word in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if abs(number) >= least:
            return f"{number / least:,.1f} {word}"
    return f"{number:,.1f} seconds"


def of_metric(value: Any, unit: str) -> str:
    """The value of a metric in few characters, by its unit."""
    if unit == SHARE:
        return percent(value)
    if unit == "seconds":
        return duration(value)
    return short(value)


def plain(text: object) -> str:
    """A text for a place that takes Markdown: what people are called must not become a link or an image."""
    return _MARKS.sub(r"\\\1", str(text))


def day(value: date | None) -> str:
    """A day, without doubt which number is the month."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y}"


def month(value: date | None) -> str:
    """The month of a day."""
    return NOTHING if value is None else f"{value:%b %Y}"


def moment(value: datetime | None) -> str:
    """A time in UTC; one without a zone is taken to be in UTC."""
    if value is None:
        return NOTHING
    if value.tzinfo:
        value = value.astimezone(UTC)
    return f"{day(value)}, {value:%H:%M} UTC"
