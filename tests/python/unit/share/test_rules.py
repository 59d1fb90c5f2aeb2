"""Each rule refuses what it is about, by its name; a change of a model is told to the shares that it breaks."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.check_project import PERSONAL_KINDS, shares_keep_their_rules
from scripts.serve.declarations import Declarations
from scripts.share import rules as share_rules
from scripts.share.comparing import broken_shares
from scripts.share.policies import PolicyError, Share, read_share
from scripts.share.rules import (
    destinations_are_used_once,
    names_are_used_once,
    read_rules,
    violations,
)
from scripts.warehouse.workspace import ROOT
from tests.python.sharing import TABLE, TODAY, dbt_manifest, envelope, written

RULES = read_rules(ROOT / "shares/_rules.yml")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def declared(change: Change | None = None) -> Declarations:
    """The table as declared, after a change of its model."""
    manifest = dbt_manifest()
    if change:
        change(manifest["nodes"]["model.p.dim_person"])
    return Declarations.of_manifest(manifest, digest="x")


def good() -> dict[str, Any]:
    table = {
        "table": TABLE,
        "columns": ["person_id", "region", "tier", "joined_at"],
        "personal": {
            "born": {"transformation": "year", "reason": "x"},
            "tax_id": {"transformation": "keyed_hash", "reason": "x"},
        },
        "rows": {"region": "eq.north"},
        "small_groups": {"by": ["born"], "minimum": 5},
    }
    return envelope({"people": table})


def found(folder: Path, content: dict[str, Any], days: int = 0) -> list[tuple[str, str]]:
    share = written(folder, content)
    today = TODAY + timedelta(days=days)
    return [(each.rule, each.reason) for each in violations(share, RULES, declared(), today)]


def test_a_good_policy_violates_no_rule(tmp_path: Path) -> None:
    assert found(tmp_path, good()) == []


def table(key: str, value: Any) -> Change:
    return lambda content: content["tables"]["people"].update({key: value})


def personal(column: str, transformation: str, **more: Any) -> Change:
    entry = {"transformation": transformation, "reason": "x", **more}
    return lambda content: content["tables"]["people"]["personal"].update({column: entry})


@pytest.mark.parametrize(
    ("rule", "change", "reason"),
    [
        ("approvals_end", lambda c: c.update(approved_until=TODAY + timedelta(days=5000)), "write a day from"),
        ("approvals_end", lambda c: c.update(approved_until=TODAY - timedelta(days=9)), "write a day from"),
        ("owners_do_not_approve", lambda c: c.update(owner="BOB"), "somebody else has to approve"),
        ("tables_are_those_of_analysts", table("table", "raw_vault.hub_trade"), "analysts read no published table raw_vault.hub_trade"),
        ("columns_exist", table("columns", ["person_id", "*"]), "has no column *"),
        ("columns_exist", table("rows", {"secret": "eq.1"}), "has no column secret"),
        ("columns_exist", table("small_groups", {"by": ["born"], "minimum": 5, "counted": "x"}), "has no column x"),
        ("columns_exist", personal("shoe_size", "drop"), "has no column shoe_size"),
        ("tables_are_shared_with_their_key", table("columns", ["region"]), "person_id belongs to the key; add it"),
        ("personal_columns_have_a_reason", table("columns", ["person_id", "street"]), "street is personal (address)"),
        ("personal_columns_have_a_reason", personal("fee", "mask"), "fee is not personal"),
        ("kinds_of_personal_data_become_what_is_allowed", personal("street", "keyed_hash"), "street (address) may not become keyed_hash"),
        ("kinds_of_personal_data_become_what_is_allowed", personal("income", "keyed_hash"), "allowed: drop, mask, bucket"),
        ("transformations_fit_their_columns", personal("tax_id", "year"), "tax_id is a varchar(40), of which there is no year"),
        ("transformations_fit_their_columns", personal("note", "bucket", size=5), "of which there is no bucket"),
        ("filters_can_be_read", table("rows", {"tier": "eq.north"}), "'north' is no whole number"),
        ("filters_can_be_read", table("rows", {"region": "north' or 1=1"}), "is no filter of a text"),
        ("rows_are_not_chosen_by_personal_columns", table("rows", {"income": "gt.1000000"}), "income is personal"),
        ("small_groups_are_withheld", lambda c: c["tables"]["people"].pop("small_groups"), "declare small_groups by born"),
        ("small_groups_are_withheld", table("small_groups", {"by": ["born"], "minimum": 4}), "write at least 5"),
        ("small_groups_are_withheld", table("small_groups", {"by": ["region"], "minimum": 5}), "add born to by"),
        ("small_groups_are_withheld", table("small_groups", {"by": ["born", "fee"], "minimum": 5}), "fee is not shared"),
    ],
)  # fmt: skip
def test_what_violates_a_rule_is_refused_by_its_name(
    tmp_path: Path, rule: str, change: Change, reason: str
) -> None:
    content = good()
    change(content)
    assert any(name == rule and reason in text for name, text in found(tmp_path, content))


def test_a_mask_that_tells_the_year_needs_groups_like_a_year(tmp_path: Path) -> None:
    content = good()
    del content["tables"]["people"]["small_groups"]
    personal("born", "mask")(content)
    assert [rule for rule, _ in found(tmp_path, content)] == ["small_groups_are_withheld"]


def test_a_share_is_refused_before_and_after_its_approval(tmp_path: Path) -> None:
    assert found(tmp_path, good(), days=100) == []
    ((rule, reason),) = found(tmp_path, good(), days=101)
    assert rule == "is_approved"
    assert "has expired on 2027-03-10; ask Bob for a new one" in reason
    assert found(tmp_path, good(), days=-2) == [("is_approved", "approved from 2026-11-29 on only")]


def test_two_shares_may_not_have_one_name(tmp_path: Path) -> None:
    share = written(tmp_path, good())
    (violation,) = names_are_used_once([share, share])
    assert violation.rule == "names_are_used_once"
    assert list(names_are_used_once([share])) == []


@pytest.mark.parametrize(
    ("destination", "is_refused"),
    [("s3://bucket/a", True), ("redis://127.0.0.1/0", False), (None, False)],
)
def test_two_shares_may_not_go_to_one_folder(
    destination: str | None, is_refused: bool, tmp_path: Path
) -> None:
    share = replace(written(tmp_path, good()), destination=destination)
    other = replace(share, name="other", destination=destination and f"{destination}/")
    found = list(destinations_are_used_once([share, other]))
    assert [violation.rule for violation in found] == ["destinations_are_used_once"] * is_refused


def test_every_rule_is_asked() -> None:
    named = {
        name
        for name, value in vars(share_rules).items()
        if callable(value) and getattr(value, "__module__", "") == share_rules.__name__
        and not name.startswith("_") and name[0].islower()
    }  # fmt: skip
    others = {"read_rules", "model_of", "violations"}
    asked = {rule.__name__ for rule in (*share_rules._OF_SHARES, *share_rules._OF_TABLES)}
    asked |= {rule.__name__ for rule in share_rules.OF_ALL}
    assert named - others == asked | {"is_approved", "tables_are_those_of_analysts"}


def test_each_kind_of_personal_data_has_its_transformations() -> None:
    assert set(RULES.transformations) == set(PERSONAL_KINDS)


def test_an_unknown_transformation_in_the_rules_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "shares/_rules.yml").read_text())
    content["transformations"]["name"] = ["publish"]
    (tmp_path / "_rules.yml").write_text(yaml.safe_dump(content))
    with pytest.raises(PolicyError, match="name: \\['publish'\\]; write a list"):
        read_rules(tmp_path / "_rules.yml")


def test_the_check_of_the_project_tells_what_a_share_names_that_is_not_there() -> None:
    found = list(shares_keep_their_rules(dbt_manifest()))
    tables = len(read_share(ROOT / "shares/trading_activity.yml").tables)
    assert len(found) == tables
    assert all("tables_are_those_of_analysts" in text for text in found)


def drop_column(name: str) -> Change:
    return lambda node: node["columns"].pop(name)


def change_column(name: str, **values: Any) -> Change:
    return lambda node: node["columns"][name].update(values)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop_column("tier"), ["tier is gone"]),
        (drop_column("mail"), []),
        (change_column("region", data_type="varchar(200)"), ["region was varchar(20) and is varchar(200)"]),
        (change_column("mail", data_type="varchar(200)"), []),
        (change_column("region", meta={"personal": "address"}), ["region was not personal and is personal (address)"]),
        (change_column("region", description="Other words."), []),
        (lambda node: node["columns"].update(shoe_size=node["columns"]["tier"]), []),
        (change_column("person_id", constraints=[]), ["the key was person_id and is gone"]),
        (lambda node: node.update(alias="dim_people"), ["marts.dim_person is gone, or analysts may not read it any more"]),
        (lambda node: node["config"]["grants"].update(select=["brokerage_auditor"]), ["marts.dim_person is gone, or analysts may not read it any more"]),
    ],
)  # fmt: skip
def test_a_change_of_a_model_is_told_to_the_shares_that_it_breaks(
    tmp_path: Path, change: Change, told: list[str]
) -> None:
    share = written(tmp_path, good())
    # A table that is not shared keeps the layer alive when the shared one is closed.
    before, after = with_another(lambda node: None), with_another(change)
    assert broken_shares([share], before, after) == [
        f"partner/people: changes_of_models_break_no_share: people: {text}" for text in told
    ]
    assert broken_shares([share], after, after) == []


def with_another(change: Change) -> Declarations:
    manifest = dbt_manifest()
    other = copy.deepcopy(manifest["nodes"]["model.p.dim_person"]) | {"alias": "dim_other"}
    change(manifest["nodes"]["model.p.dim_person"])
    manifest["nodes"]["model.p.dim_other"] = other
    return Declarations.of_manifest(manifest, digest="x")


def test_a_new_column_is_not_shared_by_itself(tmp_path: Path) -> None:
    share: Share = written(tmp_path, good())
    new = declared(lambda node: node["columns"].update(shoe_size=node["columns"]["tier"]))
    assert violations(share, RULES, new) == []
    assert "shoe_size" not in share.tables["people"].shared
