"""A build on Postgres may be started twice, killed, or lose its server: the next one makes the right rows.

Each test gets a database in which batch 1 is built and batches 2 and 3 are loaded. A lock on one table holds a build at a moment that is
worth it: in the middle of the transaction that changes this table.

    pytest tests/python/integration/test_build_postgres.py
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.postgres_server import PostgresServer
from scripts.warehouse.fingerprints import Fingerprint
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import Workspace

pytestmark = pytest.mark.integration

# A table that grows, one of which rows are replaced, one that is replaced as a whole, and the views below them.
APPENDED, REPLACED_ROWS, REPLACED = "nhl_trade", "bv_trade__life_cycle", "dim_date"
TABLES = {
    APPENDED: "raw_vault.nhl_trade",
    REPLACED_ROWS: "business_vault.bv_trade__life_cycle",
    REPLACED: "marts.dim_date",
}
SELECTED = (f"+{REPLACED_ROWS}", f"+{REPLACED}")
# A limit for what never comes, not for a slow machine.
SECONDS_TO_WAIT = 900
RANDOM_KILLS = 10
BEGINNING = "beginning"
SECONDS_OF_A_BUILD = 15


@dataclass(frozen=True)
class Site:
    """A database with batch 1 built and the others loaded."""

    workspace: Workspace
    database: PostgresServer

    def start(self, *selected: str) -> subprocess.Popen[str]:
        """Start a build, of all models that are looked at unless some are named."""
        return self.workspace.start_dbt(
            "--log-level", "warn", "run", "--select", *(selected or SELECTED)
        )

    def build(self) -> None:
        """Build, and all must go well."""
        process = self.start()
        output, _ = process.communicate(timeout=SECONDS_TO_WAIT)
        assert process.returncode == 0, output

    def query(self, statement: str) -> list[Any]:
        return self.workspace.warehouse.query(statement)

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Others may read the table and not write it."""
        connection = self.database.connect()
        connection.autocommit = False
        try:
            connection.cursor().execute(f"lock table {TABLES[table]} in share mode")
            yield
        finally:
            connection.close()

    def wait_for_waiting(self, count: int, *, lock: str) -> list[int]:
        """Wait until so many sessions wait for a lock of this kind; returns their process ids."""
        deadline = time.monotonic() + SECONDS_TO_WAIT
        while time.monotonic() < deadline:
            waiting = self.query(
                f"select pid from pg_locks where not granted and locktype = '{lock}'"
                " and database = (select oid from pg_database where datname = current_database())"
            )
            if len(waiting) == count:
                return [pid for (pid,) in waiting]
            time.sleep(0.05)
        raise TimeoutError(f"no {count} sessions wait for a lock of kind {lock}")

    def fingerprints(self) -> dict[str, Fingerprint]:
        tables = self.workspace.warehouse.fingerprints()
        return {name: table for name, table in tables.items() if not name.startswith("raw.")}

    def restore(self) -> None:
        """Begin again, in a database of the same name: dbt reads the whole project again when that changes."""
        self.workspace.warehouse.restore(BEGINNING)


@pytest.fixture(scope="module")
def beginning(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with PostgresWarehouse.on(postgres) as warehouse, pytest.MonkeyPatch.context() as patch:
        workspace = Workspace(tmp_path_factory.mktemp("build_postgres"), warehouse)
        generate(Parameters(scale_factor=0.02), workspace.sources, workers=1)
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        site = Site(workspace, warehouse.database)
        folders = str(workspace.sources), str(workspace.lake)
        assert load(LoadOptions(*folders, (1,), target=Target.POSTGRES)).failures == []
        site.build()
        assert load(LoadOptions(*folders, (2, 3), target=Target.POSTGRES)).failures == []
        warehouse.save(BEGINNING)
        yield site


@pytest.fixture
def site(beginning: Site) -> Site:
    beginning.restore()
    return beginning


@pytest.fixture(scope="module")
def expected(beginning: Site) -> dict[str, Fingerprint]:
    """After a build that nothing disturbs."""
    beginning.restore()
    before = beginning.fingerprints()
    beginning.build()
    after = beginning.fingerprints()
    assert {TABLES[APPENDED], TABLES[REPLACED_ROWS]} <= {
        name for name in after if before[name] != after[name]
    }
    return after


def test_two_builds_of_a_table_at_once_do_not_insert_a_batch_twice(
    expected: dict[str, Fingerprint], site: Site
) -> None:
    with site.locked(APPENDED):
        builds = [site.start(APPENDED), site.start(APPENDED)]
        # One has found the batches missing and wants to insert them; the other must not look before that is done.
        site.wait_for_waiting(1, lock="relation")
        site.wait_for_waiting(1, lock="advisory")
    outputs = [build.communicate(timeout=SECONDS_TO_WAIT)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], outputs
    site.build()
    assert site.fingerprints() == expected


@pytest.mark.parametrize(
    "table",
    [
        REPLACED_ROWS,
        pytest.param(APPENDED, marks=pytest.mark.slow),
        pytest.param(REPLACED, marks=pytest.mark.slow),
    ],
)
def test_a_build_killed_while_it_changes_a_table_leaves_nothing_to_repair(
    expected: dict[str, Fingerprint], site: Site, table: str
) -> None:
    with site.locked(table):
        build = site.start()
        site.wait_for_waiting(1, lock="relation")
        build.kill()
        build.communicate(timeout=SECONDS_TO_WAIT)
    site.build()
    assert site.fingerprints() == expected


@pytest.mark.parametrize(
    "table",
    [
        APPENDED,
        pytest.param(REPLACED_ROWS, marks=pytest.mark.slow),
        pytest.param(REPLACED, marks=pytest.mark.slow),
    ],
)
def test_a_server_that_crashes_while_a_table_changes_leaves_nothing_to_repair(
    expected: dict[str, Fingerprint], site: Site, table: str
) -> None:
    if site.query("select inet_server_addr() <> inet_client_addr()") != [(False,)]:
        pytest.skip("the server runs on another machine: its processes cannot be killed")
    with site.locked(table):
        build = site.start()
        (serving,) = site.wait_for_waiting(1, lock="relation")
        # When one of its processes is killed, the server ends all others at once and recovers from its log.
        os.kill(serving, signal.SIGKILL)
        output, _ = build.communicate(timeout=SECONDS_TO_WAIT)
        assert build.returncode != 0, output
    wait_until_up(site.database)
    site.build()
    assert site.fingerprints() == expected


@pytest.mark.slow
def test_statistics_that_the_server_gathers_meanwhile_do_not_stop_a_build(
    expected: dict[str, Fingerprint], site: Site
) -> None:
    table = TABLES[APPENDED]
    connection = site.database.connect()
    connection.autocommit = False
    try:
        cursor = connection.cursor()
        # So that the build has a right to give: only then the two have reason to wait for each other.
        cursor.execute(f"revoke select on {table} from brokerage_auditor")
        connection.commit()
        # What autovacuum does: the lock first, the change of the catalog last.
        cursor.execute(f"lock table {table} in share update exclusive mode")
        build = site.start(APPENDED)
        site.wait_for_waiting(1, lock="relation")
        cursor.execute(f"analyze {table}")
        connection.commit()
    finally:
        connection.close()
    output, _ = build.communicate(timeout=SECONDS_TO_WAIT)
    assert build.returncode == 0, output
    site.build()
    assert site.fingerprints() == expected


def wait_until_up(database: PostgresServer) -> None:
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while True:
        try:
            return database.connect().close()
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(RANDOM_KILLS))
def test_a_build_killed_at_any_moment_leaves_nothing_to_repair(
    expected: dict[str, Fingerprint], site: Site, seed: int
) -> None:
    build = site.start()
    time.sleep(random.Random(seed).uniform(0, SECONDS_OF_A_BUILD))
    build.kill()
    build.communicate(timeout=SECONDS_TO_WAIT)
    site.build()
    assert site.fingerprints() == expected


@pytest.mark.slow
def test_of_two_whole_builds_at_once_one_may_fail_and_the_next_gives_the_right_rows(
    expected: dict[str, Fingerprint], site: Site
) -> None:
    builds = [site.start(), site.start()]
    for build in builds:
        build.communicate(timeout=SECONDS_TO_WAIT)
    site.build()
    assert site.fingerprints() == expected
