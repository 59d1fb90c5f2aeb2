"""Somebody counts what readers see while batches are built and published; then the audit has all of its results, on each engine."""

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.postgres_server import PostgresServer
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# Three batches: what the sources and the warehouse tell, and what the second session has seen (checks 129 and 130).
RESULTS, SEEN = 236, {129: 18, 130: 4}


@pytest.mark.parametrize("target", [Target.DUCKDB, Target.POSTGRES])
def test_a_watched_replay_has_every_result_of_the_audit(
    target: Target, postgres: PostgresServer, tmp_path: Path
) -> None:
    generate(Parameters(scale_factor=0.02), tmp_path / "sources", workers=1)
    on_server = target is Target.POSTGRES
    with postgres.new_database() if on_server else nullcontext() as database:
        warehouse = (
            PostgresWarehouse(database) if database else DuckDBWarehouse(tmp_path / "w.duckdb")
        )
        workspace = Workspace(tmp_path, warehouse).with_variables(
            SOURCES=str(tmp_path / "sources"), PUBLISHED=str(tmp_path / "published")
        )
        environment = os.environ | workspace.environment

        def run(*arguments: str) -> None:
            subprocess.run(
                [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, check=True
            )

        watch = subprocess.Popen(
            [sys.executable, "-m", "scripts.publish.watch", "--every", "1"],
            cwd=ROOT,
            env=environment,
        )
        try:
            run("scripts.batches")
        finally:
            watch.send_signal(signal.SIGTERM)
            assert watch.wait() == 0
        run("scripts.load")
        run("scripts.build")
        results = warehouse.query(
            "select check_number, result, count(*) from quality.audit_results group by 1, 2"
        )
    assert {result for _, result, _ in results} == {"OK"}
    assert {number: count for number, _, count in results if number in SEEN} == SEEN
    assert sum(count for *_, count in results) == RESULTS + sum(SEEN.values())
