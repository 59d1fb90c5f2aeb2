"""After each batch: checks of the audit, alerts, rows that could not be taken, files that were read."""

from scripts.serve.dashboard import filters
from scripts.serve.dashboard.charts import bars
from scripts.serve.dashboard.data import Data, equals
from scripts.serve.dashboard.layout import charts, figure_of, key_figures, table

_METRICS = (
    "audit_pass_rate",
    "audit_checks",
    "source_rows_read",
    "source_rows_quarantined",
    "source_rows_rejected",
    "files_failed",
)
_VIEWS = {
    "Audit": ("data_quality_review/audit", "No check of the audit."),
    "Alerts": ("data_quality_review/messages", "No alert."),
    "Quarantined": ("data_quality_review/quarantined", "No row violates the contract of its feed."),
    "Rejected": ("data_quality_review/rejected", "Every row could be included."),
    "Files": ("data_quality_review/files", "No file."),
}
_BARS = 12


def show(data: Data) -> None:
    """Show the page."""
    batches = [row["batch_id"] for row in data.rows("data_quality_review/batches").to_pylist()]
    with filters.filter_bar():
        batch = filters.choice(
            "batch",
            "Batch",
            sorted(batches, reverse=True),
            every="All batches",
            show=lambda number: f"Batch {number}",
        )
    where = [equals("batch", batch)] if batch else []
    (now,) = data.metrics(_METRICS, where=where)
    key_figures([figure_of(data.metric(name), now[name]) for name in _METRICS])
    values = {"batch_id": int(batch) if batch else None}
    alerts = data.rows("data_quality_review/alerts", **values).to_pylist()[:_BARS]
    read = data.metrics(
        ["source_rows_read"], ["load__feed"], where, ["-source_rows_read", "load__feed"], _BARS
    )
    charts(
        (
            bars(
                [
                    {
                        "about": f"{row['message_source']}: {row['message_text']}",
                        "count": row["message_count"],
                    }
                    for row in alerts
                ],
                "about",
                "count",
                title="Alerts and findings",
                name_title="About",
                unit="messages",
            )
            if alerts
            else None,
            "Alerts and findings by what they are about." if alerts else "No alert.",
        ),
        (
            bars(
                read,
                "load__feed",
                "source_rows_read",
                title="Rows read by feed",
                name_title="Feed",
                unit="rows",
            )
            if read
            else None,
            "Rows read by feed." if read else "No file was read.",
        ),
    )
    view = filters.view("rows", "Rows", list(_VIEWS))
    question, empty = _VIEWS[view]
    table(data, question, values=values, empty=empty)
