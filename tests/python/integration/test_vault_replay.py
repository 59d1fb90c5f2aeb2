"""The raw vault under every order of loading: once, twice, late, all at once, one event at a time.

Each test lands batches of one small generated dataset in a lake, runs the vault after each of them, and
compares fingerprints. The last test is about the one table that is no function of the lake, the snapshot of what was published.
All other layers: test_incremental_heals.py.

    pytest tests/python/integration/test_vault_replay.py
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.dbt import WITHOUT_FILES, Project
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.fingerprints import Fingerprint
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = pytest.mark.integration

MODELS = ("+path:models/raw_vault", "+path:models/business_vault/pits")

MODELS_AND_SEEDS = ("--resource-type", "model", "--resource-type", "seed")


@dataclass
class Vault:
    """A lake and a warehouse that start empty, and a full lake to take batches from."""

    full_lake: Path
    lake: Path
    warehouse: DuckDBWarehouse
    project: Project

    def land(self, batch: int, *, without: tuple[str, ...] = ()) -> None:
        """Land the feeds of a batch, except those named `system/feed`."""
        logs = [f"{feed.replace('/', '__')}.parquet" for feed in without]
        for file in self.full_lake.glob(f"*/*/batch_id={batch}/*.parquet"):
            path = file.relative_to(self.full_lake)
            if str(path.parents[1]) not in without and file.name not in logs:
                target = self.lake / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target)

    def run(self, *arguments: str, select: tuple[str, ...] = MODELS) -> dict[str, str]:
        """Run the models; returns the messages of those that failed, by name."""
        run = self.project.run(
            "build", *MODELS_AND_SEEDS, *WITHOUT_FILES, *arguments, "--select", *select
        )
        assert run.outcome.result is not None, run.problem
        return {node.name: node.message for node in run.nodes if node.status == "error"}

    def fingerprints(self) -> dict[str, Fingerprint]:
        """Of every table and timeline of the vault and of every PIT."""
        return self._fingerprints("true", "table_schema = 'raw_vault' or table_name like 'pit_%'")

    def start_again(self, name: str) -> None:
        """An empty warehouse for the same lake, in a folder of its own; its file keeps the name that the parsed project has."""
        file = self.warehouse.file.parent / name / self.warehouse.file.name
        file.parent.mkdir()
        self.warehouse = DuckDBWarehouse(file)
        os.environ["WAREHOUSE"] = str(file)

    def rows_up_to(self, batch: int) -> dict[str, Fingerprint]:
        """Fingerprints of the rows that each table has from this and earlier batches, all columns."""
        return self._fingerprints(
            f"batch_id <= {batch}",
            "table_schema = 'raw_vault' and table_type = 'BASE TABLE'",
        )

    def _fingerprints(self, condition: str, tables: str) -> dict[str, Fingerprint]:
        found = self.warehouse.query(
            f"select table_schema, table_name from information_schema.tables where {tables}"
        )
        relations = {
            name: f"(select * from {schema}.{name} where {condition}) as chosen"
            for schema, name in found
        }
        return self.warehouse.fingerprints(relations, ignored=())

    def column(self, sql: str) -> list[object]:
        """The first column of a query."""
        return [row[0] for row in self.warehouse.query(sql)]


@pytest.fixture(scope="module")
def full_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All batches of a small dataset, loaded one after the other."""
    folder = tmp_path_factory.mktemp("dataset")
    generate(Parameters(scale_factor=0.02), folder / "sources", workers=1)
    for batch in (1, 2, 3):
        options = LoadOptions(str(folder / "sources"), str(folder / "lake"), batches=(batch,))
        assert load(options).failures == []
    return folder / "lake"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One folder and one environment for all runs, because dbt reads the project again when they change."""
    folder = tmp_path_factory.mktemp("vault")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        workspace = Workspace.on_duckdb(folder)
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        yield workspace


@pytest.fixture(scope="module")
def project(workspace: Workspace) -> Project:
    return Project()


@pytest.fixture
def vault(
    full_lake: Path,
    workspace: Workspace,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Vault:
    """An empty vault."""
    shutil.rmtree(workspace.lake, ignore_errors=True)
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    vault = Vault(full_lake, workspace.lake, warehouse, project)
    monkeypatch.setenv("WAREHOUSE", str(warehouse.file))
    vault.land(0)
    return vault


@pytest.fixture(scope="module")
def expected(
    full_lake: Path,
    workspace: Workspace,
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Fingerprint]:
    """The vault after batches 1, 2 and 3, all at once."""
    shutil.rmtree(workspace.lake, ignore_errors=True)
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("expected") / "warehouse.duckdb")
    vault = Vault(full_lake, workspace.lake, warehouse, project)
    vault.land(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE", str(warehouse.file))
        for batch in (1, 2, 3):
            vault.land(batch)
        assert vault.run() == {}
    fingerprints = vault.fingerprints()
    empty = {name for name, (rows, _) in fingerprints.items() if rows == 0}
    assert empty == set(), "a table without rows proves nothing"
    return fingerprints


def test_each_batch_run_twice_gives_the_rows_of_all_at_once_and_leaves_those_of_earlier_ones(
    vault: Vault, expected: dict[str, Fingerprint]
) -> None:
    then: dict[int, dict[str, Fingerprint]] = {}
    for batch in (1, 2, 3):
        vault.land(batch)
        assert vault.run() == {}
        once = vault.fingerprints()
        assert vault.run() == {}
        assert vault.fingerprints() == once
        then[batch] = vault.rows_up_to(batch)
        assert {earlier: vault.rows_up_to(earlier) for earlier in then} == then
    assert vault.fingerprints() == expected


# The random sequences of test_incremental_heals.py come across such orders too.
@pytest.mark.slow
@pytest.mark.parametrize("order", [(1, 3, 2), (3, 2, 1)], ids=str)
def test_a_late_batch_gives_the_same_history(
    vault: Vault, expected: dict[str, Fingerprint], order: tuple[int, ...]
) -> None:
    for batch in order:
        vault.land(batch)
        assert vault.run() == {}
    assert vault.fingerprints() == expected


def test_a_late_batch_is_refused_if_the_lake_has_lost_what_must_be_compared_with_it(
    vault: Vault,
) -> None:
    for batch in (1, 3):
        vault.land(batch)
        assert vault.run() == {}
    shutil.rmtree(vault.lake / "prospect" / "prospect" / "batch_id=1")
    (vault.lake / "control" / "load_log" / "batch_id=1" / "prospect__prospect.parquet").unlink()
    before = vault.fingerprints()
    vault.land(2)
    refused = vault.run(select=("sat_prospect__prospect", "sts_prospect__prospect"))
    assert set(refused) == {"sat_prospect__prospect", "sts_prospect__prospect"}
    for message in refused.values():
        assert "batch 2 of prospect.prospect came late" in message
        assert "the lake no longer holds batch 1 of prospect.prospect" in message
        assert "dbt build --full-refresh" in message
    now = vault.fingerprints()
    for name in refused:
        assert now[name] == before[name]


@pytest.mark.slow
def test_a_feed_that_lands_after_the_others_of_its_batch_is_not_lost(
    vault: Vault, expected: dict[str, Fingerprint]
) -> None:
    vault.land(1)
    assert vault.run() == {}
    vault.land(2, without=("brokerage/trade", "brokerage/customer"))
    vault.land(3)
    assert vault.run() == {}
    vault.land(2)
    assert vault.run() == {}
    assert vault.fingerprints() == expected


EVENT_TIMELINES = ("timeline_security__finwire", "timeline_security_company__finwire")


def _land_events(vault: Vault, batches: dict[int, list[int]]) -> None:
    """Write newswire records about the most published securities into batches, by their order in time."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create table events as
            select * exclude (batch_id), row_number() over (order by pts, source_file, source_row) as event
            from read_parquet('{vault.full_lake}/finwire/record/batch_id=1/*.parquet')
            where symbol in (
                select symbol from read_parquet('{vault.full_lake}/finwire/record/batch_id=1/*.parquet')
                where rec_type = 'SEC' group by symbol having count(*) > 1 order by symbol limit 3)
            order by event limit 6
            """
        )
        for batch, events in batches.items():
            record = vault.lake / "finwire" / "record" / f"batch_id={batch}"
            date = vault.lake / "control" / "batch_date" / f"batch_id={batch}"
            log = vault.lake / "control" / "load_log" / f"batch_id={batch}"
            for folder in (record, date, log):
                folder.mkdir(parents=True)
            connection.execute(
                f"copy (select * exclude (event) from events where list_contains({events}, event))"
                f" to '{record}/record.parquet'"
            )
            connection.execute(
                f"copy (select date '2026-01-01' + {batch} as batch_date, 'BatchDate.txt' as source_file,"
                f" 1::bigint as source_row, timestamp '2026-01-01' as loaded_at)"
                f" to '{date}/batch_date.parquet'"
            )
            for system, feed in (("finwire", "record"), ("control", "batch_date")):
                connection.execute(
                    f"copy (select * replace ({batch}::integer as batch_id, '{system}' as system, '{feed}' as feed)"
                    f" from read_parquet('{vault.full_lake}/control/load_log/batch_id=1/{system}__{feed}.parquet'))"
                    f" to '{log}/{system}__{feed}.parquet'"
                )


def _versions(vault: Vault) -> dict[str, list[object]]:
    return {
        name: vault.column(
            "select versions::varchar from"
            f" (select * exclude (batch_id, record_source, loaded_at) from raw_vault.{name}) as versions"
            " order by 1"
        )
        for name in EVENT_TIMELINES
    }


def test_one_event_per_batch_gives_the_same_versions_in_any_order(vault: Vault) -> None:
    select = tuple(f"+{name}" for name in EVENT_TIMELINES)
    _land_events(vault, {1: [1, 2, 3, 4, 5, 6]})
    assert vault.run(select=select) == {}
    together = _versions(vault)
    assert len(together[EVENT_TIMELINES[0]]) > 3, "no security has a second version"
    for order in ((4, 6, 2, 5, 1, 3), (6, 5, 4, 3, 2, 1)):
        shutil.rmtree(vault.lake / "finwire")
        shutil.rmtree(vault.lake / "control")
        vault.land(0)
        vault.start_again(f"from_{order[0]}")
        for event in order:
            _land_events(vault, {event: [event]})
            assert vault.run(select=select) == {}
        assert _versions(vault) == together


# Of each prospect: its tags, and whether it is in the list of the day.
Prospects = dict[str, tuple[str | None, bool]]


def _publish(vault: Vault, prospects: Prospects) -> list[tuple[object, ...]]:
    """Write what the snapshot reads and take it; returns all it holds: key, tags, whether they have ended."""
    with duckdb.connect(str(vault.warehouse.file)) as connection:
        for table, columns in {
            "marts.prospects": "agency_id, false as is_customer, marketing_nameplate, 1 as sk_update_date_id",
            "raw_vault.hub_prospect": "agency_id as prospect_id, agency_id as prospect_hk",
            "business_vault.bv_prospect__history": "agency_id as prospect_hk, true as is_current, is_listed",
        }.items():
            connection.execute(f"create schema if not exists {table.partition('.')[0]}")
            rows = ", ".join("(?, ?, ?)" for _ in prospects)
            connection.execute(
                f"create or replace table {table} as select {columns}"
                f" from (values {rows}) as list (agency_id, marketing_nameplate, is_listed)",
                [value for key, rest in prospects.items() for value in (key, *rest)],
            )
    vault.project.run("snapshot", "--select", "prospects_published").ensure_green()
    return vault.warehouse.query(
        "select agency_id, marketing_nameplate, published_to is not null"
        " from snapshots.prospects_published order by agency_id, published_from"
    )


def test_the_snapshot_keeps_what_was_published_whatever_becomes_of_it(vault: Vault) -> None:
    first: Prospects = {"A": ("Boomer", True), "B": ("Spender", True), "C": (None, True)}
    published = [("A", "Boomer", False), ("B", "Spender", False), ("C", None, False)]
    assert _publish(vault, first) == published
    assert _publish(vault, first) == published, "the same list again is no news"
    # A has other tags, B left.
    assert _publish(vault, {**first, "A": ("HighValue", True), "B": ("Spender", False)}) == [
        ("A", "Boomer", True),
        ("A", "HighValue", False),
        ("B", "Spender", True),
        ("C", None, False),
    ]
    # B came back, C has a tag for the first time.
    assert _publish(vault, {**first, "A": ("HighValue", True), "C": ("Boomer", True)}) == [
        ("A", "Boomer", True),
        ("A", "HighValue", False),
        ("B", "Spender", True),
        ("B", "Spender", False),
        ("C", None, True),
        ("C", "Boomer", False),
    ]
