"""The queries of the handbook run on what analysts read, their controls hold, and the words of the glossary lead to metrics and columns.

pytest tests/python/integration/test_handbook.py
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from scripts.metrics.definitions import MANIFEST, Definitions
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

HANDBOOK = ROOT / "docs" / "handbook"


def _sections(page: str) -> list[tuple[str, list[str]]]:
    """The parts of a page that have queries: title and queries."""
    text = (HANDBOOK / page).read_text()
    parts = ((part, _queries(part)) for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:])
    return [(part.partition("\n")[0], queries) for part, queries in parts if queries]


def _queries(text: str) -> list[str]:
    return re.findall(r"```sql\n(.*?)```", text, flags=re.DOTALL)


QUESTIONS = [(title, query, control) for title, (query, control) in _sections("questions.md")]
# Here the reader writes the query: the control comes first.
EXERCISE = [(title, query, control) for title, (control, query) in _sections("exercise.md")]


@pytest.fixture(scope="module")
def analyst(published_workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """A session with what analysts read, in which results can be kept."""
    current = Path(published_workspace.environment["PUBLISHED"]) / "current"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{current.resolve()}/analyst.duckdb' as analyst (read_only)")
        connection.execute("use analyst")
        yield connection


def test_there_are_twelve_questions_and_four_exercises() -> None:
    assert len(QUESTIONS) == 12
    assert len(EXERCISE) == 4


@pytest.mark.parametrize(
    ("title", "query", "control"),
    [*QUESTIONS, *EXERCISE],
    ids=[title for title, _, _ in (*QUESTIONS, *EXERCISE)],
)
def test_a_query_has_rows_and_its_control_holds(
    title: str, query: str, control: str, analyst: duckdb.DuckDBPyConnection
) -> None:
    _keep(analyst, query)
    assert _value(analyst, "select count(*) from answer") > 0
    assert _value(analyst, control) is True


@pytest.mark.parametrize(
    ("title", "query", "control"),
    [*QUESTIONS, *EXERCISE],
    ids=[title for title, _, _ in (*QUESTIONS, *EXERCISE)],
)
def test_a_control_does_not_hold_for_a_wrong_answer(
    title: str, query: str, control: str, analyst: duckdb.DuckDBPyConnection
) -> None:
    """Every row twice is the mistake that the handbook warns of; where only extremes or keys are compared, half of the rows."""
    _keep(analyst, f"select * from ({query}) union all select * from ({query})")
    doubled = _holds(analyst, control)
    _keep(analyst, query)
    analyst.execute("delete from answer where rowid < (select (count(*) + 1) / 2 from answer)")
    assert not (doubled and _holds(analyst, control))


@pytest.mark.parametrize("query", _queries((HANDBOOK / "README.md").read_text()))
def test_other_queries_of_the_handbook_have_rows(
    query: str, analyst: duckdb.DuckDBPyConnection
) -> None:
    assert analyst.execute(query).fetchall()


def test_words_of_the_glossary_lead_to_metrics_and_columns(
    analyst: duckdb.DuckDBPyConnection, built: Workspace
) -> None:
    metrics = Definitions(built.target / MANIFEST).metrics
    rows = re.findall(r"^\| (.*) \|$", (HANDBOOK / "glossary.md").read_text(), flags=re.MULTILINE)
    words = [row.split(" | ") for row in rows[1:]]
    assert len(words) > 20
    assert [word[0] for word in words] == sorted(word[0] for word in words)
    for _, _, metric, column in words:
        assert metric == "none" or metric.strip("`") in metrics
        schema, table, name = column.strip("`").split(".")
        assert _value(
            analyst,
            "select count(*) from information_schema.columns"
            f" where table_schema = '{schema}' and table_name = '{table}' and column_name = '{name}'",
        )


def test_tables_that_the_handbook_names_are_there(analyst: duckdb.DuckDBPyConnection) -> None:
    named = {
        name
        for page in HANDBOOK.glob("*.md")
        for name in re.findall(r"\b((?:marts|quality|operations|snapshots)\.\w+)", page.read_text())
    }
    there = analyst.execute(
        "select table_schema || '.' || table_name from information_schema.tables"
    ).fetchall()
    assert named - {name for (name,) in there} == set()


def test_the_metrics_of_the_handbook_are_answered(published_workspace: Workspace) -> None:
    (command,) = re.findall(
        r"python -m (scripts\.metrics .*)", (HANDBOOK / "README.md").read_text()
    )
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        env=os.environ | published_workspace.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "trading_revenue" in done.stdout


def test_each_fact_and_each_dimension_is_in_the_handbook(built: Workspace) -> None:
    manifest = json.loads((built.target / "manifest.json").read_text())
    page = (HANDBOOK / "README.md").read_text()
    missing = [
        node["alias"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["schema"] == "marts"
        and node["alias"].startswith(("dim_", "fct_"))
        and f"marts.{node['alias']}" not in page
    ]
    assert missing == []


def _keep(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Store the result of a query as the table that controls read."""
    connection.execute("drop table if exists temp.answer")
    connection.execute(f"create temp table answer as {query}")


def _holds(connection: duckdb.DuckDBPyConnection, control: str) -> bool:
    """Whether the control is true; it may also refuse an answer that has more rows than one."""
    try:
        return _value(connection, control) is True
    except duckdb.InvalidInputException:
        return False


def _value(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row
    return row[0]
