"""Filters of a page. Each is kept in the address, so a link shows what its sender saw; what is not set is not in it.

Usage:
    with filter_bar():
        first, last = months(data.months(), count=12)
        branch = choice("branch", "Branch", branches)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import streamlit as st

from scripts.serve.dashboard import formats

# Two of them beside each other on a phone.
_WIDTH = 168
_MONTHS_OF_A_YEAR = 12
_IN_ADDRESS: Any = "query-params"


@contextmanager
def filter_bar() -> Iterator[None]:
    """A row for filters, which wraps on a narrow screen. Those that a selected row sets belong here: Streamlit writes into the address only what is on the page before."""
    with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
        yield


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def year_before(month: date) -> date:
    """The first day of the same month a year before."""
    return month.replace(year=month.year - 1)


def choice(
    name: str,
    label: str,
    options: Sequence[Any],
    *,
    every: str = "All",
    show: Callable[[Any], str] = str,
    help: str | None = None,
) -> str | None:
    """One of some values; None for all of them.

    Args:
        name: in the address.
        label: for people.
        options: the values.
        every: what stands for all of them, or for the default.
        show: how a value is shown.
        help: more about it.
    """
    texts = {str(option): show(option) for option in options if option is not None}
    texts = {"": every} | texts
    chosen = st.selectbox(
        label,
        list(texts),
        format_func=lambda value: texts.get(value, value),
        key=name,
        help=help,
        width=_WIDTH,
        bind=_IN_ADDRESS,
    )
    return chosen or None


def text(name: str, label: str, *, placeholder: str = "", help: str | None = None) -> str | None:
    """What somebody types; None if it is nothing."""
    typed = st.text_input(
        label, key=name, placeholder=placeholder, help=help, width=_WIDTH, bind=_IN_ADDRESS
    )
    return (typed or "").strip() or None


def number(name: str, label: str, *, help: str | None = None) -> int | None:
    """A whole number that somebody types, such as the number of a customer; None if it is nothing, or no number, which is said."""
    typed = text(name, label, placeholder="Number", help=help)
    if typed is None:
        return None
    try:
        found = int(typed)
    except ValueError:
        found = None
    # What the column can hold.
    if found is None or abs(found) >= 2**63:
        st.warning(f"{label}: {formats.plain(typed)} is not a whole number; it is left out.")
        return None
    return found


def switch(name: str, label: str, *, is_on: bool = False, help: str | None = None) -> bool:
    """Yes or no."""
    return st.toggle(label, value=is_on, key=name, help=help, bind=_IN_ADDRESS)


def view(name: str, label: str, options: Sequence[str]) -> str:
    """One of a few views of the same page."""
    chosen = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=name,
        label_visibility="collapsed",
        bind=_IN_ADDRESS,
    )
    return chosen or options[0]


def month(name: str, label: str, known: Sequence[date], default: date | None = None) -> date:
    """One month. The default is not in the address: a link without it shows what is newest when it is opened.

    Args:
        name: in the address.
        label: for people.
        known: the first days of all months, at least one.
        default: the newest one if it is not given.
    """
    newest_first = sorted(known, reverse=True)
    default = default or newest_first[0]
    others = [day for day in newest_first if day != default]
    chosen = choice(name, label, others, every=formats.month(default), show=formats.month)
    return date.fromisoformat(chosen) if chosen else default


def period(known: Sequence[date], count: int = _MONTHS_OF_A_YEAR) -> tuple[date, date]:
    """From a month to a month; at the beginning, the last ones. If they are the wrong way round, they are exchanged.

    Args:
        known: the first days of all months, at least one.
        count: how many are shown at the beginning.
    """
    oldest_first = sorted(known)
    first = month("from", "From", known, oldest_first[-min(count, len(oldest_first))])
    last = month("to", "To", known)
    return min(first, last), max(first, last)


def day(name: str, label: str) -> date | None:
    """A day that somebody types; None if it is nothing, or no day, which is said."""
    typed = text(name, label, placeholder="2017-07-07")
    if typed is None:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        st.warning(
            f"{label}: {formats.plain(typed)} is not a day such as 2017-07-07; it is left out."
        )
        return None


def use(**values: Any) -> None:
    """Set filters from a callback, for example when a row is selected."""
    for name, value in values.items():
        st.session_state[name] = "" if value is None else str(value)
