"""dbt in this process, in a small project of its own: what it returns and how it says what went wrong."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.warehouse.dbt import WITHOUT_TESTS, Project, ProjectError, run_dbt
from scripts.warehouse.workspace import ROOT, Workspace

PROFILE = """
small:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: "{{ env_var('WAREHOUSE') }}", threads: 1}
"""
PROJECT = "name: small\nprofile: small\nflags: {send_anonymous_usage_stats: false}\n"
MODELS = {
    "first.sql": "select 1 as id",
    "second.sql": "select id + 1 as id from {{ ref('first') }}",
    "whole.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('second') }}",
    "third.sql": "select id from {{ ref('whole') }}",
    "exposures.yml": (
        "exposures: [{name: report, type: analysis, owner: {email: a@b.c},"
        """ depends_on: ["ref('third')"]}]"""
    ),
    "models.yml": (
        "models: [{name: second, columns: [{name: id, data_tests: [{accepted_values: {arguments:"
        " {values: [1]}, config: {severity: warn}}}]}]}]"
    ),
}
MACRO = "{% macro refuse(reason) %}{{ exceptions.raise_compiler_error(reason) }}{% endmacro %}"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A project of a few models, which is the working directory."""
    for folder in ("models", "macros"):
        (tmp_path / folder).mkdir()
    (tmp_path / "profiles.yml").write_text(PROFILE)
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    (tmp_path / "macros" / "refuse.sql").write_text(MACRO)
    for name, content in MODELS.items():
        (tmp_path / "models" / name).write_text(content)
    workspace = Workspace.on_duckdb(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in workspace.environment:
        monkeypatch.setenv(name, "restored at the end")
    workspace.enter()
    yield workspace


def test_a_project_is_built_again_and_again_and_queried(workspace: Workspace) -> None:
    project = Project()
    events: list[str] = []
    for _ in range(2):
        run = project.run(
            "build", *WITHOUT_TESTS, listeners=[lambda event: events.append(event.info.name)]
        )
        run.ensure_green()
        assert [node.name for node in run.nodes] == ["first", "second", "third", "report"]
    assert "LogStartLine" in events
    node = run.nodes[1]
    assert (node.schema, node.kind, node.status) == ("main", "model", "success")
    assert 'from "warehouse"."main"."first"' in node.sql
    assert 0 < node.seconds < run.seconds
    assert node.node_id == "model.small.second"
    assert node.started_at is not None and node.started_at.tzinfo is None
    assert project.query("select id from {{ ref('third') }}") == [(2,)]
    assert workspace.warehouse.query("select id from third") == [(2,)]


def test_a_warning_is_green_and_has_a_line(workspace: Workspace) -> None:
    run = Project().run("build")
    run.ensure_green()
    (line,) = run.node_messages()
    assert line.startswith("warn: accepted_values_second_id__1: Got 1 result")
    counts = {node.kind: node.row_count for node in run.nodes}
    assert counts == {"model": None, "test": 1, "exposure": None}


def test_a_node_that_fails_is_named_with_its_reason_in_one_line(workspace: Workspace) -> None:
    (workspace.folder / "models" / "first.sql").write_text("select\n  no_such_column")
    run = Project().run("build")
    with pytest.raises(ProjectError, match=r"^build is red: first$"):
        run.ensure_green()
    (line,) = run.node_messages()
    assert line.startswith("error: first: ")
    assert "no_such_column" in line
    assert "\n" not in line


def test_of_many_nodes_that_fail_three_are_named(workspace: Workspace) -> None:
    for number in range(5):
        (workspace.folder / "models" / f"broken_{number}.sql").write_text("select no_such_column")
    assert Project().run("build", "--select", "broken_*").problem.endswith(" and 2 more")


def test_a_project_that_cannot_be_parsed_says_why(workspace: Workspace) -> None:
    (workspace.folder / "models" / "first.sql").write_text("select {{ ref('nothing') }}")
    with pytest.raises(ProjectError, match=r"^the project cannot be parsed: .*'nothing'"):
        Project()


def test_a_query_and_an_operation_that_fail_say_why(workspace: Workspace) -> None:
    project = Project()
    with pytest.raises(ProjectError, match=r"^the warehouse cannot be used: .*no_such_table"):
        project.query("select * from no_such_table")
    with pytest.raises(ProjectError, match=r"^the warehouse cannot be used: .*out of luck"):
        project.run_operation("refuse", reason="out of luck")


def test_an_unknown_option_is_a_problem_too(workspace: Workspace) -> None:
    assert "--no-such-option" in run_dbt("build", "--no-such-option").problem


def test_a_command_in_a_process_of_its_own_has_the_variables_of_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE", "another one")
    monkeypatch.setenv("DBT_TARGET", "another one")
    workspace = Workspace.on_duckdb(tmp_path).with_variables(DBT_THREADS="1")
    assert workspace.environment == {
        "DBT_TARGET": "duckdb",
        "WAREHOUSE": f"{tmp_path}/warehouse.duckdb",
        "LAKE": f"{tmp_path}/lake",
        "RUNS": f"{tmp_path}/runs",
        "ERASURES": f"{tmp_path}/erasures",
        "MODELS": f"{tmp_path}/models",
        "SCORES": f"{tmp_path}/scores",
        "DBT_TARGET_PATH": f"{tmp_path}/target",
        "DBT_LOG_PATH": f"{tmp_path}/logs",
        "DO_NOT_TRACK": "1",
        "DBT_THREADS": "1",
    }
    refused = workspace.dbt("no-such-command")
    assert refused.returncode == 2
    assert "No such command" in refused.stdout
    assert os.environ["LAKE"] == "another one"


CONTRACT = """
models:
  - name: contracted
    description: One row.
    config: {contract: {enforced: true}, persist_docs: {relation: true, columns: true}}
    columns: [{name: id, data_type: integer, description: "It's a number."}]
"""
OUR_MATERIALIZATIONS = ("view.sql", "table.sql", "replaced_relation.sql", "persist_docs.sql")


@pytest.mark.parametrize(("kind", "other_kind"), [("view", "table"), ("table", "view")])
def test_our_views_and_tables_are_replaced_as_a_whole_and_keep_contract_and_descriptions(
    kind: str, other_kind: str, workspace: Workspace, tmp_path: Path
) -> None:
    for name in OUR_MATERIALIZATIONS:
        macro = ROOT / "macros" / "cross_db" / name
        (tmp_path / "macros" / name).write_text(macro.read_text())
    (tmp_path / "models" / "contracted.yml").write_text(CONTRACT)
    model = tmp_path / "models" / "contracted.sql"

    def run(materialized: str, statement: str) -> None:
        config = f"{{{{ config(materialized='{materialized}') }}}}"
        model.write_text(f"{config} {statement}")
        Project().run("run", "--select", "contracted").ensure_green()

    for materialized, number in ((other_kind, 1), (kind, 2), (kind, 3)):
        run(materialized, f"select {number} as id")
    assert workspace.warehouse.query("select id from contracted") == [(3,)]
    found = workspace.warehouse.query(
        "select tables.table_type, tables.table_comment, columns.comment from duckdb_columns() as columns"
        " inner join information_schema.tables using (table_name) where table_name = 'contracted'"
    )
    types = {"view": "VIEW", "table": "BASE TABLE"}
    assert found == [(types[kind], "One row.", "It's a number.")]
    without_contract = CONTRACT.replace("enforced: true", "enforced: false")
    (tmp_path / "models" / "contracted.yml").write_text(
        without_contract.replace("columns: [", "columns: [{name: missing, description: Nothing.}, ")
    )
    run(kind, "select 4 as id")
    (tmp_path / "models" / "contracted.yml").write_text(CONTRACT)
    run(kind, "select 3 as id")
    with pytest.raises(ProjectError, match="contracted"):
        run(kind, "select 'a' as id")
    if kind == "table":
        # It fails when the old table has been dropped in the transaction.
        with pytest.raises(ProjectError, match="contracted"):
            run(kind, "select case when range = 9 then error('no') else 1 end as id from range(10)")
    assert workspace.warehouse.query("select id from contracted") == [(3,)]
