"""How the models in production do: champion and challenger, what they said and what has happened, drift, age, latency, promotions."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt
import streamlit as st

from scripts.serve.dashboard import filters, formats
from scripts.serve.dashboard.charts import bars, lines
from scripts.serve.dashboard.data import Data, Row
from scripts.serve.dashboard.layout import MOST_ROWS, Figure, charts, key_figures, table

_NOT_COMPARED = "No version was compared yet: `python -m scripts.learn monitor` does it, and the next build shows it."
_VIEWS = {
    "Checks": ("model_review/checks", _NOT_COMPARED),
    "Outcomes": ("model_review/outcomes", "Of no date it is known yet what happened."),
    "Comparisons": ("model_review/comparisons", _NOT_COMPARED),
    "Promotions": ("model_review/promotions", "No version was given a role."),
}
_ROLES = ("champion", "challenger")
_BARS = 12
_LAST_DATES = 4

Rows = Sequence[Row]


def show(data: Data) -> None:
    """Show the page."""
    names = [row["model_name"] for row in data.rows("model_review/models").to_pylist()]
    if not names:
        st.info(
            "No model was trained yet: `make learn` trains one, and builds what this page shows.",
            icon=":material/info:",
        )
        return
    with filters.filter_bar():
        chosen = filters.choice("model", "Model", names[1:], every=names[0])
    # An address may name a model that is gone.
    name = chosen if chosen in names else names[0]
    roles = {
        row["model_role"]: row
        for row in data.rows("model_review/roles", model_name=name).to_pylist()
    }
    checks, outcomes = (
        data.rows(question, model_name=name, most_rows=MOST_ROWS).to_pylist()
        for question in ("model_review/checks", "model_review/outcomes")
    )
    key_figures([*_of_roles(roles), *_of_outcomes(outcomes), *_of_checks(checks)])
    dates = _by_date(outcomes)
    charts(_areas(dates), _calibration(dates))
    charts(_drift(checks))
    view = filters.view("rows", "Rows", list(_VIEWS))
    question, empty = _VIEWS[view]
    table(data, question, empty=empty, values={"model_name": name})


def _of_roles(roles: Mapping[str, Row]) -> list[Figure]:
    found = [_of_role(roles.get(role), role) for role in _ROLES]
    champion = roles.get("champion")
    area = champion["area"] if champion else None
    explained = (
        "Area under the ROC curve of the champion on its hold-out; 0.5 is no better than a coin."
    )
    if champion and area is not None:
        explained += (
            f" With 95 % confidence from {champion['area_low']:.3f} to {champion['area_high']:.3f};"
            f" chance reaches it in {formats.percent(champion['chance'])} of cases."
        )
    return [*found, Figure("AUC on hold-out", _three_digits(area), explained)]


def _of_role(row: Row | None, role: str) -> Figure:
    label = role.capitalize()
    if row is None:
        return Figure(label, "none", f"No version is the {role}.")
    return Figure(
        label,
        f"version {row['model_version']}",
        f"{row['model_kind'] or 'Its files are gone'}, learned until {formats.day(row['learned_until'])};"
        f" {role} since {formats.moment(row['promoted_at'])}.",
    )


def _of_outcomes(outcomes: Rows) -> list[Figure]:
    last = [row for row in outcomes if row["model_role"] == "champion"][:_LAST_DATES]
    happened = sum(row["happened_count"] for row in last)
    expected = float(sum(row["expected_count"] for row in last))
    dates = (
        f"{len(last)} dates, the last one {formats.day(last[0]['as_of_date'])}" if last else "none"
    )
    return [
        Figure(
            "Happened lately",
            formats.full(happened) if last else formats.NOTHING,
            f"Of the last dates of which it is known: {dates}.",
        ),
        Figure(
            "Expected",
            formats.full(round(expected)) if last else formats.NOTHING,
            "The sum of the probabilities for the same dates.",
        ),
    ]


def _of_checks(checks: Rows) -> list[Figure]:
    act, watched = (sum(row["state"] == state for row in checks) for state in ("act", "watch"))
    drifts = [row for row in checks if row["check_name"] == "input_drift"]
    largest = max(drifts, key=lambda row: row["found_value"], default=None)
    compared = f"In the comparison of {formats.moment(checks[0]['checked_at'])}." if checks else ""
    return [
        Figure(
            "Checks to act upon",
            formats.full(act) if checks else formats.NOTHING,
            f"{watched} more are to be watched. {compared}" if checks else _NOT_COMPARED,
        ),
        Figure(
            "Largest input drift",
            _three_digits(largest["found_value"] if largest else None),
            f"Population stability index of {largest['subject']}. Watched from {largest['watch_from']:.2f} on, acted upon from {largest['act_from']:.2f} on."
            if largest
            else _NOT_COMPARED,
        ),
        _of_check(
            checks, "score_drift", "Score drift", "Population stability index of the probabilities."
        ),
        _of_check(
            checks,
            "age_days",
            "Age in days",
            "Days since the last date that the champion was judged by.",
        ),
        _of_check(
            checks,
            "answer_seconds_p99",
            "Slow answers, seconds",
            "99 of 100 answers over HTTP take less, of those of the day before the comparison. None if there were fewer than a hundred.",
        ),
    ]


def _of_check(checks: Rows, name: str, label: str, explained: str) -> Figure:
    row = next((row for row in checks if row["check_name"] == name), None)
    if row is None:
        return Figure(label, formats.NOTHING, explained)
    value = float(row["found_value"])
    return Figure(
        label,
        formats.full(value) if value == int(value) else _three_digits(value),
        f"{explained} Watched from {formats.full(row['watch_from'])} on, acted upon from {formats.full(row['act_from'])} on.",
    )


def _areas(dates: Sequence[Row]) -> tuple[alt.Chart | None, str]:
    series = {f"{role}_area": role.capitalize() for role in _ROLES}
    chart = _lines(dates, series, "Area under the ROC curve", "AUC")
    if chart is None:
        return None, "How good the model is, shows when it is known what happened."
    return chart, "Area under the ROC curve by as-of date, of champion and challenger."


def _calibration(dates: Sequence[Row]) -> tuple[alt.Chart | None, str]:
    series = {"happened": "Has happened"} | {f"{role}_said": f"Said the {role}" for role in _ROLES}
    chart = _lines(dates, series, "What was said, and what has happened", formats.SHARE)
    if chart is None:
        return None, "Whether what the model says happens, shows when it is known what happened."
    return chart, "Mean probability and share of those to whom it happened, by as-of date."


def _lines(
    dates: Sequence[Row], series: Mapping[str, str], title: str, unit: str
) -> alt.Chart | None:
    """Those of the series that have values; None if none has."""
    known = {
        name: label for name, label in series.items() if any(row[name] is not None for row in dates)
    }
    return lines(dates, "as_of_date", known, title=title, unit=unit) if known else None


def _by_date(outcomes: Rows) -> list[Row]:
    """A row for each date, with what each role said about it."""
    found: dict[date, dict[str, Any]] = {}
    for row in reversed(outcomes):
        usual = {f"{role}_{what}": None for role in _ROLES for what in ("area", "said")}
        of_date = found.setdefault(row["as_of_date"], {"as_of_date": row["as_of_date"], **usual})
        of_date["happened"] = row["happened_count"] / row["example_count"]
        of_date[f"{row['model_role']}_said"] = float(row["expected_count"]) / row["example_count"]
        of_date[f"{row['model_role']}_area"] = row["area"]
    return list(found.values())


def _drift(checks: Rows) -> tuple[alt.Chart | None, str]:
    rows = [row for row in checks if row["check_name"] == "input_drift"][:_BARS]
    if not rows:
        return None, _NOT_COMPARED
    chart = bars(
        rows,
        "subject",
        "found_value",
        title=f"Drift of the features; act from {rows[0]['act_from']:.2f} on",
        name_title="Feature",
        unit="population stability index",
    )
    return chart, "Population stability index of the features that have drifted most."


def _three_digits(value: Any) -> str:
    return formats.NOTHING if value is None else f"{value:.3f}"
