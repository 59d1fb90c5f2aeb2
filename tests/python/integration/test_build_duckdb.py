"""A generated dataset, loaded and built with the commands a person would use, on DuckDB."""

import json
import re

import pytest

from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]


def test_every_model_of_the_project_is_built(built: Workspace) -> None:
    manifest = json.loads((built.folder / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) == len(list((ROOT / "models").rglob("*.sql")))
    results = json.loads((built.folder / "target" / "run_results.json").read_text())["results"]
    statuses = {result["unique_id"]: result["status"] for result in results}
    # An ephemeral model is a part of the statements of others.
    assert {
        node["name"]
        for node in models
        if node["config"]["materialized"] != "ephemeral"
        and statuses.get(node["unique_id"]) != "success"
    } == set()


def test_the_first_build_records_what_incremental_models_have_taken(built: Workspace) -> None:
    """Without a record, the next batch would compute them again from all rows."""
    manifest = json.loads((built.folder / "target" / "manifest.json").read_text())
    incremental = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] == "incremental"
        and "raw_vault" not in node["fqn"]
    }
    recorded = built.warehouse.query("select distinct model_name from operations.model_inputs")
    assert len(incremental) > 10
    assert incremental <= {name for (name,) in recorded}


def test_the_rules_page_names_only_what_exists(built: Workspace) -> None:
    manifest = json.loads((built.folder / "target" / "manifest.json").read_text())
    nodes = [*manifest["nodes"].values(), *manifest["unit_tests"].values()]
    names = {node["name"] for node in nodes} | {"supplied_fields"}
    macros = {macro["name"] for macro in manifest["macros"].values()}
    columns = {name for node in nodes for name in node.get("columns", {})}
    claims = {name.partition("__")[2] for name in names} | {name.split("__")[-1] for name in names}
    page = (ROOT / "docs" / "tpcdi_rules.md").read_text()
    named = {word for word in re.findall(r"`([a-z0-9_]+)`", page) if "_" in word}
    assert named - names - claims - macros - columns == set()


def test_a_schema_is_named_as_its_layer(built: Workspace) -> None:
    schemas = {
        schema
        for (schema,) in built.warehouse.query(
            "select distinct table_schema from information_schema.tables"
        )
    }
    layers = {folder.name for folder in (ROOT / "models").iterdir() if any(folder.rglob("*.sql"))}
    assert schemas == layers | {"snapshots", "operations"}


def test_documentation_covers_every_relation(built: Workspace) -> None:
    docs = built.dbt("docs", "generate", "--quiet", "--no-compile")
    assert docs.returncode == 0, docs.stdout
    catalog = json.loads((built.folder / "target" / "catalog.json").read_text())
    manifest = json.loads((built.folder / "target" / "manifest.json").read_text())
    for unique_id, relation in catalog["nodes"].items():
        described = manifest["nodes"][unique_id]["columns"]
        in_warehouse = {name.lower() for name in relation["columns"]}
        assert in_warehouse == set(described), unique_id
        assert all(column["description"] for column in described.values()), unique_id


def test_descriptions_are_in_the_warehouse_too(built: Workspace) -> None:
    without = built.warehouse.query(
        "select table_name, column_name from duckdb_columns() where not internal and comment is null"
        " and schema_name = 'marts'"
    )
    assert without == []


def test_every_analysis_runs_and_finds_rows(built: Workspace) -> None:
    compiled = built.dbt("compile", "--quiet", "--select", "resource_type:analysis")
    assert compiled.returncode == 0, compiled.stdout
    analyses = {path.name for path in (ROOT / "analyses").glob("*.sql")}
    found = {
        path.name: built.warehouse.query(path.read_text())
        for path in (built.folder / "target" / "compiled").rglob("analyses/*.sql")
    }
    assert set(found) == analyses
    assert [name for name, rows in found.items() if not rows] == []
