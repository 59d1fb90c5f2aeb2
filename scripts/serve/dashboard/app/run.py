"""What Streamlit runs for each reader: the pages, and how to get from one to another. Started by `python -m scripts.serve.dashboard`."""

from functools import partial

import streamlit as st

from scripts.serve.dashboard.exposures import shown_exposures
from scripts.serve.dashboard.pages import show_page
from scripts.serve.dashboard.settings import reading_role

st.set_page_config(page_title="Brokerage", layout="wide")
# Less room around the page than Streamlit leaves, so that key figures and charts are on the first screen.
st.html(
    "<style>.stMainBlockContainer {padding: 2.5rem 2.5rem 4rem}"
    ' [data-testid="stMetricLabel"] p {font-size: 0.8rem}'
    " @media (max-width: 640px) {.stMainBlockContainer {padding: 3.5rem 1rem 4rem}}</style>"
)
_PAGES = [
    st.Page(
        partial(show_page, exposure, reading_role()),
        title=exposure.label,
        url_path=exposure.name,
    )
    for exposure in shown_exposures()
]


def _first_page() -> None:
    """What has no address of its own leads to the first page, whose address is that of its exposure."""
    st.switch_page(_PAGES[0])


st.navigation([st.Page(_first_page, default=True, visibility="hidden"), *_PAGES]).run()
