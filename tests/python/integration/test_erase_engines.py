"""Fifty persons are erased in one pass on each engine, while the process is killed again and again.

pytest -m slow tests/python/integration/test_erase_engines.py
"""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.postgres_server import PostgresServer
from scripts.publish.versions import Versions
from scripts.warehouse.base import Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.integration.erased_persons import (
    changed_rows,
    chosen,
    erased_prospects,
    keys_of,
    occurrences,
)

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CUSTOMERS, PROSPECTS = 40, 10
KILLS = 6
COUNTS = {
    "quality.audit_results",
    "quality.di_messages",
    "quality.int_audit_validations",
    "raw.control__load_log",
}


def run(workspace: Workspace, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=os.environ | workspace.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def kill_at_random(workspace: Workspace, options: list[str], longest: float) -> None:
    """Start the command and kill it after a random time; the one that ends before has to be green."""
    moments = random.Random(5)
    for number in range(KILLS):
        command = [
            sys.executable,
            "-m",
            "scripts.govern",
            "erase",
            *(options if number == 0 else []),
        ]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | workspace.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        journal = workspace.folder / "erasures" / "work.json"
        while number == 0 and not journal.exists() and process.poll() is None:
            time.sleep(0.02)
        time.sleep(moments.uniform(0, longest))
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("target", [Target.DUCKDB, Target.POSTGRES])
def test_fifty_persons_are_erased_although_the_process_is_killed(
    target: Target,
    small_dataset: Path,
    postgres: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if target == Target.DUCKDB:
        check(DuckDBWarehouse(tmp_path / "warehouse.duckdb"), small_dataset, tmp_path, monkeypatch)
    else:
        with PostgresWarehouse.on(postgres) as warehouse:
            check(warehouse, small_dataset, tmp_path, monkeypatch)


def check(
    warehouse: Warehouse, sources: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {
        "SOURCES": str(sources),
        "PUBLISHED": str(folder / "published"),
        "SHARES": str(folder / "shares"),
    }
    workspace = Workspace(folder, warehouse, places)
    for name, value in workspace.environment.items():
        monkeypatch.setenv(name, value)
    for command in (("scripts.load",), ("scripts.build",)):
        done = run(workspace, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    erase_and_compare(workspace)


def erase_and_compare(workspace: Workspace) -> None:
    """Erase persons of a warehouse that is built, and see that nothing of theirs is left and nobody else has changed."""
    warehouse, folder = workspace.warehouse, workspace.folder
    persons = chosen(workspace, CUSTOMERS, PROSPECTS, seed=50)
    before = copied(warehouse)
    kill_at_random(workspace, persons.options, longest=25)
    done = run(workspace, "scripts.govern", "erase")
    has_ended = "name whom to erase" in done.stderr
    assert done.returncode == 0 or has_ended, done.stdout + done.stderr
    (certificate,) = (folder / "erasures" / "certificates").iterdir()
    assert not (folder / "erasures" / "work.json").exists()

    places_of = ("lake", "published", "runs", "logs", "target", "erasures")
    for store in (*(folder / name for name in places_of), warehouse):
        assert list(occurrences(store, persons.values)) == []
    assert list(occurrences(certificate, {*persons.values, *persons.prospects})) == []
    was, now = erased_prospects(before, warehouse)
    keys = keys_of(before, persons.customers, was) | keys_of(warehouse, persons.customers, now)
    for name, rows, _ in changed_rows(before, warehouse):
        if name not in COUNTS:
            assert [row for row in rows if not {*row.split("|")} & keys] == [], name
    if isinstance(warehouse, DuckDBWarehouse):
        assert len(Versions(folder / "published").names()) == 1
        assert list(occurrences(warehouse.file, persons.values)) == []
    else:
        _search_files_of_the_server(warehouse, persons.values)


def copied(warehouse: Warehouse) -> Warehouse:
    """The warehouse as it is now, for comparison."""
    warehouse.save("before")
    if isinstance(warehouse, DuckDBWarehouse):
        return DuckDBWarehouse(warehouse.file.parent / "saved" / "before" / warehouse.file.name)
    assert isinstance(warehouse, PostgresWarehouse)
    database = warehouse.database
    return PostgresWarehouse(replace(database, database=f"{database.database}_before"))


def _search_files_of_the_server(warehouse: Warehouse, values: set[str]) -> None:
    """The files of the database itself, after what is in memory has been written."""
    warehouse.query("checkpoint")
    ((folder, number),) = warehouse.query(
        "select current_setting('data_directory'), oid from pg_database where datname = current_database()"
    )
    files = Path(folder) / "base" / str(number)
    assert any(files.iterdir())
    assert list(occurrences(files, values)) == []
