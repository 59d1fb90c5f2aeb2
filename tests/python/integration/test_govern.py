"""The register of this project is right, its lineage is true of the rows, and its commands do what docs/governance.md says.

pytest tests/python/integration/test_govern.py
"""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from datacontract.data_contract import DataContract
from typer.testing import CliRunner

from scripts.govern.__main__ import app
from scripts.govern.columns import Column
from scripts.govern.contracts import Change, Declared, differences, unannounced
from scripts.govern.inheritance import Inheritance
from scripts.govern.lineage import LOADER_COLUMNS, Lineage
from scripts.govern.odcs import contracts, write_contract
from scripts.govern.register import Register
from scripts.govern.rules import (
    Facts,
    each_column_of_a_feed_has_one_class,
    each_column_that_is_read_has_a_class,
    find_violations,
)
from scripts.govern.scan import kinds_in
from scripts.monitor.thresholds import read_thresholds
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

PAGE = (ROOT / "docs" / "governance.md").read_text()
# What stands for a value that is not there: texts and keys of unknown members.
CONSTANTS = {"Unknown", "-1", "U"}


@pytest.fixture(scope="module")
def target(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, compiled as `make lint` does."""
    folder = tmp_path_factory.mktemp("compiled")
    apart = built.with_variables(DBT_TARGET_PATH=str(folder), WAREHOUSE=":memory:")
    kinds = ("resource_type:model", "resource_type:snapshot")
    compiled = apart.dbt("--quiet", "compile", "--select", *kinds)
    assert compiled.returncode == 0, compiled.stdout
    return folder


@pytest.fixture(scope="module")
def facts(target: Path) -> Facts:
    manifest = json.loads((target / "manifest.json").read_text())
    return Facts(manifest, Register.read(ROOT / "governance"), Lineage.of_manifest(manifest))


def test_each_published_schema_is_a_contract_of_the_open_standard(
    facts: Facts, tmp_path: Path
) -> None:
    written = contracts(facts, read_thresholds())
    assert written.keys() == {read.column.relation.split(".")[0] for read in facts.columns}
    for schema, contract in written.items():
        path = tmp_path / f"{schema}.odcs.yaml"
        write_contract(path, contract)
        linted = DataContract(data_contract_file=str(path)).lint()
        assert linted.result == "passed", linted.checks
        tables = {f"{schema}.{table['name']}": table["properties"] for table in contract["schema"]}
        columns = {(name, column["name"]) for name in tables for column in tables[name]}
        assert columns == {
            (read.column.relation, read.column.name)
            for read in facts.columns
            if read.column.relation.startswith(f"{schema}.")
        }
        assert all(column["classification"] for name in tables for column in tables[name])
    keys = [
        column["name"]
        for table in written["marts"]["schema"]
        if table["name"] == "dim_customer"
        for column in table["properties"]
        if column.get("primaryKey")
    ]
    assert keys == ["sk_customer_id"]
    # What is not right is told.
    path.write_text(path.read_text().replace("logicalType: string", "logicalType: text"))
    assert DataContract(data_contract_file=str(path)).lint().result != "passed"


def test_the_register_of_this_project_violates_no_rule(facts: Facts) -> None:
    assert list(find_violations(facts)) == []


def test_each_column_of_each_feed_is_missed_if_it_is_not_registered(facts: Facts) -> None:
    for feed, entry in facts.register.feeds.items():
        for column in list(entry.classified):
            classes = entry.classified.pop(column)
            (violation,) = each_column_of_a_feed_has_one_class(facts)
            assert violation.startswith(f"{entry.file}: {feed}.{column} has no class")
            entry.classified[column] = classes


def test_columns_that_models_make_are_missed_if_they_are_not_registered(facts: Facts) -> None:
    for table, entry in facts.register.tables.items():
        removed = dict(entry.classified)
        entry.classified.clear()
        found = "\n".join(each_column_that_is_read_has_a_class(replace(facts)))
        entry.classified.update(removed)
        missed = [column for column in removed if f"{column} has no class" not in found]
        assert missed == [], table


def test_personal_values_that_are_passed_on_are_values_of_the_feeds(
    facts: Facts, built: Workspace
) -> None:
    """An independent look at the lineage: the rows. Nothing personal is in a table that is not in one of the columns from which it is said to come."""
    columns = [
        read
        for read in Inheritance(facts.manifest, facts.register, facts.lineage).columns
        if read.classification == "personal"
        and read.trace.is_passed_on
        and read.column.relation.startswith("marts.")
    ]
    assert len(columns) > 20
    for read in columns:
        sources = " union all ".join(
            _values(source, built)
            for source in read.trace.sources
            if source.name not in LOADER_COLUMNS
        )
        other = built.warehouse.query(
            f'select cast("{read.column.name}" as varchar) from {read.column.relation} except ({sources})'
        )
        assert {value for (value,) in other} - CONSTANTS <= {None}, read.column


def _values(column: Column, built: Workspace) -> str:
    files = f"{built.lake}/{column.relation.replace('.', '/')}/*/*.parquet"
    return f"select cast(\"{column.name}\" as varchar) from read_parquet('{files}')"


def test_commands_of_the_page_do_what_it_says(
    target: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    block = re.search(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)
    assert block
    compiled, *commands = block[1].splitlines()
    assert compiled.startswith("dbt compile")
    _enter(target, monkeypatch)
    shown = [
        CliRunner().invoke(
            app,
            command.partition(" > ")[0].replace(" contracts", f" {tmp_path}/contracts").split()[3:],
        )
        for command in commands
    ]
    assert [done.exit_code for done in shown] == [0, 0, 0, 0]
    check, lineage, table, written = (done.stdout for done in shown)
    assert "0 violations" in check
    assert re.search(
        r"marts\.dim_customer\.tax_id +personal .*crm\.customer_mgmt\.c_tax_id", lineage
    )
    assert table.splitlines()[0].startswith("column,class,origin,owner,purpose,legal_basis,kept")
    assert "marts.dim_customer.tax_id,personal,declared in the model," in table
    assert f"{tmp_path}/contracts/marts.odcs.yaml" in written


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_contracts_of_this_project_are_compared_with_those_of_a_commit(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "python -m scripts.govern check --against main" in PAGE
    before, now = Declared.at("HEAD"), Declared.here()
    assert len(now.contracts) > 60
    _enter(target, monkeypatch)
    compared = CliRunner().invoke(app, ["check", "--against", "HEAD"])
    silent = unannounced(list(differences(before, now)), (ROOT / "CHANGELOG.md").read_text())
    assert compared.exit_code == (1 if silent else 0), compared.output
    assert f"{len(list(differences(before, now)))} changes since HEAD" in compared.stdout
    unknown = CliRunner().invoke(app, ["check", "--against", "no-such-branch"])
    assert unknown.exit_code == 2
    assert "Git has no contracts at no-such-branch" in unknown.stderr


def test_a_column_that_goes_affects_exposures_and_metrics_of_this_project() -> None:
    change = Change("marts.rpt_trades", "commission_amount", "is gone", is_breaking=True)
    affected = Declared.here().affected(change)
    assert {"metric commission_income", "metric trading_revenue"} <= set(affected)
    assert "metric clients" not in affected
    gone = Change("marts.dim_customer", "", "is gone", is_breaking=True)
    assert "exposure client_service_desk (Head of client service)" in Declared.here().affected(gone)


def test_a_table_that_nobody_reads_is_refused(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enter(target, monkeypatch)
    unknown = CliRunner().invoke(app, ["report", "--table", "marts.nothing"])
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "nobody reads a table marts.nothing" in unknown.stderr


def test_what_was_not_compiled_is_refused_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enter(tmp_path, monkeypatch)
    missing = CliRunner().invoke(app, ["check"])
    assert missing.exit_code == 2
    assert "run `dbt compile" in missing.stderr


def test_planted_values_are_found_and_others_are_not(facts: Facts, built: Workspace) -> None:
    """Recall and precision, value by value: personal values as they come from the sources, alone and within a text, among all texts that are not personal."""
    reads = {read.column: read for read in facts.columns}
    names = [
        column
        for column, read in reads.items()
        if read.personal == "name" and column.relation == "marts.dim_customer"
    ]
    planted = {
        "tax number": _texts(built, "marts.dim_customer", "tax_id"),
        "e-mail": _texts(built, "marts.dim_customer", "email1"),
        "phone": [
            *_texts(built, "marts.dim_customer", "phone1"),
            *_texts(built, "marts.prospects", "phone"),
        ],
        "name": [
            name for name in _texts(built, "marts.dim_customer", "last_name") if len(name) > 3
        ],
        "card number": [_card(number) for number in range(500)],
    }
    known = {name.casefold() for column in names for name in _texts(built, *_place(column))}
    words = {word for word in known if len(word) > 3}
    others = [
        text
        for column, read in reads.items()
        if read.may_hide_persons and column.relation.startswith("marts.")
        for text in _texts(built, *_place(column))[:200]
    ]
    assert len(others) > 500
    for kind, values in planted.items():
        assert len(values) > 100, kind
        true = sum(kind in kinds_in(value, words) for value in values)
        false = sum(kind in kinds_in(text, words) for text in others)
        print(f"{kind}: recall {true / len(values):.4f}, precision {true / (true + false):.4f}")
        assert true >= 0.99 * len(values), kind
        assert true >= 0.95 * (true + false), kind


def _place(column: Column) -> tuple[str, str]:
    return column.relation, column.name


def _texts(built: Workspace, table: str, column: str) -> list[str]:
    rows = built.warehouse.query(
        f'select distinct "{column}" from {table} where "{column}" is not null order by 1'
    )
    return [str(value) for (value,) in rows]


def _card(number: int) -> str:
    """A number of a card with its check digit, written in groups."""
    digits = f"4{number * 7919:014d}"
    total = sum(
        sum(divmod(int(digit) * (2 - position % 2), 10))
        for position, digit in enumerate(reversed(digits))
    )
    return re.sub(r"(\d{4})(?!$)", r"\1 ", f"{digits}{-total % 10}")


def test_of_this_warehouse_only_what_is_planted_is_found(
    target: Path, built: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(built.warehouse, DuckDBWarehouse)
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy2(built.warehouse.file, copy)
    _enter(target, monkeypatch)
    monkeypatch.setenv("WAREHOUSE", str(copy))
    with duckdb.connect(str(copy)) as connection:
        connection.execute(
            "update marts.dim_company set description = 'tax number 563-55-9040'"
            " where sk_company_id = (select min(sk_company_id) from marts.dim_company)"
        )
    planted = CliRunner().invoke(app, ["check", "--scan"])
    assert planted.exit_code == 1
    assert "marts.dim_company.description: tax number in 1 of" in planted.stderr
    assert " 1 with personal values" in planted.stdout
    monkeypatch.setenv("WAREHOUSE", str(tmp_path / "nowhere.duckdb"))
    assert CliRunner().invoke(app, ["check", "--scan"]).exit_code == 2


def _enter(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DBT_TARGET_PATH", str(target))
