"""Rules of scripts/check_project.py: personal columns are declared, links lead to a node, SQL files open with a comment."""

from pathlib import Path
from typing import Any

import pytest

from scripts import check_project
from scripts.check_project import (
    links_of_the_documentation_lead_to_a_node,
    metrics_say_what_may_be_added_up,
    personal_columns_are_declared,
    sql_files_open_with_a_comment,
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
def test_a_column_with_a_personal_name_must_be_declared(column: str) -> None:
    (violation,) = personal_columns_are_declared(manifest(column, {}, EVERYBODY))
    assert violation.startswith(f"dim_person.{column}: no")


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


def test_an_unknown_kind_is_a_violation() -> None:
    (violation,) = personal_columns_are_declared(manifest("x", {"personal": "nmae"}, EVERYBODY))
    assert "nmae" in violation


@pytest.mark.parametrize(
    ("link", "violations"),
    [
        ("#!/model/model.warehouse.dim_person", 0),
        ("#!/model/model.warehouse.dim_persons", 1),
        ("#!/overview?g_v=1&g_i=%2Bdim_person&g_e=test_type:generic", 0),
        ("#!/overview?g_v=1&g_i=%2Bdim_persons", 1),
    ],
)
def test_a_link_to_a_missing_page_or_graph_is_a_violation(link: str, violations: int) -> None:
    block = {"original_file_path": "models/overview.md", "block_contents": f"[here]({link})"}
    linked = {
        "nodes": {"model.warehouse.dim_person": {}},
        "sources": {},
        "exposures": {},
        "docs": {"doc.overview": block},
    }
    assert len(list(links_of_the_documentation_lead_to_a_node(linked))) == violations


@pytest.mark.parametrize("folder", check_project.COMMENTED_FOLDERS)
def test_a_file_without_a_comment_at_its_beginning_is_a_violation(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "explained": "{# Why. #}\nselect 1",
        "commented": "-- Why.\nselect 1",
        "bare": "select 1",
    }
    for name, text in files.items():
        path = tmp_path / folder / "below" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(check_project, "ROOT", tmp_path)
    assert list(sql_files_open_with_a_comment({})) == [
        f"{folder}/below/bare.sql: does not open with a comment"
    ]


METRIC = {"owner": "Head of sales", "unit": "trades", "additive_over": "everything"}
STATE = {"agg": "sum", "non_additive_dimension": {"name": "month"}}


def metrics(kind: str, meta: dict[str, str], measure: dict[str, Any], text: str) -> dict[str, Any]:
    metric = {
        "name": "trades_closed",
        "original_file_path": "models/metrics/trades.yml",
        "type": kind,
        "type_params": {"measure": {"name": "trade_count"}},
        "description": text,
        "config": {"meta": meta},
    }
    model = {"measures": [{"name": "trade_count", **measure}]}
    return {"metrics": {"metric.one": metric}, "semantic_models": {"semantic_model.one": model}}


@pytest.mark.parametrize(
    ("kind", "measure", "additive_over"),
    [
        ("simple", {"agg": "sum"}, "everything"),
        ("simple", {"agg": "count"}, "everything"),
        ("simple", {"agg": "count_distinct"}, "nothing"),
        ("simple", {"agg": "average"}, "nothing"),
        ("simple", STATE, "everything but time"),
        ("cumulative", {"agg": "sum"}, "everything but time"),
        ("cumulative", {"agg": "count_distinct"}, "nothing"),
        ("ratio", {"agg": "sum"}, "nothing"),
    ],
)
def test_a_metric_is_as_additive_as_its_measure(
    kind: str, measure: dict[str, Any], additive_over: str
) -> None:
    for stated in check_project.ADDITIVE_OVER:
        manifest = metrics(kind, METRIC | {"additive_over": stated}, measure, "Trades.")
        violations = list(metrics_say_what_may_be_added_up(manifest))
        assert bool(violations) == (stated != additive_over), violations


@pytest.mark.parametrize("missing", ["owner", "unit", "additive_over", "description"])
def test_a_metric_without_its_declaration_is_a_violation(missing: str) -> None:
    meta = {key: value for key, value in METRIC.items() if key != missing}
    text = "" if missing == "description" else "Trades."
    (violation,) = metrics_say_what_may_be_added_up(metrics("simple", meta, {"agg": "sum"}, text))
    assert missing in violation


def test_a_derived_metric_says_itself_what_may_be_added_up() -> None:
    for stated in check_project.ADDITIVE_OVER:
        manifest = metrics("derived", METRIC | {"additive_over": stated}, {"agg": "sum"}, "Trades.")
        assert list(metrics_say_what_may_be_added_up(manifest)) == []
