"""A dataset that comes as files and the same dataset that living systems say give the same lake, and the same warehouse."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from scripts.extract.run import ExtractOptions, extract
from scripts.extract.state import read_extraction
from scripts.live_systems.systems import LiveSystems
from scripts.load.contracts import read_contracts
from scripts.load.run import CONTRACTS_FOLDER, LoadOptions, load
from scripts.warehouse.duckdb_warehouse import IN_MEMORY, DuckDBWarehouse
from scripts.warehouse.fingerprints import LOAD_COLUMNS, Fingerprint
from scripts.warehouse.workspace import Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

# Where a row stands, and in which file, is for each way to say.
_PLACES = ("source_file", "source_row", "record_source")
# The log of the load says how many bytes each file has; a file of the dataset ends its lines in another way.
_LOG = "quality.load_log"
_BATCHES = (1, 2, 3)


@pytest.fixture(scope="module")
def extracted(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The dataset of the built warehouse, as living systems say it, loaded."""
    workspace = Workspace.on_duckdb(tmp_path_factory.mktemp("extracted"))
    with LiveSystems.started(built.sources) as systems, pytest.MonkeyPatch.context() as patch:
        for name, value in systems.environment().items():
            patch.setenv(name, value)
        for batch in _BATCHES:
            systems.deliver(batch)
            day = date.fromisoformat(_batch_date(built.sources, batch))
            assert extract(ExtractOptions(workspace.sources, batch_date=day)).batch == batch
    # It is about the dataset as a whole, and comes with no batch.
    name = "Generator_audit.csv"
    (workspace.sources / name).write_bytes((built.sources / name).read_bytes())
    assert load(LoadOptions(str(workspace.sources), str(workspace.lake))).failures == []
    yield workspace


def _batch_date(sources: Path, batch: int) -> str:
    return (sources / f"Batch{batch}" / "BatchDate.txt").read_text().strip()


def _lake(workspace: Workspace) -> dict[str, Fingerprint]:
    """The fingerprint of each feed of the sources."""
    contracts = read_contracts(CONTRACTS_FOLDER)
    others = {feed.system for apart in contracts.apart for feed in apart.feeds}
    relations = {
        f"{folder.parent.name}.{folder.name}": f"read_parquet('{folder}/*/*.parquet')"
        for folder in sorted({path.parents[1] for path in workspace.lake.glob("*/*/*/*.parquet")})
        if folder.name not in ("load_log", "quarantine") and folder.parent.name not in others
    }
    return DuckDBWarehouse(IN_MEMORY).fingerprints(relations, (*LOAD_COLUMNS, *_PLACES))


def test_the_lake_is_the_same(built: Workspace, extracted: Workspace) -> None:
    found = _lake(extracted)
    assert len(found) == 21
    assert found == _lake(built)


def test_rows_that_were_read_are_rows_that_landed_and_were_quarantined(
    extracted: Workspace,
) -> None:
    log = DuckDBWarehouse(IN_MEMORY).query(
        "select batch_id, system || '.' || feed, sum(rows_read), sum(rows_landed + rows_quarantined), count(*)"
        f" from read_parquet('{extracted.lake}/control/load_log/*/*.parquet')"
        " where status = 'loaded' group by all"
    )
    counted = {(batch, feed): (read, landed, files) for batch, feed, read, landed, files in log}
    compared = 0
    for batch in _BATCHES:
        state = read_extraction(extracted.sources / f"Batch{batch}")
        assert state is not None
        for system in state.systems.values():
            assert system.batch == batch
            for feed, count in system.feeds.items():
                if not count.files:
                    assert (batch, feed) not in counted
                    continue
                read, landed, files = counted[batch, feed]
                assert files == count.files
                assert read == landed
                if count.rows:
                    assert read == count.rows, feed
                if count.system_rows is not None:
                    assert count.system_rows == count.rows, feed
                    compared += 1
    # Snapshots, the list and the stream, in the batches that they come in.
    assert compared == 5 + 3 + 3


@pytest.mark.slow
def test_vault_marts_and_audit_are_the_same(built: Workspace, extracted: Workspace) -> None:
    build = extracted.dbt("--log-level", "warn", "build")
    # The checks of the audit are among its tests.
    assert build.returncode == 0, build.stdout
    ignored = (*LOAD_COLUMNS, *_PLACES)
    expected = built.warehouse.fingerprints(ignored=ignored)
    found = extracted.warehouse.fingerprints(ignored=ignored)
    assert {name for name in expected if found[name] != expected[name]} == {_LOG}
    assert found.keys() == expected.keys()
    audit = "select count(*) from quality.audit_results where result <> 'OK'"
    assert extracted.warehouse.query(audit) == [(0,)]
