"""Each rule of the register: the small register below violates none, and each change of it violates one."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.govern.lineage import Lineage
from scripts.govern.register import Register, RegisterError
from scripts.govern.rules import RULES, Facts, find_violations
from scripts.share.policies import Share, read_shares

TERMS: dict[str, Any] = {
    "classifications": {"public": "", "internal": "", "confidential": "", "personal": ""},
    "given": {"loader_columns": "internal", "seeds": "internal"},
    "legal_bases": {"contract": "", "not about persons": ""},
    "sharing": {"anybody": "", "nobody": ""},
    "roles": {"Head of clients": ""},
}
CRM: dict[str, Any] = {
    "system": "crm",
    "purpose": "Keep accounts",
    "legal_basis": "contract",
    "owner": "Head of clients",
    "retention": {"years": 6, "after": "the end"},
    "agreement": "Ours.",
    "sharing": "nobody",
    "feeds": {
        "clients": {
            "columns": {"internal": ["client_id"], "personal": [["tax_id"], ["born"]]},
            "exceptions": {"born": {"purpose": "Know the age"}},
            "erasure": {"rows_of": {"customer": "client_id"}},
        }
    },
}
TABLES: dict[str, Any] = {
    "*": {"internal": ["is_current"]},
    "marts.dim_client": {"at_least": "internal", "confidential": ["born_in"]},
}
SQL = """
    select client_id, tax_id, extract(year from born) as born_in, client_id > 1 as is_current, batch_id
    from FEED
"""


class Project:
    """What a test changes before the rules look."""

    def __init__(self) -> None:
        self.terms, self.crm, self.tables = deepcopy(TERMS), deepcopy(CRM), deepcopy(TABLES)
        self.sql = SQL
        self.feed = ["client_id", "tax_id", "born"]
        self.meta: dict[str, dict[str, Any]] = {"tax_id": {"personal": "tax number"}}
        self.columns = ["client_id", "tax_id", "born_in", "is_current", "batch_id"]
        self.readers = ["brokerage_auditor", "brokerage_analyst"]
        self.owner = "Head of clients"
        self.shared: tuple[str, ...] = ("is_current",)
        self.hold: dict[str, Any] = {
            "customers": [17],
            "feeds": ["crm.clients"],
            "set_by": "Head of clients",
            "since": "2026-11-30",
            "reason": "Court",
        }

    @property
    def clients(self) -> dict[str, Any]:
        """The feed in the register."""
        feed: dict[str, Any] = self.crm["feeds"]["clients"]
        return feed

    def violations(self, folder: Path) -> list[str]:
        for name, content in (
            ("terms", self.terms),
            ("crm", self.crm),
            ("tables", self.tables),
            ("holds", {"holds": [self.hold]}),
        ):
            (folder / f"{name}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
        return list(find_violations(self.facts(folder)))

    def facts(self, folder: Path) -> Facts:
        """What the rules look at, when the files of the register are in the folder."""
        manifest = self._manifest()
        lineage = Lineage.of_manifest(manifest)
        return Facts(manifest, Register.read(folder), lineage, self._shares())

    def _shares(self) -> tuple[Share, ...]:
        (share,) = read_shares()
        table = replace(
            share.tables["customers"], table="marts.dim_client", columns=self.shared, personal={}
        )
        return (replace(share, tables={"clients": table}),)

    def _manifest(self) -> dict[str, Any]:
        node = {
            "resource_type": "model",
            "name": "dim_client",
            "schema": "marts",
            "alias": "dim_client",
            "config": {"materialized": "table", "grants": {"select": self.readers}},
            "compiled_code": self.sql,
            "columns": {
                name: {"meta": self.meta.get(name, {}), "description": ""} for name in self.columns
            },
        }
        source = {
            "source_name": "crm",
            "name": "clients",
            "relation_name": "FEED",
            "columns": {name: {} for name in self.feed},
        }
        return {
            "nodes": {"model": node},
            "sources": {"source": source},
            "exposures": {"desk": {"name": "desk", "owner": {"name": self.owner}}},
            "metrics": {"clients": {"name": "clients", "config": {"meta": {"owner": self.owner}}}},
        }


def test_a_right_register_violates_no_rule(tmp_path: Path) -> None:
    assert Project().violations(tmp_path) == []


def a_new_column_of_a_contract(project: Project) -> None:
    project.feed.append("email")


def a_column_that_is_gone(project: Project) -> None:
    project.feed.remove("born")
    project.sql = project.sql.replace("born)", "client_id)")


def a_column_listed_twice(project: Project) -> None:
    project.clients["columns"]["internal"].append("tax_id")


def a_feed_that_is_not_registered(project: Project) -> None:
    project.crm["feeds"] = {"customers": project.clients}


def no_purpose(project: Project) -> None:
    del project.crm["purpose"]


def an_unknown_legal_basis(project: Project) -> None:
    project.crm["legal_basis"] = "because"


def an_unknown_owner(project: Project) -> None:
    project.crm["owner"] = "Bob"


def an_unknown_class(project: Project) -> None:
    project.clients["columns"]["secret"] = project.clients["columns"].pop("internal")


def an_unknown_floor(project: Project) -> None:
    project.tables["marts.dim_client"]["at_least"] = "secret"


def a_retention_in_words(project: Project) -> None:
    project.crm["retention"] = {"years": "many", "after": "the end"}


def a_retention_as_text(project: Project) -> None:
    project.crm["retention"] = "6 years"


def a_retention_of_nothing(project: Project) -> None:
    project.crm["retention"] = {"years": 0, "after": "the end"}


def persons_without_a_legal_basis(project: Project) -> None:
    project.crm["legal_basis"] = "not about persons"


def persons_for_anybody(project: Project) -> None:
    project.crm["sharing"] = "anybody"


def persons_whom_nobody_can_forget(project: Project) -> None:
    del project.clients["erasure"]


def persons_forgotten_in_two_ways(project: Project) -> None:
    project.clients["erasure"]["kept_because"] = "We like them"


def persons_by_a_key_that_is_not_there(project: Project) -> None:
    project.clients["erasure"]["rows_of"] = {"customer": "c_id"}


def a_value_instead_of_what_stays(project: Project) -> None:
    project.clients["erasure"]["instead"] = {"client_id": "0"}


def a_hold_by_nobody(project: Project) -> None:
    project.hold["set_by"] = "Bob"


def a_hold_of_no_feed(project: Project) -> None:
    project.hold["feeds"] = ["crm.accounts"]


def an_owner_of_a_metric_who_is_no_role(project: Project) -> None:
    project.owner = "Alice"


def a_new_column_of_a_table(project: Project) -> None:
    project.columns.append("letters")
    project.sql = project.sql.replace("batch_id", "batch_id, length(tax_id) as letters")


def a_count_without_a_class(project: Project) -> None:
    project.columns.append("n")
    project.sql = project.sql.replace("batch_id", "batch_id, count(*) over () as n")


def a_class_for_a_column_that_has_one(project: Project) -> None:
    project.tables["marts.dim_client"]["public"] = ["client_id"]


def a_class_for_no_column(project: Project) -> None:
    project.tables["*"]["internal"].append("is_old")


def a_class_for_no_table(project: Project) -> None:
    project.tables["marts.dim_customer"] = {"public": ["x"]}


def a_personal_value_without_a_mask(project: Project) -> None:
    project.meta = {}


def a_personal_value_declared_not_personal(project: Project) -> None:
    project.meta = {"tax_id": {"personal": False}}


def a_share_of_what_stays_in_the_house(project: Project) -> None:
    project.shared = ("client_id",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (a_new_column_of_a_contract, r"crm\.clients\.email has no class"),
        (a_column_that_is_gone, r"crm\.clients\.born is not in the contract"),
        (a_column_listed_twice, r"crm\.clients\.tax_id is listed 2 times"),
        (a_feed_that_is_not_registered, r"crm\.clients is not registered"),
        (no_purpose, "crm.yml: crm.clients has no `purpose`"),
        (an_unknown_legal_basis, "legal_basis `because` is not in terms.yml"),
        (an_unknown_owner, "owner `Bob` is not in terms.yml"),
        (an_unknown_class, "client_id: class `secret` is not in terms.yml"),
        (an_unknown_floor, "at_least: class `secret` is not in terms.yml"),
        (a_retention_in_words, "retention is not of the form"),
        (a_retention_as_text, "retention is not of the form"),
        (a_retention_of_nothing, "retention is not of the form"),
        (persons_without_a_legal_basis, "tax_id is about persons, but its legal basis"),
        (persons_for_anybody, "tax_id is about persons, but may be given to `anybody`"),
        (
            persons_whom_nobody_can_forget,
            r"crm\.clients has columns about persons and no `erasure`",
        ),
        (persons_forgotten_in_two_ways, "erasure needs one of rows_of"),
        (persons_by_a_key_that_is_not_there, "erasure names c_id, which is not in the contract"),
        (a_value_instead_of_what_stays, "erasure changes client_id, which is not personal"),
        (a_hold_by_nobody, "holds.yml: `Bob` is not in terms.yml"),
        (a_hold_of_no_feed, r"holds.yml: there is no feed crm\.accounts"),
        (an_owner_of_a_metric_who_is_no_role, "metric clients: owner `Alice`"),
        (a_new_column_of_a_table, r"marts\.dim_client\.letters has no class: it is made of crm"),
        (a_count_without_a_class, r"marts\.dim_client\.n has no class"),
        (a_class_for_a_column_that_has_one, r"marts\.dim_client\.client_id is passed on"),
        (a_class_for_no_column, "no model makes a column is_old"),
        (a_class_for_no_table, r"there is no table marts\.dim_customer"),
        (a_personal_value_without_a_mask, r"tax_id passes on crm\.clients\.tax_id"),
        (a_personal_value_declared_not_personal, r"tax_id passes on crm\.clients\.tax_id"),
        (
            a_share_of_what_stays_in_the_house,
            r"marts\.dim_client\.client_id passes on a feed whose `sharing` is `nobody`",
        ),
    ],
)
def test_each_change_violates_a_rule(
    change: Callable[[Project], None], words: str, tmp_path: Path
) -> None:
    project = Project()
    change(project)
    violations = project.violations(tmp_path)
    assert any(_matches(words, violation) for violation in violations), violations


def _matches(words: str, violation: str) -> bool:
    return words.replace("\\", "") in violation


def test_every_rule_is_broken_by_one_of_the_changes(tmp_path: Path) -> None:
    changes = [
        change
        for name, change in globals().items()
        if name.startswith(("a_", "an_", "no_", "persons_"))
    ]
    silent = {rule.__name__ for rule in RULES}
    for change in changes:
        project = Project()
        change(project)
        project.violations(tmp_path)
        facts = project.facts(tmp_path)
        silent -= {rule.__name__ for rule in RULES if list(rule(facts))}
    assert silent == set()


def test_what_only_the_auditor_reads_needs_no_class(tmp_path: Path) -> None:
    project = Project()
    project.readers = ["brokerage_auditor"]
    project.tables, project.meta = {"*": {}}, {}
    assert project.violations(tmp_path) == []


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"sytem": "crm"}, "sytem is not known here"),
        ({"feeds": ["clients"]}, "feeds is not a mapping"),
        ({"feeds": {"clients": {"columns": {"public": "x"}}}}, "public is not a list"),
        ({"feeds": {"clients": {"column": {}}}}, "column is not known here"),
    ],
)
def test_a_file_in_another_form_is_refused_with_the_place(
    part: dict[str, Any], words: str, tmp_path: Path
) -> None:
    project = Project()
    project.crm |= part
    with pytest.raises(RegisterError, match=words):
        project.violations(tmp_path)


def test_missing_words_are_named(tmp_path: Path) -> None:
    project = Project()
    del project.terms["roles"]
    with pytest.raises(RegisterError, match=r"terms\.yml has no roles"):
        project.violations(tmp_path)


def test_a_feed_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "again.yml").write_text(yaml.safe_dump(CRM))
    with pytest.raises(RegisterError, match=r"crm\.clients is in again\.yml, too"):
        Project().violations(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match=r"nowhere/terms\.yml cannot be read"):
        Register.read(tmp_path / "nowhere")
