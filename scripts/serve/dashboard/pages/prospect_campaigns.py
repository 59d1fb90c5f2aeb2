"""The prospects of a campaign, by tag and place, without customers and those who left the list."""

import streamlit as st

from scripts.serve.dashboard import filters, formats
from scripts.serve.dashboard.charts import bars
from scripts.serve.dashboard.data import Data, Row, equals
from scripts.serve.dashboard.layout import (
    Figure,
    charts,
    figure_of,
    key_figures,
    table,
)

_METRICS = ("known_prospects", "prospects_converted", "prospect_conversion_rate")
_BARS = 12


def show(data: Data) -> None:
    """Show the page."""
    tags = [row["nameplate"] for row in data.rows("prospect_campaigns/nameplates").to_pylist()]
    states = [row["state"] for row in data.rows("prospect_campaigns/states").to_pylist()]
    with filters.filter_bar():
        tag = filters.choice("tag", "Tag", tags, every="All tags")
        state = filters.choice("state", "State or province", states, every="All states")
        only_listed = filters.switch("listed", "Only on the list", is_on=True)
        with_customers = filters.switch("customers", "With customers")
    place = {"state": state, "only_listed": only_listed, "with_customers": with_customers}
    chosen = place | {"nameplate": tag}

    count = data.row("prospect_campaigns/count", **chosen) or {"prospect_count": 0}
    where = [equals("prospect__state", state)] if state else []
    (now,) = data.metrics(_METRICS, where=where)
    key_figures(
        [
            Figure(
                "In this campaign",
                formats.full(count["prospect_count"]),
                "Prospects that all of the filters let through.",
            ),
            *(figure_of(data.metric(name), now[name]) for name in _METRICS),
        ]
    )
    if state:
        st.caption(
            f"The figures after the first one are those of all prospects in {formats.plain(state)}."
        )
    _charts(data, place)
    st.subheader("Prospects in this campaign")
    table(
        data,
        "prospect_campaigns/prospects",
        values=chosen,
        empty="No prospect fits this campaign: choose another tag or place.",
    )


def _charts(data: Data, place: Row) -> None:
    by_tag = data.rows("prospect_campaigns/by_nameplate", **place).to_pylist()
    by_state = data.metrics(
        ["prospects_converted"],
        ["prospect__state"],
        order=["-prospects_converted", "prospect__state"],
        limit=_BARS,
    )
    charts(
        (
            bars(
                by_tag,
                "nameplate",
                "prospect_count",
                title="Prospects of each tag, with the filters of place and list",
                name_title="Tag",
                unit="prospects",
            )
            if by_tag
            else None,
            "Prospects of each tag." if by_tag else "No prospect with a tag.",
        ),
        (
            bars(
                by_state,
                "prospect__state",
                "prospects_converted",
                title="States with most prospects who became customers",
                name_title="State or province",
                unit="prospects",
            )
            if by_state
            else None,
            "States with most prospects who became customers." if by_state else "No prospects.",
        ),
    )
