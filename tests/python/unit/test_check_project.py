"""Three rules of scripts/check_project.py.

What is called like a personal column says whether it is one, no link leads nowhere, and models read downwards.
"""

from typing import Any

import pytest

from scripts.check_project import (
    links_of_the_documentation_lead_to_a_node,
    models_read_only_layers_below,
    personal_columns_are_declared,
)


def manifest(column: str, meta: dict[str, Any], readers: list[str]) -> dict[str, Any]:
    model = {
        "resource_type": "model",
        "name": "dim_person",
        "config": {"grants": {"select": readers}},
        "columns": {column: {"meta": meta}},
    }
    return {"nodes": {"model.dim_person": model}}


EVERYBODY = ["brokerage_auditor", "brokerage_analyst"]


@pytest.mark.parametrize(
    "column", ["last_name", "broker_last_name", "dob", "phone2", "postal_code", "net_worth"]
)
def test_a_column_that_is_called_like_personal_data_must_be_declared(column: str) -> None:
    (breach,) = personal_columns_are_declared(manifest(column, {}, EVERYBODY))
    assert breach.startswith(f"dim_person.{column}: no")


@pytest.mark.parametrize("personal", ["name", False])
def test_declared_columns_pass_whether_personal_or_not(personal: str | bool) -> None:
    declared = manifest("last_name", {"personal": personal}, EVERYBODY)
    assert list(personal_columns_are_declared(declared)) == []


@pytest.mark.parametrize("column", ["name", "customer_id", "number_credit_cards", "status"])
def test_other_columns_need_no_declaration(column: str) -> None:
    assert list(personal_columns_are_declared(manifest(column, {}, EVERYBODY))) == []


def test_a_model_that_only_the_auditor_reads_needs_no_declaration() -> None:
    closed = manifest("last_name", {}, ["brokerage_auditor"])
    assert list(personal_columns_are_declared(closed)) == []


def test_a_kind_that_does_not_exist_is_a_breach() -> None:
    (breach,) = personal_columns_are_declared(manifest("x", {"personal": "nmae"}, EVERYBODY))
    assert "nmae" in breach


@pytest.mark.parametrize(
    ("link", "breaches"),
    [
        ("#!/model/model.warehouse.dim_person", 0),
        ("#!/model/model.warehouse.dim_persons", 1),
        ("#!/overview?g_v=1&g_i=%2Bdim_person&g_e=test_type:generic", 0),
        ("#!/overview?g_v=1&g_i=%2Bdim_persons", 1),
    ],
)
def test_a_link_to_a_page_or_graph_that_is_not_there_is_a_breach(link: str, breaches: int) -> None:
    block = {"original_file_path": "models/overview.md", "block_contents": f"[here]({link})"}
    linked = {
        "nodes": {"model.warehouse.dim_person": {}},
        "sources": {},
        "exposures": {},
        "docs": {"doc.overview": block},
    }
    assert len(list(links_of_the_documentation_lead_to_a_node(linked))) == breaches


@pytest.mark.parametrize(
    ("layer", "parent_layer", "breaches"),
    [
        ("marts", "raw_vault", []),
        ("marts", "marts", []),
        ("raw_vault", "marts", ["reader (raw_vault) reads parent (marts)"]),
        ("reports", "marts", ["reader: reports is none of the layers staging, raw_vault"]),
    ],
)
def test_a_model_reads_its_own_layer_or_a_lower_one(
    layer: str, parent_layer: str, breaches: list[str]
) -> None:
    nodes = {
        f"model.warehouse.{name}": {
            "resource_type": "model",
            "name": name,
            "fqn": ["warehouse", of_layer, name],
            "depends_on": {"nodes": parents},
        }
        for name, of_layer, parents in (
            ("reader", layer, ["model.warehouse.parent"]),
            ("parent", parent_layer, []),
        )
    }
    found = list(models_read_only_layers_below({"nodes": nodes, "sources": {}}))
    assert len(found) == len(breaches)
    assert all(map(str.startswith, found, breaches))
