"""Pages of the dashboard, each with the name of its exposure. A page is a function `show(data)`.

Usage:
    show_page(exposure, "analyst")
"""

import importlib
from collections.abc import Callable

import streamlit as st

from scripts.metrics.definitions import MetricsError
from scripts.serve.dashboard import layout
from scripts.serve.dashboard.data import Data
from scripts.serve.dashboard.exposures import Exposure, shown_exposures
from scripts.serve.dashboard.formats import plain
from scripts.serve.sessions import NothingPublishedError, ServeError, VersionGoneError


def show_page(exposure: Exposure, role: str) -> None:
    """Show a page, or what is wrong and what to do about it.

    Args:
        exposure: what it shows.
        role: who reads.
    """
    try:
        with st.spinner("Reading ..."):
            data = Data.current(role)
            layout.heading(exposure, data)
            page_of(exposure)(data)
    except VersionGoneError:
        # A new version has taken its place while the page was made.
        st.rerun()
    except NothingPublishedError as error:
        st.title(exposure.label)
        st.info(
            f"Nothing is published yet: run `make build`, then try again.\n\n{plain(error)}",
            icon=":material/hourglass_empty:",
        )
        _try_again()
    except (ServeError, MetricsError) as error:
        st.error(f"This cannot be shown now: {plain(error)}", icon=":material/error:")
        _try_again()


def warm(role: str) -> str:
    """Ask what each page asks at the beginning, so that its first reader finds the answers; returns the version that they are about.

    Raises:
        ServeError, MetricsError: they cannot be had.
    """
    data = Data.current(role)
    for exposure in shown_exposures():
        layout.audit_of(data)
        # Without a reader, what Streamlit would show goes nowhere, and filters have their defaults.
        page_of(exposure)(data)
    return data.manifest.version


def page_of(exposure: Exposure) -> Callable[[Data], None]:
    """The function that shows a page.

    Raises:
        ModuleNotFoundError: the exposure has no page.
    """
    show: Callable[[Data], None] = importlib.import_module(f"{__name__}.{exposure.name}").show
    return show


def _try_again() -> None:
    if st.button("Try again", icon=":material/refresh:"):
        st.rerun()
