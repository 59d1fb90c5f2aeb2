"""What changes between two commits: which changes break something, whom they affect, and whether they were announced."""

import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.govern.contracts import (
    Change,
    ContractsError,
    Declared,
    differences,
    unannounced,
)

Tree = dict[str, dict[str, Any]]
PROJECT: dict[str, Any] = {
    "name": "warehouse",
    "vars": {"reads_personal_columns": ["auditor"]},
    "models": {
        "warehouse": {
            "raw_vault": {"+grants": {"select": ["auditor"]}},
            "marts": {
                "+grants": {"select": ["auditor", "analyst", "application"]},
                "closed": {"+grants": {"select": ["auditor"]}},
            },
        }
    },
}
CLIENT: dict[str, Any] = {
    "name": "dim_client",
    "columns": [
        {"name": "sk_client_id", "data_type": "uuid", "constraints": [{"type": "primary_key"}]},
        {"name": "client_id", "data_type": "bigint", "constraints": [{"type": "not_null"}]},
        {"name": "tier", "data_type": "smallint"},
        {"name": "born", "data_type": "date", "config": {"meta": {"personal": "birth date"}}},
    ],
}
FEED: dict[str, Any] = {
    "name": "clients",
    "config": {"meta": {"feed": {"files": "Clients.txt", "delimiter": "|"}}},
    "columns": [
        {"name": "client_id", "data_type": "bigint", "config": {"meta": {"required": True}}},
        {"name": "tier", "data_type": "smallint"},
    ],
}
METRICS: dict[str, Any] = {
    "semantic_models": [
        {
            "name": "clients",
            "model": "ref('dim_client')",
            "measures": [
                {"name": "client_count", "agg": "count_distinct", "expr": "client_id"},
                {"name": "tier", "agg": "max"},
            ],
        }
    ],
    "metrics": [
        {"name": "clients", "type": "simple", "type_params": {"measure": "client_count"}},
        {"name": "best_tier", "type": "simple", "type_params": {"measure": {"name": "tier"}}},
        {
            "name": "tier_per_client",
            "type": "ratio",
            "type_params": {"numerator": "best_tier", "denominator": "clients"},
        },
    ],
}
EXPOSURE = {
    "name": "desk",
    "owner": {"name": "Head of clients"},
    "depends_on": ["ref('dim_client')"],
}
TREE: Tree = {
    "dbt_project.yml": PROJECT,
    "models/marts/dim_client.yml": {"models": [CLIENT]},
    "models/raw_vault/hub_client.yml": {"models": [{"name": "hub_client", "columns": []}]},
    "models/marts/closed/rpt_watched.yml": {"models": [{"name": "rpt_watched", "columns": []}]},
    "models/staging/crm/_crm__sources.yml": {"sources": [{"name": "crm", "tables": [FEED]}]},
    "models/exposures.yml": {"exposures": [EXPOSURE]},
    "models/metrics/clients.yml": METRICS,
}


def declared(tree: Tree) -> Declared:
    return Declared({path: yaml.safe_dump(content) for path, content in tree.items()})


def client(tree: Tree) -> dict[str, Any]:
    model: dict[str, Any] = tree["models/marts/dim_client.yml"]["models"][0]
    return model


def feed(tree: Tree) -> dict[str, Any]:
    table: dict[str, Any] = tree["models/staging/crm/_crm__sources.yml"]["sources"][0]["tables"][0]
    return table


def without_the_table(tree: Tree) -> None:
    del tree["models/marts/dim_client.yml"]


def without_a_column(tree: Tree) -> None:
    del client(tree)["columns"][2]


def with_a_column(tree: Tree) -> None:
    client(tree)["columns"].append({"name": "city", "data_type": "varchar"})


def with_another_type(tree: Tree) -> None:
    client(tree)["columns"][2]["data_type"] = "varchar"


def with_nulls(tree: Tree) -> None:
    del client(tree)["columns"][1]["constraints"]


def without_nulls(tree: Tree) -> None:
    client(tree)["columns"][2]["constraints"] = [{"type": "not_null"}]


def with_another_key(tree: Tree) -> None:
    client(tree)["columns"][0]["constraints"] = [{"type": "not_null"}]


def with_a_mask(tree: Tree) -> None:
    client(tree)["columns"][2]["config"] = {"meta": {"personal": "finances"}}


def without_a_mask(tree: Tree) -> None:
    client(tree)["columns"][3]["config"] = {"meta": {"personal": False}}


def without_a_reader(tree: Tree) -> None:
    grants = tree["dbt_project.yml"]["models"]["warehouse"]["marts"]["+grants"]
    grants["select"].remove("application")


def with_a_column_of_a_feed(tree: Tree) -> None:
    feed(tree)["columns"].append({"name": "city", "data_type": "varchar"})


def with_a_required_column_of_a_feed(tree: Tree) -> None:
    feed(tree)["columns"][1]["config"] = {"meta": {"required": True}}


def with_an_optional_column_of_a_feed(tree: Tree) -> None:
    del feed(tree)["columns"][0]["config"]


def with_another_delimiter(tree: Tree) -> None:
    feed(tree)["config"]["meta"]["feed"]["delimiter"] = ";"


@pytest.mark.parametrize(
    ("change", "said", "is_breaking"),
    [
        (without_the_table, "marts.dim_client: is gone", True),
        (without_a_column, "marts.dim_client.tier: is gone", True),
        (with_a_column, "marts.dim_client.city: is new", False),
        (with_another_type, "marts.dim_client.tier: was smallint, is varchar", True),
        (with_nulls, "marts.dim_client.client_id: may be NULL", True),
        (without_nulls, "marts.dim_client.tier: is never NULL", False),
        (with_another_key, "marts.dim_client.sk_client_id: is no longer part of the key", True),
        (with_a_mask, "marts.dim_client.tier: is masked: NULL", True),
        (without_a_mask, "marts.dim_client.born: is no longer masked", False),
        (without_a_reader, "marts.dim_client: application may no longer read it", True),
        (with_a_column_of_a_feed, "feed crm.clients.city: is new", True),
        (with_a_required_column_of_a_feed, "feed crm.clients.tier: is never NULL", True),
        (with_an_optional_column_of_a_feed, "feed crm.clients.client_id: may be NULL", False),
        (
            with_another_delimiter,
            "feed crm.clients: its files are read differently (delimiter)",
            True,
        ),
    ],
)
def test_each_change_is_found_in_both_directions_and_judged(
    change: Callable[[Tree], None], said: str, is_breaking: bool
) -> None:
    tree = deepcopy(TREE)
    change(tree)
    (found,) = differences(declared(TREE), declared(tree))
    assert (str(found), found.is_breaking) == (said, is_breaking)
    (back,) = differences(declared(tree), declared(TREE))
    assert (back.subject, back.column) == (found.subject, found.column)


def test_the_same_declarations_have_no_differences_and_closed_tables_no_contract() -> None:
    assert list(differences(declared(TREE), declared(deepcopy(TREE)))) == []
    assert set(declared(TREE).contracts) == {"feed crm.clients", "marts.dim_client"}


@pytest.mark.parametrize(
    ("column", "metrics"),
    [
        ("", {"best_tier", "clients", "tier_per_client"}),
        ("client_id", {"clients", "tier_per_client"}),
        ("tier", {"best_tier", "tier_per_client"}),
        ("born", set()),
    ],
)
def test_those_who_rely_on_a_table_or_column_are_affected(column: str, metrics: set[str]) -> None:
    change = Change("marts.dim_client", column, "is gone", is_breaking=True)
    affected = declared(TREE).affected(change)
    assert {name for name in affected if name.startswith("metric")} == {
        f"metric {name}" for name in metrics
    }
    assert "exposure desk (Head of clients)" in affected
    assert "role analyst" in affected


def test_a_change_of_a_feed_affects_its_source() -> None:
    change = Change("feed crm.clients", "tier", "is gone", is_breaking=True)
    assert declared(TREE).affected(change) == ["source system crm"]


@pytest.mark.parametrize(
    ("entry", "is_announced"),
    [
        ("- **Breaking** marts.dim_client: tier is gone; ask for level.", True),
        ("- **Breaking** and so on:\n  `marts.dim_client`", True),
        ("- marts.dim_client has changed.", False),
        ("- **Breaking** marts.dim_client_months: gone.", False),
    ],
)
def test_what_breaks_is_announced_in_the_changelog(entry: str, is_announced: bool) -> None:
    change = Change("marts.dim_client", "tier", "is gone", is_breaking=True)
    harmless = Change("marts.dim_client", "city", "is new", is_breaking=False)
    changelog = f"# Changelog\n\n## [Unreleased]\n\n### Changed\n\n{entry}\n\n## [0.1]\n\n"
    assert unannounced([change, harmless], changelog) == ([] if is_announced else [change])


def test_an_announcement_of_an_earlier_release_does_not_count() -> None:
    change = Change("marts.dim_client", "tier", "is gone", is_breaking=True)
    changelog = "## [Unreleased]\n\n## [0.1]\n\n- **Breaking** marts.dim_client: gone.\n"
    assert unannounced([change], changelog) == [change]


def test_commits_are_compared_with_the_working_tree(tmp_path: Path) -> None:
    _write(tmp_path, TREE)
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "kept.yml").write_text("snapshots: []\n")
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "one"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    tree = deepcopy(TREE)
    without_a_column(tree)
    _write(tmp_path, tree)
    before = Declared.at("HEAD", tmp_path)
    assert before.contracts == declared(TREE).contracts
    (change,) = differences(before, Declared.here(tmp_path))
    assert str(change) == "marts.dim_client.tier: is gone"


@pytest.mark.parametrize("revision", ["nowhere", "--output=x"])
def test_an_unknown_commit_is_named(revision: str, tmp_path: Path) -> None:
    subprocess.run(["git", "-C", str(tmp_path), "init", "--quiet"], check=True)
    with pytest.raises(ContractsError, match=f"Git has no contracts at {revision}"):
        Declared.at(revision, tmp_path)
    assert not (tmp_path / "x").exists()


def _write(folder: Path, tree: Tree) -> None:
    for path, content in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(yaml.safe_dump(content))
