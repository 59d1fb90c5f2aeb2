"""How the runs of the warehouse went: health, freshness, slow models, quarantine."""

import streamlit as st

from scripts.serve.dashboard import filters, formats
from scripts.serve.dashboard.charts import bars
from scripts.serve.dashboard.data import Data
from scripts.serve.dashboard.layout import Figure, charts, key_figures, table

_VIEWS = {
    "Freshness": ("pipeline/freshness", "No feed has arrived."),
    "Runs": ("pipeline/runs", "No run is recorded."),
    "Health by day": ("pipeline/health", "No run is recorded."),
    "Slow models": ("pipeline/slow_models", "No model has run often enough to say what is usual."),
    "Quarantine": ("pipeline/quarantine", "No row violates the contract of its feed."),
    "Tests": ("pipeline/tests", "No test was red or changed its mind."),
}


def show(data: Data) -> None:
    """Show the page."""
    found = data.row("pipeline/summary") or {}
    key_figures(
        [
            Figure(
                "Last batch date",
                formats.day(found.get("last_batch_date")),
                f"Loaded on {formats.moment(found.get('last_loaded_at'))}.",
            ),
            Figure(
                "Runs recorded",
                formats.full(found.get("run_count")),
                f"{formats.full(found.get('success_count'))} of them succeeded.",
            ),
            Figure(
                "Runs without success",
                formats.full(found.get("unsuccessful_count")),
                "Failed, stopped by a signal, or killed.",
            ),
            Figure(
                "Feeds that failed",
                formats.full(found.get("failed_feed_count")),
                "The last load of one of their batches has failed.",
            ),
            Figure(
                "Slow models",
                formats.full(found.get("slow_model_count")),
                "They took longer than their limit when they ran last.",
            ),
            Figure(
                "Rows quarantined",
                formats.full(found.get("rows_quarantined")),
                "Rows that violate the contract of their feed.",
            ),
        ]
    )
    st.caption(
        "The history as it was when this version was built: the run that has built it is in the next one."
    )
    _charts(data)
    view = filters.view("rows", "Rows", list(_VIEWS))
    question, empty = _VIEWS[view]
    table(data, question, empty=empty)


def _charts(data: Data) -> None:
    days = [
        {"day": formats.day(row["run_date"]), "seconds": row["seconds"]}
        for row in reversed(data.rows("pipeline/days").to_pylist())
        if row["seconds"]
    ]
    longest = data.rows("pipeline/longest_models").to_pylist()
    charts(
        (
            bars(
                days,
                "day",
                "seconds",
                title="Time of the runs of each day, the last 30",
                name_title="Day",
                unit="seconds",
            )
            if days
            else None,
            "Time of the runs of each day." if days else "No run with an end is recorded.",
        ),
        (
            bars(
                longest,
                "node_name",
                "seconds",
                title="Models that took longest",
                name_title="Model",
                unit="seconds",
            )
            if longest
            else None,
            "Models that took longest when they ran last."
            if longest
            else "No run of a model is recorded yet: the next version has those that made this one.",
        ),
    )
