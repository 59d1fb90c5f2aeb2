"""What portfolios are worth, what they cost, and how they moved."""

from datetime import date

import streamlit as st

from scripts.serve.dashboard import filters, formats
from scripts.serve.dashboard.charts import bars, lines
from scripts.serve.dashboard.data import Data, Row, equals
from scripts.serve.dashboard.layout import charts, figure_of, key_figures, table

_METRICS = (
    "assets_under_custody",
    "holdings_value",
    "cash_balance",
    "unrealized_gain",
    "cash_share",
    "net_new_assets",
)
_MONTHS_SHOWN = 24


def show(data: Data) -> None:
    """Show the page."""
    known = [row["month_start_date"] for row in data.rows("common/months").to_pylist()]
    if not known:
        st.info("No account has cash or holdings yet.", icon=":material/info:")
        return
    tiers = [row["tier"] for row in data.rows("portfolio_review/tiers").to_pylist()]
    with filters.filter_bar():
        month = filters.month("month", "Month", known)
        tier = filters.choice("tier", "Client tier", tiers, every="All tiers")
        account = filters.number("account", "Account")
    where = [f"metric_time__month <= {month}"]
    if tier:
        where.append(equals("customer__tier", tier))
    if account is not None:
        where.append(equals("account__account_id", account))
    by_month = data.metrics(_METRICS, ["metric_time__month"], where, ["metric_time__month"])
    months = [row for row in by_month if row["metric_time__month"] <= month][-_MONTHS_SHOWN:]
    if not months:
        st.info("No account has cash or holdings with these filters.", icon=":material/info:")
        return
    _figures(data, months)

    day = _priced_day(data, month)
    values = {
        "day": day,
        "account_id": account,
        "tier": int(tier) if tier else None,
    }
    largest = data.rows("portfolio_review/largest_securities", **values).to_pylist()
    charts(
        (
            lines(
                months,
                "metric_time__month",
                {
                    name: data.metric(name).label
                    for name in ("assets_under_custody", "holdings_value", "cash_balance")
                },
                title="Assets at the end of each month",
                unit=data.metric("assets_under_custody").unit,
            ),
            "Assets under custody, holdings and cash at the end of each month.",
        ),
        (
            bars(
                largest,
                "symbol",
                "market_amount",
                title=f"Largest holdings on {formats.day(day)}",
                name_title="Security",
                unit="currency",
            )
            if largest
            else None,
            "The securities that are worth most." if largest else "No holdings with a price.",
        ),
    )
    st.subheader(f"Positions on {formats.day(day)}")
    st.caption("Select a row to see its account alone.")
    table(
        data,
        "portfolio_review/positions",
        values=values,
        on_row=_show_account,
        empty="No positions with a price on this day.",
    )


def _figures(data: Data, months: list[Row]) -> None:
    now = months[-1]
    before = months[-13] if len(months) > 12 else {}
    key_figures(
        [
            figure_of(
                data.metric(name),
                now[name],
                None if name == "net_new_assets" else before.get(name),
                "in a year",
                is_neutral=name in ("cash_balance", "cash_share"),
            )
            for name in _METRICS
        ]
    )


def _priced_day(data: Data, month: date) -> date | None:
    row = data.row("portfolio_review/priced_day", next_month=filters.next_month(month))
    return row["date_value"] if row else None


def _show_account(row: Row) -> None:
    filters.use(account=row["account_id"])
