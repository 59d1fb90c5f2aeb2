"""A real warehouse, published: auditors have its rows, analysts have them masked, and the second session of the audit counts them."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from scripts.history.records import VisibleRows, read_records
from scripts.publish import watch
from scripts.publish.tables import Reader, published_tables
from scripts.publish.versions import Versions
from scripts.warehouse.dbt import Project
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]


@pytest.fixture(scope="module")
def published(published_workspace: Workspace) -> Iterator[SimpleNamespace]:
    """The built warehouse, and what is published of it."""
    folder = Path(published_workspace.environment["PUBLISHED"])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in published_workspace.environment.items():
            patch.setenv(name, value)
        yield SimpleNamespace(
            warehouse=published_workspace.warehouse,
            tables=published_tables(Project().manifest),
            manifest=Versions(folder).current(),
            files={
                reader: DuckDBWarehouse(folder / "current" / f"{reader}.duckdb")
                for reader in Reader
            },
        )


def test_auditors_have_the_rows_of_the_warehouse(published: SimpleNamespace) -> None:
    copied = {table.name: table.name for table in published.tables if not table.is_view}
    assert {"marts.dim_customer", "quality.load_log", "quality.audit_checks"} <= copied.keys()
    assert "snapshots.prospects_published" in copied
    rows = published.files[Reader.AUDITOR].fingerprints(copied)
    assert rows == published.warehouse.fingerprints(copied)


def test_analysts_have_the_same_rows_except_masked_columns(published: SimpleNamespace) -> None:
    shared = {table.name: table.name for table in published.tables if not table.masks}
    views = {table.name for table in published.tables if table.is_view}
    # Those over personal columns say that masks do not change their rows: here it is proven.
    metrics = ("account_months", "customer_months", "months", "prospects", "trades")
    assert views == {
        "marts.rpt_daily_positions",
        "quality.batch_summary",
        *(f"marts.rpt_{name}" for name in metrics),
    }
    assert views <= shared.keys()
    own = {table.name: table.name for table in published.tables if table.is_read_by(Reader.ANALYST)}
    analyst, auditor = published.files[Reader.ANALYST], published.files[Reader.AUDITOR]
    shared = {name: name for name in shared.keys() & own.keys()}
    assert analyst.fingerprints(shared) == auditor.fingerprints(shared)
    masked = [table for table in published.tables if table.masks]
    assert len(masked) >= 7
    for table in masked:
        shown = [name for name in table.masks if table.masks[name].startswith("cast(null")]
        some = " or ".join(f'"{name}" is not null' for name in shown) or "false"
        assert analyst.query(f"select count(*) from {table.name} where {some}") == [(0,)]
        assert analyst.columns(table.name) == auditor.columns(table.name)
    ages = "select count(*), count(distinct dob), count(*) filter (dayofyear(dob) > 1) from marts.dim_customer"
    ((customers, years, days),) = analyst.query(ages)
    assert customers > years > 1
    assert days == 0


def test_the_manifest_lists_what_the_files_hold(published: SimpleNamespace) -> None:
    tables = published.manifest.tables
    analyst = {name: name for name, table in tables.items() if table.fingerprint}
    found = published.files[Reader.ANALYST].fingerprints(analyst)
    assert {name: tuple(found[name]) for name in analyst} == {
        name: (tables[name].rows, tables[name].fingerprint) for name in analyst
    }
    assert len(analyst) > 25


def test_the_second_session_counts_what_readers_see(published: SimpleNamespace) -> None:
    app = watch.typer.Typer()
    app.command()(watch.main)
    done = CliRunner().invoke(app, ["--every", "0", "--looks", "2"])
    assert (done.exit_code, done.output) == (0, "")
    seen = list(read_records(Path(os.environ["RUNS"]), VisibleRows))
    assert len(seen) == 18
    assert {(record.version, record.batch_id) for record in seen} == {
        (published.manifest.version, 3)
    }
    trades = published.manifest.tables["marts.dim_trade"].rows
    assert [record.row_count for record in seen if record.table_name == "DimTrade"] == [trades]
    facts = [record for record in seen if record.joined_row_count is not None]
    assert len(facts) == 4
    assert all(record.joined_row_count == record.row_count > 0 for record in facts)
