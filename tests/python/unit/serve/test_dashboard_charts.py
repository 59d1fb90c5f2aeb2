"""Charts can be read without their page, and without telling colors apart."""

from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from scripts.serve.dashboard.charts import COLORS, bars, lines

MONTHS = [
    {"month": date(2017, 6, 1), "cash": Decimal("1.50"), "holdings": 3},
    {"month": date(2017, 7, 1), "cash": None, "holdings": 4},
]
SERIES = {"cash": "Cash", "holdings": "Value of holdings"}


def _lines(series: dict[str, str] = SERIES) -> dict[str, Any]:
    return lines(MONTHS, "month", series, title="Assets", unit="currency").to_dict()


def _bars(rows: list[dict[str, Any]], unit: str = "trades") -> dict[str, Any]:
    chart = bars(rows, "symbol", "count", title="Canceled", name_title="Security", unit=unit)
    return chart.to_dict()


def test_lines_have_a_title_and_axes_with_units() -> None:
    chart = _lines()
    assert chart["title"]["text"] == "Assets"
    assert chart["encoding"]["x"]["title"] == "Month"
    assert chart["encoding"]["y"]["title"] == "Currency"


def test_bars_have_a_title_and_axes_with_units() -> None:
    chart = _bars([{"symbol": "AAA", "count": 2}])
    assert chart["title"]["text"] == "Canceled"
    assert chart["encoding"]["x"]["title"] == "Trades"
    assert chart["encoding"]["y"]["title"] == "Security"
    assert (
        _bars([{"symbol": "A", "count": 0.5}], "share of one")["encoding"]["x"]["title"] == "Share"
    )


def test_a_month_without_a_value_is_a_gap_and_not_a_zero() -> None:
    shown = {(point["month"], point["series"]): point["value"] for point in _values(_lines())}
    assert shown == {
        ("2017-06-01", "Cash"): 1.5,
        ("2017-06-01", "Value of holdings"): 3.0,
        ("2017-07-01", "Value of holdings"): 4.0,
    }


def test_lines_differ_by_their_dashes_as_well_as_by_color() -> None:
    encoding = _lines()["encoding"]
    for channel in ("color", "strokeDash"):
        scale = encoding[channel]["scale"]
        assert scale["domain"] == list(SERIES.values())
        assert len({str(value) for value in scale["range"]}) == len(SERIES)
        assert encoding[channel]["legend"]


def test_one_line_needs_no_legend() -> None:
    assert _lines({"cash": "Cash"})["encoding"]["color"]["legend"] is None


def test_bars_keep_the_order_of_the_rows_and_name_what_has_no_name() -> None:
    chart = _bars(
        [{"symbol": "B", "count": 3}, {"symbol": None, "count": 9}, {"symbol": "A", "count": None}]
    )
    assert [point["symbol"] for point in _values(chart)] == ["B", "(none)"]
    assert chart["encoding"]["y"]["sort"] is None


@pytest.mark.parametrize("deficiency", ["protanopia", "deuteranopia"])
def test_colors_stay_apart_for_who_does_not_see_red_or_green(deficiency: str) -> None:
    """By the matrices of Vienot, Brettel and Mollon (1999), in linear light; the two largest differences of a channel decide."""
    seen = [_seen(color, deficiency) for color in COLORS[:3]]
    for one, other in combinations(seen, 2):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.1


def _values(chart: dict[str, Any]) -> list[dict[str, Any]]:
    data = chart["data"]
    found: list[dict[str, Any]] = data.get("values") or chart["datasets"][data["name"]]
    return found


def _seen(color: str, deficiency: str) -> tuple[float, float, float]:
    red, green, blue = ((int(color[place : place + 2], 16) / 255) ** 2.2 for place in (1, 3, 5))
    if deficiency == "protanopia":
        same = 0.11238 * red + 0.88762 * green
        return same, same, 0.00401 * red - 0.00401 * green + blue
    same = 0.29275 * red + 0.70725 * green
    return same, same, -0.02234 * red + 0.02234 * green + blue
