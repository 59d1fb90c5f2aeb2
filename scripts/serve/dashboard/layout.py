"""What all pages have in common: the heading, key figures, tables with a download, and what is said if there is nothing to show.

Usage:
    heading(page, data)
    key_figures([Figure("Trades", "1,234", help="...")])
    chart(lines(...), empty="No trades in this period.")
    table(data, "branch_review/brokers", branch=None, ...)
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt
import pyarrow as pa
import streamlit as st

from scripts.metrics.definitions import Metric
from scripts.serve.dashboard import formats
from scripts.serve.dashboard.data import Data, Row
from scripts.serve.dashboard.exposures import Exposure
from scripts.serve.sessions import ServeError

# Rows of a file, and those of them that are shown: a browser needs a second for some thousands. Whoever needs more asks the published version itself.
MOST_ROWS, SHOWN_ROWS = 5_000, 1_000
_TABLE_HEIGHT, _FIGURE_WIDTH = 420, 160
_SECONDS_BETWEEN_LOOKS = 15
_NOTHING = "There is nothing here with these filters."
# Columns with whole numbers that name something: without a separator of thousands.
_NAMES = ("_id", "_number", "_row")


@dataclass(frozen=True)
class Figure:
    """A key figure.

    Attributes:
        label: what it is.
        value: as it is shown.
        help: what it means, with all digits.
        delta: how it differs from something.
        delta_description: from what.
        is_good_when_low: a larger value is a bad sign.
        is_neutral: a larger value is no sign at all.
    """

    label: str
    value: str
    help: str = ""
    delta: str | None = None
    delta_description: str | None = None
    is_good_when_low: bool = False
    is_neutral: bool = False


def figure_of(
    metric: Metric,
    value: Any,
    before: Any = None,
    before_description: str = "",
    *,
    is_good_when_low: bool = False,
    is_neutral: bool = False,
) -> Figure:
    """A metric as a key figure.

    Args:
        metric: what it is.
        value: its value.
        before: an earlier value to compare with; None if there is none.
        before_description: when that was.
        is_good_when_low: a larger value is a bad sign.
        is_neutral: a larger value is no sign at all.
    """
    exact = formats.full(value, metric.unit)
    unit = "" if metric.unit == formats.SHARE else f" {metric.unit}"
    delta = _difference(metric, value, before)
    return Figure(
        label=metric.label,
        value=formats.of_metric(value, metric.unit),
        help=f"{metric.description}\n\n{exact}{unit}",
        delta=delta,
        delta_description=before_description if delta else None,
        is_good_when_low=is_good_when_low,
        is_neutral=is_neutral,
    )


def _difference(metric: Metric, value: Any, before: Any) -> str | None:
    if value is None or not before:
        return None
    if metric.unit == formats.SHARE:
        return f"{(float(value) - float(before)) * 100:+,.1f} points"
    return f"{(float(value) - float(before)) / abs(float(before)) * 100:+,.1f} %"


def key_figures(figures: Sequence[Figure]) -> None:
    """Key figures in a row, which wraps on a narrow screen."""
    with st.container(horizontal=True, key="key_figures", gap="small"):
        for figure in figures:
            color: Any = "inverse" if figure.is_good_when_low else "normal"
            st.metric(
                figure.label,
                figure.value,
                figure.delta,
                help=figure.help or None,
                delta_color="off" if figure.is_neutral else color,
                delta_description=figure.delta_description,
                width=_FIGURE_WIDTH,
            )


def heading(exposure: Exposure, data: Data) -> None:
    """The title of a page, what it is for, and what it shows: version, time, audit."""
    st.title(exposure.label)
    st.caption(exposure.summary)
    manifest = data.manifest
    with st.container(horizontal=True, key="as_of", gap="small", vertical_alignment="center"):
        st.markdown(
            f"As of **batch {manifest.batch_id}**, published {formats.moment(manifest.published_at)}"
        )
        _audit(data)
        if manifest.accepted:
            st.badge(
                f"{len(manifest.accepted)} red tests accepted",
                icon=":material/warning:",
                color="orange",
                help=", ".join(manifest.accepted),
            )
    st.sidebar.caption(f"Read as {data.role}.")
    _new_version(data)


def _audit(data: Data) -> None:
    """Whether the audit is OK, in words and not by color alone."""
    checks, good = audit_of(data)
    if not checks:
        st.badge("no audit", icon=":material/help:", color="gray")
    elif checks == good:
        st.badge(f"audit OK, {checks} checks", icon=":material/check:", color="green")
    else:
        st.badge(
            f"audit: {checks - good} of {checks} checks not OK",
            icon=":material/error:",
            color="red",
        )


def audit_of(data: Data) -> tuple[int, int]:
    """How many checks the audit has, and how many of them are OK."""
    (found,) = data.metrics(["audit_checks", "audit_checks_ok"])
    return found["audit_checks"] or 0, found["audit_checks_ok"] or 0


@st.fragment(run_every=_SECONDS_BETWEEN_LOOKS)
def _new_version(data: Data) -> None:
    """Tell readers that there is a newer version; whatever they do next shows it, too."""
    try:
        is_current = data.is_current()
    except ServeError:
        # What the page shows stays right; what is wrong is said at the next interaction.
        return
    if not is_current and st.button(
        "A new version is published: show it", icon=":material/refresh:", type="primary"
    ):
        st.rerun()


def charts(*shown: tuple[alt.Chart | None, str]) -> None:
    """Charts side by side, one below the other on a narrow screen.

    Args:
        shown: each chart, and what it shows in words for those who cannot see it; None if there is nothing to show.
    """
    for column, (chart, words) in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
        with column:
            if chart is None:
                st.info(words, icon=":material/info:")
            else:
                st.altair_chart(chart, width="stretch", alt=words)


def table(
    data: Data,
    question: str,
    *,
    empty: str = _NOTHING,
    on_row: Callable[[Row], None] | None = None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """The rows of a question, at most `SHOWN_ROWS`, and at most `MOST_ROWS` as a file.

    Args:
        data: the version and the role.
        question: its file, which takes the value `$most_rows`.
        empty: what is said if there are none.
        on_row: called with a row that somebody selects.
        values: of the question.
    """
    found = data.rows(question, **(values or {}), most_rows=MOST_ROWS + 1)
    if not found.num_rows:
        st.info(empty, icon=":material/info:")
        return
    rows = found.slice(0, MOST_ROWS)
    selection: dict[str, Any] = {}
    if on_row:
        key = f"rows_{question}"
        selection = {
            "on_select": partial(_selected, key, rows, on_row),
            "selection_mode": "single-row",
            "key": key,
        }
    hidden = data.hidden_columns(question)
    st.dataframe(
        shown(rows.slice(0, SHOWN_ROWS)),
        hide_index=True,
        column_order=[
            name for name in rows.column_names if name not in without_values(rows, hidden)
        ],
        placeholder=formats.NOTHING,
        column_config=column_config(rows.schema, data.descriptions(question)),
        height=min(_TABLE_HEIGHT, 40 + 35 * rows.num_rows),
        **selection,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download CSV",
            data=partial(as_csv, rows),
            file_name=f"{question.replace('/', '_')}_{data.manifest.version}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"download_{question}",
        )
        st.caption(_count(found.num_rows))
    hidden_note(data, question)


def hidden_note(data: Data, question: str) -> None:
    """Say which columns of a question are hidden from the role, if any are."""
    if hidden := data.hidden_columns(question):
        names = ", ".join(label_of(name).lower() for name in hidden)
        st.caption(f":material/visibility_off: Hidden from the role {data.role}: {names}.")


def without_values(rows: pa.Table, columns: Sequence[str]) -> set[str]:
    """Those of the columns that are empty in all rows."""
    return {
        name for name in columns if name in rows.column_names and rows[name].null_count == len(rows)
    }


def _count(rows: int) -> str:
    """What is said about the number of rows; of more than `MOST_ROWS`, one too many was asked for."""
    if rows > MOST_ROWS:
        return (
            f"The first {SHOWN_ROWS:,} rows; the file has the first {MOST_ROWS:,}."
            " Narrow the filters to see the others."
        )
    if rows > SHOWN_ROWS:
        return f"The first {SHOWN_ROWS:,} of {rows:,} rows; the file has all of them."
    return "1 row" if rows == 1 else f"{rows:,} rows"


def _selected(key: str, rows: pa.Table, on_row: Callable[[Row], None]) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    if chosen:
        on_row(rows.slice(chosen[0], 1).to_pylist()[0])


def shown(rows: pa.Table) -> pa.Table:
    """Rows as a table on the screen takes them: decimals as floating point numbers, which is exact enough for two digits."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_decimal(field.type):
            column = rows.column(position).cast(pa.float64())
            rows = rows.set_column(position, field.name, column)
    return rows


def column_config(schema: pa.Schema, descriptions: Mapping[str, str]) -> dict[str, Any]:
    """How each column is shown, by its type and name."""
    return {field.name: _column(field, descriptions.get(field.name) or None) for field in schema}


def _column(field: pa.Field, help: str | None) -> Any:
    label = label_of(field.name)
    kind = field.type
    if field.name.endswith("_share"):
        return st.column_config.NumberColumn(label, help=help, format="percent")
    if pa.types.is_integer(kind):
        format = "%d" if field.name.endswith(_NAMES) else "%,d"
        return st.column_config.NumberColumn(label, help=help, format=format)
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return st.column_config.NumberColumn(label, help=help, format="%,.2f")
    if pa.types.is_date(kind):
        return st.column_config.DateColumn(label, help=help, format="D MMM YYYY")
    if pa.types.is_timestamp(kind):
        return st.column_config.DatetimeColumn(label, help=help, format="D MMM YYYY, HH:mm")
    if pa.types.is_boolean(kind):
        return st.column_config.CheckboxColumn(label, help=help)
    return st.column_config.TextColumn(label, help=help)


def label_of(column: str) -> str:
    """The name of a column as a heading: `account_id` is Account, `open_trade_count` is Open trades."""
    name = column.removeprefix("is_").removesuffix("_id")
    if name.endswith("_count"):
        name = name.removesuffix("_count") + "s"
    words = name.replace("date_value", "day").replace("_", " ")
    return words[:1].upper() + words[1:]


def as_csv(rows: pa.Table) -> bytes:
    """Rows as CSV in UTF-8, exactly as they are: NULL is empty, decimals have all their digits."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows.column_names)
    writer.writerows(row.values() for row in rows.to_pylist())
    return text.getvalue().encode("utf-8")
