"""Charts with a title, named axes and colors that color-blind people can tell apart.

Usage:
    lines(rows, "month_start_date", {"cash_balance": "Cash", "holdings_value": "Holdings"}, title="Assets by month", unit="currency")
    bars(rows, "branch", "trading_revenue", title="Revenue by branch", unit="currency", name="Branch")

Lines also differ by their dashes, and bars are all of one color: no chart is told apart by color alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from scripts.serve.dashboard.formats import SHARE

# Okabe and Ito, Color Universal Design (2008), without yellow, which is too light on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 1])
_HEIGHT, _BAR, _LABEL_PIXELS = 330, 14, 150
# As many as find room in a line on a phone.
_LEGEND_COLUMNS = 2
# Of d3-format: all digits before the point, or percent.
_FULL, _PERCENT = ",.2~f", ".1~%"
# Of Vega: few digits and what they count, as `formats.short` writes it.
_SHORT = (
    "abs(datum.value) < 1000 ? format(datum.value, ',')"
    " : replace(replace(replace(format(datum.value, '~s'), 'G', ' bn'), 'M', ' M'), 'k', ' k')"
)
_SERIES, _VALUE = "series", "value"

Rows = Sequence[Mapping[str, Any]]


def lines(rows: Rows, time: str, series: Mapping[str, str], *, title: str, unit: str) -> alt.Chart:
    """Values by month, one line for each series.

    Args:
        rows: one for each month.
        time: the column with the first day of the month.
        series: columns, and how they are called in the chart.
        title: of the chart.
        unit: of the values.
    """
    points = [
        {time: row[time], _SERIES: label, _VALUE: _number(row[column])}
        for row in rows
        for column, label in series.items()
        if row[column] is not None
    ]
    labels = list(series.values())
    legend = (
        alt.Legend(
            title=None,
            orient="top",
            columns=_LEGEND_COLUMNS,
            symbolType="stroke",
            symbolSize=600,
            symbolStrokeWidth=2,
        )
        if len(labels) > 1
        else None
    )
    scale = alt.Scale(domain=labels, range=list(COLORS[: len(labels)]))
    dashes = alt.Scale(domain=labels, range=list(_DASHES[: len(labels)]))
    chart: alt.Chart = (
        _chart(points, title)
        .mark_line(point=alt.OverlayMarkDef(size=18), strokeWidth=2)
        .encode(
            x=alt.X(f"{time}:T", title="Month", axis=alt.Axis(format="%b %Y", labelAngle=0)),
            y=alt.Y(f"{_VALUE}:Q", **_axis(unit)),
            color=alt.Color(f"{_SERIES}:N", scale=scale, legend=legend),
            strokeDash=alt.StrokeDash(f"{_SERIES}:N", scale=dashes, legend=legend),
            tooltip=[
                alt.Tooltip(f"{time}:T", title="Month", format="%b %Y"),
                alt.Tooltip(f"{_SERIES}:N", title="Series"),
                alt.Tooltip(f"{_VALUE}:Q", title=_capital(unit), format=_digits(unit)),
            ],
        )
        .properties(height=_HEIGHT)
    )
    return chart


def bars(rows: Rows, name: str, value: str, *, title: str, name_title: str, unit: str) -> alt.Chart:
    """One bar for each row, in the order of the rows, the longest names cut off.

    Args:
        rows: what is compared.
        name: the column with the names.
        value: the column with the values.
        title: of the chart.
        name_title: of the axis with the names.
        unit: of the values.
    """
    points = [
        {name: _name(row[name]), _VALUE: _number(row[value])}
        for row in rows
        if row[value] is not None
    ]
    chart: alt.Chart = (
        _chart(points, title)
        .mark_bar(color=COLORS[0], cornerRadiusEnd=2, size=_BAR)
        .encode(
            x=alt.X(f"{_VALUE}:Q", **_axis(unit)),
            y=alt.Y(
                f"{name}:N",
                title=name_title,
                sort=None,
                axis=alt.Axis(labelLimit=_LABEL_PIXELS, labelOverlap=False, labelFlush=False),
            ),
            tooltip=[
                alt.Tooltip(f"{name}:N", title=name_title),
                alt.Tooltip(f"{_VALUE}:Q", title=_capital(unit), format=_digits(unit)),
            ],
        )
        .properties(height=_HEIGHT)
    )
    return chart


def _chart(points: list[dict[str, Any]], title: str) -> alt.Chart:
    heading = alt.TitleParams(title, anchor="start", fontSize=15, fontWeight=600)
    return alt.Chart(alt.InlineData(values=[_as_json(point) for point in points]), title=heading)


def _axis(unit: str) -> dict[str, Any]:
    """The axis of values."""
    shown: dict[str, Any] = {"format": _PERCENT} if unit == SHARE else {"labelExpr": _SHORT}
    return {"title": _capital(unit), "axis": alt.Axis(tickCount=5, **shown)}


def _capital(unit: str) -> str:
    return "Share" if unit == SHARE else unit[:1].upper() + unit[1:]


def _digits(unit: str) -> str:
    return _PERCENT if unit == SHARE else _FULL


def _name(value: Any) -> str:
    return "(none)" if value is None else str(value)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _as_json(point: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in point.items()
    }
