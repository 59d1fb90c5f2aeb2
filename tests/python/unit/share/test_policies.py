"""Policies are read strictly: what is missing, unknown, of another type or there twice is refused, with file and key."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.share.policies import (
    Format,
    PolicyError,
    Share,
    Transformation,
    read_share,
    read_shares,
)
from scripts.warehouse.workspace import ROOT
from tests.python.sharing import envelope

TABLE: dict[str, Any] = {
    "table": "marts.dim_person",
    "columns": ["person_id", "region"],
    "personal": {"income": {"transformation": "bucket", "reason": "Groups.", "size": 1000}},
    "rows": {"region": "eq.north", "person_id": ["gt.1", "lt.9"]},
    "small_groups": {"by": ["income"], "minimum": 5, "counted": "person_id"},
}


def read(folder: Path, content: dict[str, Any]) -> Share:
    file = folder / "people.yml"
    file.write_text(yaml.safe_dump(content))
    return read_share(file)


def good() -> dict[str, Any]:
    return yaml.safe_load(yaml.safe_dump(envelope({"people": TABLE})))  # type: ignore[no-any-return]


def test_a_policy_becomes_an_object(tmp_path: Path) -> None:
    share = read(tmp_path, good())
    assert (share.name, share.recipient, share.label) == ("people", "partner", "partner/people")
    assert share.approved_until == date(2027, 3, 10)
    assert share.formats == tuple(Format)
    table = share.tables["people"]
    assert table.rows == {"region": ("eq.north",), "person_id": ("gt.1", "lt.9")}
    assert table.personal["income"].transformation is Transformation.BUCKET
    assert table.shared == {"person_id", "region", "income"}


def test_true_values_are_read_only_where_something_is_made_of_them(tmp_path: Path) -> None:
    content = good()
    assert read(tmp_path, content).role == "auditor"
    content["tables"]["people"]["personal"] = {"note": {"transformation": "mask", "reason": "x"}}
    content["tables"]["people"]["small_groups"] = {"by": ["region"], "minimum": 5}
    assert read(tmp_path, content).role == "analyst"
    content["tables"]["people"]["small_groups"]["counted"] = "tax_id"
    assert read(tmp_path, content).role == "auditor"


def changed(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *keys, last = path.split("/")

    def change(content: dict[str, Any]) -> None:
        for key in keys:
            content = content[key]
        if value is None:
            del content[last]
        else:
            content[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed("purpose", None), "purpose is missing; write text"),
        (changed("purpose", "  "), "purpose: '  '; write text"),
        (changed("purpose", 7), "purpose: 7; write text"),
        (changed("recipient", "../other"), "recipient: '../other' is no name"),
        (changed("recipient", "Partner"), "recipient: 'Partner' is no name"),
        (changed("legal_basis", "we want to"), "legal_basis: 'we want to'; write one of consent"),
        (changed("approved_until", "2027-13-01"), "approved_until: '2027-13-01'; write a day"),
        (changed("approved_on", None), "approved_on is missing; write a day"),
        (changed("retention", 0), "retention: 0; write a whole number, at least 1"),
        (changed("retention", True), "retention: True; write a whole number"),
        (changed("schedule", "hourly"), "schedule: 'hourly'; write one of each batch"),
        (changed("formats", ["csv"]), "parquet is always written; name it"),
        (changed("formats", ["parquet", "excel"]), "write a list, each once, of parquet"),
        (changed("formats", ["parquet", "parquet"]), "write a list, each once"),
        (changed("tables", {}), "name at least one table"),
        (changed("tables", ["people"]), "tables: write keys with their values"),
        (changed("note", "x"), "note: there are only"),
        (changed("tables/people/filter", "x"), "people: filter: there are only"),
        (changed("tables/people/columns", "*"), None),
        (changed("tables/people/columns", [1]), "columns: [1]; write a list"),
        (changed("tables/people/personal/income/reason", None), "income: reason is missing"),
        (changed("tables/people/personal/income/size", None), "income: size is missing"),
        (changed("tables/people/personal/income/size", 0), "size: 0; write a whole number"),
        (changed("tables/people/personal/income/transformation", "none"), "write one of drop"),
        (changed("tables/people/personal/income/transformation", "year"), "size: there are only"),
        (changed("tables/people/columns", ["income"]), "income: in columns and in personal"),
        (changed("tables/people/small_groups/minimum", 1), "minimum: 1; write a whole number"),
        (changed("tables/people/small_groups/by", []), "by: name at least one column"),
    ],
)
def test_what_cannot_be_understood_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str | None
) -> None:
    content = good()
    change(content)
    if message is None:
        # A name like any other: there is no such column.
        assert read(tmp_path, content).tables["people"].columns == ("*",)
        return
    with pytest.raises(PolicyError) as error:
        read(tmp_path, content)
    assert message in str(error.value)
    assert "people.yml" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipient: [", "not YAML"),
        ("recipient: a\nrecipient: b\n", "recipient is there twice"),
        ("- a", "write keys with their values"),
        ("", "write keys with their values"),
        ("1: a", "write keys with their values"),
        ("recipient: !!python/object:os.system x", "not YAML"),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "people.yml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=message):
        read_share(file)


def test_the_name_of_the_file_is_that_of_the_share(tmp_path: Path) -> None:
    (tmp_path / "_rules.yml").write_text("not: a share")
    assert read_shares(tmp_path) == []
    (tmp_path / "My Share.yml").write_text(yaml.safe_dump(good()))
    with pytest.raises(PolicyError, match="'My Share' is no name"):
        read_shares(tmp_path)


def test_comments_and_order_do_not_change_what_a_policy_says(tmp_path: Path) -> None:
    share = read_share(ROOT / "shares/trading_activity.yml")
    text = (ROOT / "shares/trading_activity.yml").read_text()
    copy = tmp_path / "trading_activity.yml"
    content = yaml.safe_load(text)
    copy.write_text(yaml.safe_dump(dict(reversed(content.items())), sort_keys=False))
    assert read_share(copy).digest == share.digest
    copy.write_text(text.replace("minimum: 5", "minimum: 6"))
    assert read_share(copy).digest != share.digest
