"""Persons are erased: nothing of theirs is left anywhere, everybody else's rows are as they were, and old files bring nobody back.

One pass for twenty persons, which is killed twice on its way, is shared by the tests.

pytest tests/python/integration/test_erase.py
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.govern.__main__ import app
from scripts.govern.erasure import run as erasure_run
from scripts.govern.erasure.persons import find_listed, matching_prospects
from scripts.govern.erasure.run import Erasure
from scripts.load.lake import Lake, LakeError, LakeWriter
from scripts.load.run import LoadOptions, load
from scripts.load.suppression import Suppression
from scripts.publish.versions import Versions
from scripts.warehouse.duckdb_warehouse import IN_MEMORY, DuckDBWarehouse
from scripts.warehouse.fingerprints import Fingerprint
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.integration.erased_persons import (
    Chosen,
    changed_rows,
    chosen,
    erased_prospects,
    keys_of,
    occurrences,
)

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

CUSTOMERS, PROSPECTS = 14, 6
# Those that say something about clients and prospects.
SYSTEMS = ("crm", "brokerage", "prospect")
# Results and messages of the audit, which count.
COUNTS = {"quality.audit_results", "quality.di_messages", "quality.int_audit_validations"}
# What follows from values that are gone: matches, tags, and versions of clients that began with a change of such.
MAY_HAVE_FEWER = {
    "business_vault.bv_account__history",
    "business_vault.bv_account__owner",
    "business_vault.bv_customer__demographics",
    "business_vault.bv_customer__history",
    "business_vault.bv_prospect__customer_identity",
    "business_vault.bv_prospect__customer_match",
    "business_vault.bv_prospect__history",
    "business_vault.bv_prospect__nameplates",
    "business_vault.pit_account",
    "business_vault.pit_customer",
    # Nobody is scored who was erased.
    "features.ftr_prospect_weeks",
    "features.ftr_prospects",
    "marts.dim_account",
    "marts.dim_customer",
    "marts.rpt_prospect_nameplates",
    "raw_vault.sat_prospect__prospect",
}


@dataclass(frozen=True)
class Erased:
    """A warehouse of which persons were erased, and what it was before."""

    workspace: Workspace
    persons: Chosen
    keys: set[str]
    before: DuckDBWarehouse
    balances: list[object]
    origin: Path
    certificate: dict[str, object]


def balances(workspace: Workspace) -> list[object]:
    """What facts add up to."""
    return [
        workspace.warehouse.query(f"select count(*), sum({amount}) from marts.{table}")
        for table, amount in (
            ("fct_cash_balances", "cash"),
            ("fct_holdings", "current_holding"),
            ("fct_watches", "sk_date_id_date_placed"),
            ("dim_trade", "quantity"),
            ("fct_market_history", "volume"),
        )
    ]


def lake_rows(workspace: Workspace) -> dict[str, Fingerprint]:
    """The rows of the lake, by feed."""
    folders = [path for system in SYSTEMS for path in workspace.lake.glob(f"{system}/*")]
    relations = {
        str(path): f"read_parquet('{path}/*/*.parquet', union_by_name = true)" for path in folders
    }
    return DuckDBWarehouse(IN_MEMORY).fingerprints(relations)


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def erased(
    published_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Erased]:
    folder = tmp_path_factory.mktemp("erased")
    origin = published_workspace
    assert isinstance(origin.warehouse, DuckDBWarehouse)
    shutil.copytree(origin.lake, folder / "lake")
    shutil.copytree(origin.sources, folder / "sources")
    shutil.copytree(origin.environment["PUBLISHED"], folder / "published", symlinks=True)
    shutil.copy2(origin.warehouse.file, folder / origin.warehouse.file.name)
    places = {
        "PUBLISHED": str(folder / "published"),
        "RUNS": str(folder / "runs"),
        "SHARES": str(folder / "shares"),
    }
    workspace = replace(Workspace.on_duckdb(folder), variables=places)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        persons = chosen(workspace, CUSTOMERS, PROSPECTS)
        shown = CliRunner().invoke(app, ["erase", *persons.options, "--dry-run"])
        assert shown.exit_code == 0, shown.output
        assert json.loads(shown.stdout)["versions_removed"] == 1
        assert not (folder / "erasures" / "suppressed.json").exists()
        sums = balances(workspace)
        _leave_traces(folder, persons)
        _kill_while_the_lake_is_written(persons)
        _kill_before_publishing(persons)
        done = CliRunner().invoke(app, ["erase"])
        assert done.exit_code == 0, done.output
        certificate = json.loads(Path(done.stdout.split()[2]).read_text())
        was, now = erased_prospects(origin.warehouse, workspace.warehouse)
        yield Erased(
            workspace,
            persons,
            keys_of(origin.warehouse, persons.customers, was)
            | keys_of(workspace.warehouse, persons.customers, now),
            origin.warehouse,
            sums,
            origin.folder,
            certificate,
        )


def _leave_traces(folder: Path, persons: Chosen) -> None:
    """What a program may have said about somebody, and a dump of a share."""
    value = sorted(persons.values)[0]
    for place in (
        "logs/dbt.log",
        "logs/dbt.log.1",
        "published/.unfinished-batch-0003-20261130T120000Z/manifest.json",
        "runs/Batch20261130/run_ended-x.jsonl",
        "target/run_results.json",
    ):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"message": f"cannot convert {value}"}) + "\n")
    version = folder / "shares" / "market_research" / "trades" / "batch-0003-20261130T120000Z"
    version.mkdir(parents=True)
    (version / "part.csv").write_text(f"1,{value}\n")
    (version.parent / "current").symlink_to(version.name)


def _kill_while_the_lake_is_written(persons: Chosen) -> None:
    published = 0

    def publish(writer: LakeWriter) -> None:
        nonlocal published
        published += 1
        if published > 4:
            raise Killed
        original(writer)

    original = LakeWriter.publish
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LakeWriter, "publish", publish)
        with pytest.raises(Killed):
            CliRunner().invoke(app, ["erase", *persons.options])
    assert published == 5


def _kill_before_publishing(persons: Chosen) -> None:
    def publish(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erasure_run, "publish", publish)
        with pytest.raises(Killed):
            CliRunner().invoke(app, ["erase", *persons.options])


def test_the_prospects_of_a_customer_are_all_that_marketing_ever_matched(
    published_workspace: Workspace,
) -> None:
    """Both compare the same attributes in the same way; the match of marketing also asks for the same time."""
    warehouse = published_workspace.warehouse
    matched = warehouse.query(
        """
        select distinct hub_customer.customer_id, hub_prospect.prospect_id
        from business_vault.bv_prospect__customer_match as matches
        inner join raw_vault.hub_customer as hub_customer on matches.customer_hk = hub_customer.customer_hk
        inner join raw_vault.hub_prospect as hub_prospect on matches.prospect_hk = hub_prospect.prospect_hk
        """
    )
    found = set(matching_prospects(warehouse))
    assert matched
    assert {(str(customer), prospect) for customer, prospect in matched} <= found


def test_no_value_of_the_persons_is_left_in_any_store(erased: Erased) -> None:
    assert len(erased.persons.values) > 3 * CUSTOMERS
    folder = erased.workspace.folder
    stores = ("lake", "published", "shares", "runs", "logs", "target", "erasures")
    for store in (*(folder / name for name in stores), folder / "warehouse.duckdb"):
        assert list(occurrences(store, erased.persons.values)) == []
    for path in folder.glob(".*"):
        assert list(occurrences(path, erased.persons.values)) == []
    # The search finds them where they are.
    assert list(occurrences(folder / "sources", erased.persons.values)) != []


def test_only_rows_about_the_persons_have_changed(erased: Erased) -> None:
    changed = list(changed_rows(erased.before, erased.workspace.warehouse))
    assert {"marts.dim_customer", "marts.dim_trade", "marts.prospects"} <= {
        name for name, _, _ in changed
    }
    for name, rows, more in changed:
        if name not in COUNTS:
            assert [row for row in rows if not {*row.split("|")} & erased.keys] == [], name
        assert more == 0 or name in MAY_HAVE_FEWER | COUNTS, name


def test_what_is_personal_of_the_persons_is_gone_and_their_rows_are_there(erased: Erased) -> None:
    numbers = ", ".join(erased.persons.customers)
    columns = "tax_id, last_name, first_name, dob, address_line1, postal_code, city, phone1, email1, agency_id"
    query = erased.workspace.warehouse.query
    rows = query(f"select {columns} from marts.dim_customer where customer_id in ({numbers})")
    assert len(rows) >= CUSTOMERS
    assert {value for row in rows for value in row} == {None}
    prospects = erased.certificate["prospects"]
    assert isinstance(prospects, list)
    assert len(prospects) > PROSPECTS
    listed = ", ".join(f"'{key}'" for key in prospects)
    rows = query(
        "select last_name, first_name, city, income, net_worth, phone, address_line1"
        f" from marts.prospects where agency_id in ({listed})"
    )
    assert rows == [("erased", "erased", "erased", None, None, None, None)] * len(prospects)
    listed_ever = "select count(distinct agency_id) from snapshots.prospects_published"
    assert query(listed_ever) == erased.before.query(listed_ever)
    was, now = erased_prospects(erased.before, erased.workspace.warehouse)
    assert (now, len(was)) == (sorted(prospects), len(prospects))
    assert {*erased.persons.prospects} < {*was}


def test_facts_add_up_to_the_same(erased: Erased) -> None:
    assert balances(erased.workspace) == erased.balances


def test_the_audit_is_green_or_the_certificate_names_what_moved(erased: Erased) -> None:
    rows = erased.workspace.warehouse.query(
        "select check_number, coalesce(batch_id, 0), check_name, result from quality.audit_results where result <> 'OK'"
    )
    red = {f"{number} batch {batch} {name}": result for number, batch, name, result in rows}
    moved = erased.certificate["audit_checks_moved"]
    assert isinstance(moved, dict)
    assert red == {check: result["now"] for check, result in moved.items() if result["now"] != "OK"}


def test_only_the_new_version_is_left_and_the_journal_is_gone(erased: Erased) -> None:
    versions = Versions(erased.workspace.folder / "published")
    assert versions.names() == [erased.certificate["published"]]
    assert erased.certificate["shares_removed"] == [
        "market_research/trades/batch-0003-20261130T120000Z"
    ]
    assert not (erased.workspace.folder / "erasures" / "work.json").exists()


def test_loading_the_old_files_again_brings_nobody_back(erased: Erased) -> None:
    workspace = erased.workspace
    before = lake_rows(workspace)
    options = LoadOptions(str(workspace.sources), str(workspace.lake), feeds=SYSTEMS)
    again = load(options)
    assert (again.failures, again.rows_landed) == ([], 0)
    forced = load(replace(options, force=True))
    assert forced.failures == []
    assert forced.rows_landed > 0
    assert lake_rows(workspace) == before
    assert list(occurrences(workspace.lake, erased.persons.values)) == []


def test_after_a_restore_all_who_were_erased_are_found_by_what_the_lake_has_again(
    erased: Erased, tmp_path: Path
) -> None:
    restored = tmp_path / "lake"
    shutil.copytree(erased.origin / "lake", restored)
    erasure = Erasure.of_environment(Target.DUCKDB)
    listed = Suppression.read(erased.workspace.folder / "erasures")
    assert listed is not None
    found, here = (
        find_listed(lake, erasure.contracts, erasure.register, listed)
        for lake in (Lake(str(restored)), erasure.stores.lake)
    )
    assert found.keys["customer"] == here.keys["customer"] == {*erased.persons.customers}
    assert {*erased.persons.prospects} <= found.keys["prospect"]
    assert erased.persons.values - {*found.keys["prospect"]} <= found.values
    assert (here.keys["prospect"], here.values) == (set(), set())


def test_nobody_else_is_erased_while_an_erasure_has_not_ended(
    erased: Erased, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Iterator[None]:
        raise LakeError("the disk is full")

    others = chosen(erased.workspace, 2, 0, seed=4).customers
    with monkeypatch.context() as patch:
        patch.setattr(erasure_run, "erase_from_lake", fail)
        broken = CliRunner().invoke(app, ["erase", "--customer", others[0]])
    assert broken.exit_code == 1
    assert "the disk is full; `python -m scripts.govern erase` goes on" in broken.stderr
    # A prospect may have a key that looks like the number of a customer.
    for options in (["--customer", others[1]], ["--prospect", others[0]], ["--again"]):
        refused = CliRunner().invoke(app, ["erase", *options])
        assert refused.exit_code == 2
        assert "an earlier erasure has not ended" in refused.stderr
    (erased.workspace.folder / "erasures" / "work.json").unlink()


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_an_erasure_of_nobody_is_refused_and_begins_nothing(
    erased: Erased, options: list[str]
) -> None:
    refused = CliRunner().invoke(app, ["erase", *options])
    assert refused.exit_code == 2
    assert "name whom to erase" in refused.stderr
    assert not (erased.workspace.folder / "erasures" / "work.json").exists()
