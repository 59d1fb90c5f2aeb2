"""The dashboards show the same on both engines; when the database is gone, they say so and go on when it is back."""

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scripts.serve.dashboard import data as dashboard_data
from scripts.serve.dashboard.data import Data, statement_of
from scripts.serve.dashboard.exposures import shown_exposures
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.integration.test_dashboard import figures, opened, texts

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.xdist_group("built"),
]

QUESTIONS = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in (ROOT / "scripts/serve/dashboard/questions").glob("*/*.sql")
)
# When builds ran, and what engines and disks made of it, differs.
OF_RUNS = {
    "started_at",
    "loaded_at",
    "last_loaded_at",
    "last_success_at",
    "seconds",
    "message_date_and_time",
}
VALUES: dict[str, Any] = {
    "most_rows": 2_000,
    "only_listed": True,
    "with_customers": False,
    "order": "market_share",
    "customer_id": 3,
    **dict.fromkeys(
        (
            "account_id",
            "batch_id",
            "branch",
            "day",
            "nameplate",
            "state",
            "status",
            "symbol",
            "tier",
        )
    ),
}
DAYS = {
    "first_day": "2016-07-01",
    "first_month": "2016-07-01",
    "last_month": "2017-07-01",
    "next_month": "2017-08-01",
}


@pytest.fixture(autouse=True)
def keep_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `test_dashboard`."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function after which the dashboards of this process read a workspace."""
    monkeypatch.chdir(ROOT)

    def reads(workspace: Workspace) -> None:
        for name, value in workspace.environment.items():
            monkeypatch.setenv(name, value)
        dashboard_data.close()

    yield reads
    dashboard_data.close()


def _rows(name: str, **changed: Any) -> list[tuple[Any, ...]]:
    values = (
        VALUES | DAYS | {"day": "2017-07-07" if name.startswith("portfolio") else None} | changed
    )
    asked = {value: values[value] for value in statement_of(name).values}
    rows = Data.current("analyst").rows(name, **asked)
    kept = [column for column in rows.column_names if column not in OF_RUNS]
    return [
        tuple(float(value) if isinstance(value, Decimal) else value for value in row.values())
        for row in rows.select(kept).to_pylist()
    ]


@pytest.mark.parametrize("name", [name for name in QUESTIONS if not name.startswith("pipeline/")])
def test_a_question_has_the_same_answer_on_both_engines(
    name: str, published_workspace: Workspace, published_on_postgres: Workspace, read: Any
) -> None:
    filters = {"tier": 1, "batch_id": 2, "status": "Canceled", "nameplate": "Boomer", "state": "TX"}
    answers = []
    for workspace in (published_workspace, published_on_postgres):
        read(workspace)
        answers.append((_rows(name), _rows(name, **filters)))
    assert [len(rows) for rows in answers[0]] == [len(rows) for rows in answers[1]]
    for found, expected in zip(answers[1], answers[0], strict=True):
        # Engines order text by their own rules where a question orders by it.
        assert sorted(map(repr, found)) == sorted(map(repr, expected))


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name.startswith("pipeline/")])
def test_a_question_about_runs_is_answered_on_both_engines(
    name: str, published_workspace: Workspace, published_on_postgres: Workspace, read: Any
) -> None:
    columns = []
    for workspace in (published_workspace, published_on_postgres):
        read(workspace)
        values = {"most_rows": 10} if "most_rows" in statement_of(name).values else {}
        columns.append(Data.current("analyst").rows(name, **values).column_names)
    assert columns[0] == columns[1]


@pytest.mark.parametrize("page", [exposure.name for exposure in shown_exposures()])
def test_a_page_has_the_same_figures_on_both_engines(
    page: str, published_workspace: Workspace, published_on_postgres: Workspace, read: Any
) -> None:
    shown = []
    for workspace in (published_workspace, published_on_postgres):
        read(workspace)
        app = opened(page)
        assert "As of **batch 3**" in texts(app)
        shown.append(figures(app))
    if page != "pipeline":
        assert shown[0] == shown[1]


def test_an_auditor_sees_published_on_postgres_what_an_analyst_does_not(
    published_on_postgres: Workspace, read: Any
) -> None:
    read(published_on_postgres)
    asked = {"customer_id": 3}
    analyst, auditor = (
        Data.current(role).row("client_service_desk/customer", **asked)
        for role in ("analyst", "auditor")
    )
    assert analyst and auditor
    assert analyst["last_name"] is None
    assert auditor["last_name"]


def test_when_the_database_is_gone_the_page_says_so_and_goes_on_when_it_is_back(
    published_on_postgres: Workspace, read: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read(published_on_postgres)
    monkeypatch.setenv("PGPORT", "1")
    dashboard_data.close()
    app = opened("data_quality_review")
    assert "This cannot be shown now" in texts(app)
    assert "cannot be reached" in texts(app)
    monkeypatch.setenv("PGPORT", published_on_postgres.environment["PGPORT"])
    dashboard_data.close()
    app.button[0].click().run()
    assert "As of **batch 3**" in texts(app)
    # All sessions are ended, as by a restart of the server.
    assert isinstance(published_on_postgres.warehouse, PostgresWarehouse)
    published_on_postgres.warehouse.query(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid <> pg_backend_pid() and datname = current_database()"
    )
    app = opened("data_quality_review", batch="Batch 2")
    assert "As of **batch 3**" in texts(app)
