"""Days on which customers traded a security unusually often, or canceled unusually many trades."""

from datetime import date

import streamlit as st

from scripts.serve.dashboard import filters
from scripts.serve.dashboard.charts import bars, lines
from scripts.serve.dashboard.data import Data, Row, equals
from scripts.serve.dashboard.layout import charts, figure_of, key_figures, table

_METRICS = (
    "trades_closed",
    "trades_canceled",
    "cancellation_rate",
    "traded_notional",
    "median_order_fill_seconds",
    "average_order_fill_seconds",
)
_BARS = 12
_MARKET, _CANCELED, _TRADES = "Share of the market", "Canceled trades", "Single trades"


def show(data: Data) -> None:
    """Show the page."""
    known = [row["month_start_date"] for row in data.rows("common/months").to_pylist()]
    if not known:
        st.info("No trade was closed yet.", icon=":material/info:")
        return
    symbols = [row["symbol"] for row in data.rows("trade_surveillance/symbols").to_pylist()]
    with filters.filter_bar():
        first, last = filters.period(known)
        symbol = filters.choice("symbol", "Security", symbols, every="All securities")
        day = filters.day("day", "Rows of the day")
    where = [f"metric_time__month >= {first}", f"metric_time__month <= {last}"]
    if symbol:
        where.append(equals("security__symbol", symbol))
    (now,) = data.metrics(_METRICS, where=where)
    key_figures(
        [figure_of(data.metric(name), now[name]) for name in _METRICS],
    )
    _charts(data, where)
    _rows(data, first, last, symbol, day)


def _charts(data: Data, where: list[str]) -> None:
    rate = data.metric("cancellation_rate")
    by_month = data.metrics([rate.name], ["metric_time__month"], where, ["metric_time__month"])
    ranked = data.metrics(
        ["trades_canceled"],
        ["security__symbol"],
        where,
        ["-trades_canceled", "security__symbol"],
        _BARS,
    )
    ranked = [row for row in ranked if row["trades_canceled"]]
    charts(
        (
            lines(
                by_month,
                "metric_time__month",
                {rate.name: rate.label},
                title="Cancellation rate by month",
                unit=rate.unit,
            )
            if by_month
            else None,
            "Cancellation rate by month." if by_month else "No trade was closed.",
        ),
        (
            bars(
                ranked,
                "security__symbol",
                "trades_canceled",
                title="Securities with most canceled trades",
                name_title="Security",
                unit="trades",
            )
            if ranked
            else None,
            "Securities with most canceled trades." if ranked else "No trade was canceled.",
        ),
    )


def _rows(data: Data, first: date, last: date, symbol: str | None, day: date | None) -> None:
    st.subheader("Rows")
    view = filters.view("rows", "Rows", [_MARKET, _CANCELED, _TRADES])
    values = {
        "first_day": first,
        "next_month": filters.next_month(last),
        "symbol": symbol,
        "day": day,
    }
    if view == _TRADES:
        status = filters.choice("status", "Status", ["Completed", "Canceled"], every="Every status")
        table(data, "trade_surveillance/trades", values=values | {"status": status})
        return
    st.caption(
        "Days by security: our customers beside the whole market. Select a row to see its trades."
    )
    order = "market_share" if view == _MARKET else "canceled_trade_count"
    table(data, "trade_surveillance/days", values=values | {"order": order}, on_row=_show_trades)


def _show_trades(row: Row) -> None:
    filters.use(symbol=row["symbol"], day=row["date_value"], rows=_TRADES)
