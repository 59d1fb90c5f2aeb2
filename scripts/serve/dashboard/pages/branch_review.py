"""Branches and their brokers: revenue, trades and clients in a period, and a year before."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from scripts.serve.dashboard import filters, formats
from scripts.serve.dashboard.charts import bars, lines
from scripts.serve.dashboard.data import Data, Row, equals
from scripts.serve.dashboard.layout import charts, figure_of, key_figures, table

_METRICS = (
    "trading_revenue",
    "traded_notional",
    "trades_completed",
    "trading_clients",
    "revenue_per_broker",
    "cancellation_rate",
)
_BARS = 12


def show(data: Data) -> None:
    """Show the page."""
    known = [row["month_start_date"] for row in data.rows("common/months").to_pylist()]
    if not known:
        st.info("No trade was closed yet.", icon=":material/info:")
        return
    branches = [row["branch"] for row in data.rows("branch_review/branches").to_pylist()]
    with filters.filter_bar():
        first, last = filters.period(known)
        branch = filters.choice("branch", "Branch", branches, every="All branches")

    (now,) = data.metrics(_METRICS, where=_where(first, last, branch))
    year_before = filters.year_before(first), filters.year_before(last)
    (before,) = data.metrics(_METRICS, where=_where(*year_before, branch))
    key_figures(
        [
            figure_of(
                data.metric(name),
                now[name],
                before[name],
                "in a year",
                is_good_when_low=name == "cancellation_rate",
            )
            for name in _METRICS
        ]
    )
    _charts(data, first, last, branch)
    _rows(data, first, last, branch)


def _charts(data: Data, first: date, last: date, branch: str | None) -> None:
    where = _where(first, last, branch)
    by_month = data.metrics(
        ["commission_income", "fee_income"], ["metric_time__month"], where, ["metric_time__month"]
    )
    compared = "broker__broker_id" if branch else "broker__branch"
    ranked = data.metrics(
        ["trading_revenue"], [compared], where, ["-trading_revenue", compared], _BARS
    )
    ranked = [row for row in ranked if row["trading_revenue"] is not None]
    what = "brokers" if branch else "branches"
    charts(
        (
            lines(
                by_month,
                "metric_time__month",
                {name: data.metric(name).label for name in ("commission_income", "fee_income")},
                title="Commissions and fees by month",
                unit=data.metric("commission_income").unit,
            )
            if by_month
            else None,
            "Commissions and fees by month." if by_month else "No trade was closed.",
        ),
        (
            bars(
                ranked,
                compared,
                "trading_revenue",
                title=f"The {what} with most revenue",
                name_title="Broker" if branch else "Branch",
                unit=data.metric("trading_revenue").unit,
            )
            if ranked
            else None,
            f"The {what} with most revenue." if ranked else "No trade was closed.",
        ),
    )


def _rows(data: Data, first: date, last: date, branch: str | None) -> None:
    st.subheader(f"{formats.month(first)} to {formats.month(last)}")
    view = filters.view("rows", "Rows", ["Brokers", "Months of brokers"])
    values = {"first_month": first, "last_month": last, "branch": branch}
    if view == "Brokers":
        st.caption("Select a row to see its branch alone.")
        table(data, "branch_review/brokers", values=values, on_row=_show_branch)
    else:
        table(data, "branch_review/months", values=values)


def _show_branch(row: Row) -> None:
    filters.use(branch=row["branch"])


def _where(first: date, last: date, branch: str | None) -> Sequence[str]:
    where = [f"metric_time__month >= {first}", f"metric_time__month <= {last}"]
    return [*where, equals("broker__branch", branch)] if branch else where
