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
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.fingerprint import Fingerprint, Postgres
from scripts.load.run import LoadOptions, Target, load
from scripts.postgres_server import PostgresServer

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
DBT = ROOT / ".venv" / "bin" / "dbt"
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
SECONDS_OF_A_BUILD = 15


@dataclass(frozen=True)
class Warehouse:
    """A database with batch 1 built and the others loaded."""

    database: PostgresServer
    folder: Path

    def start(self, *selected: str) -> subprocess.Popen[str]:
        """Start a build, of all models that are looked at unless some are named."""
        environment = os.environ | self.database.environment()
        environment |= {
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DO_NOT_TRACK": "1",
        }
        return subprocess.Popen(
            [DBT, "--log-level", "warn", "run", "--select", *(selected or SELECTED)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def build(self) -> None:
        """Build, and all must go well."""
        process = self.start()
        output, _ = process.communicate(timeout=SECONDS_TO_WAIT)
        assert process.returncode == 0, output

    def query(self, statement: str) -> list[Any]:
        connection = self.database.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                found: list[Any] = cursor.fetchall()
                return found
        finally:
            connection.close()

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
        connection = self.database.connect()
        try:
            tables = Postgres(connection).all_fingerprints()
        finally:
            connection.close()
        return {name: table for name, table in tables.items() if not name.startswith("raw.")}


@dataclass(frozen=True)
class Beginning:
    """The warehouse, and a copy of what it is when a test begins."""

    server: PostgresServer
    warehouse: Warehouse
    copy: PostgresServer

    def restore(self) -> Warehouse:
        """Begin again, in a database of the same name: dbt reads the whole project again when that changes."""
        self.server.replace_database(self.warehouse.database.database, self.copy.database)
        return self.warehouse


@pytest.fixture(scope="module")
def beginning(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Beginning]:
    folder = tmp_path_factory.mktemp("build_postgres")
    generate(Parameters(scale_factor=0.02), folder / "sources", workers=1)
    with postgres.new_database() as database, pytest.MonkeyPatch.context() as patch:
        for name, value in database.environment().items():
            patch.setenv(name, value)
        warehouse = Warehouse(database, folder)
        options = [
            LoadOptions(
                str(folder / "sources"), str(folder / "lake"), batches, target=Target.POSTGRES
            )
            for batches in ((1,), (2, 3))
        ]
        assert load(options[0]).failures == []
        warehouse.build()
        assert load(options[1]).failures == []
        with postgres.new_database(database.database) as copy:
            yield Beginning(postgres, warehouse, copy)


@pytest.fixture
def warehouse(beginning: Beginning) -> Warehouse:
    return beginning.restore()


@pytest.fixture(scope="module")
def expected(beginning: Beginning) -> dict[str, Fingerprint]:
    """After a build that nothing disturbs."""
    warehouse = beginning.restore()
    before = warehouse.fingerprints()
    warehouse.build()
    after = warehouse.fingerprints()
    assert {TABLES[APPENDED], TABLES[REPLACED_ROWS]} <= {
        name for name in after if before[name] != after[name]
    }
    return after


def test_two_builds_of_a_table_at_once_do_not_insert_a_batch_twice(
    expected: dict[str, Fingerprint], warehouse: Warehouse
) -> None:
    with warehouse.locked(APPENDED):
        builds = [warehouse.start(APPENDED), warehouse.start(APPENDED)]
        # One has found the batches missing and wants to insert them; the other must not look before that is done.
        warehouse.wait_for_waiting(1, lock="relation")
        warehouse.wait_for_waiting(1, lock="advisory")
    outputs = [build.communicate(timeout=SECONDS_TO_WAIT)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], outputs
    warehouse.build()
    assert warehouse.fingerprints() == expected


@pytest.mark.parametrize(
    "table",
    [
        REPLACED_ROWS,
        pytest.param(APPENDED, marks=pytest.mark.slow),
        pytest.param(REPLACED, marks=pytest.mark.slow),
    ],
)
def test_a_build_killed_while_it_changes_a_table_leaves_nothing_to_mend(
    expected: dict[str, Fingerprint], warehouse: Warehouse, table: str
) -> None:
    with warehouse.locked(table):
        build = warehouse.start()
        warehouse.wait_for_waiting(1, lock="relation")
        build.kill()
        build.communicate(timeout=SECONDS_TO_WAIT)
    warehouse.build()
    assert warehouse.fingerprints() == expected


@pytest.mark.parametrize(
    "table",
    [
        APPENDED,
        pytest.param(REPLACED_ROWS, marks=pytest.mark.slow),
        pytest.param(REPLACED, marks=pytest.mark.slow),
    ],
)
def test_a_server_that_crashes_while_a_table_changes_leaves_nothing_to_mend(
    expected: dict[str, Fingerprint], warehouse: Warehouse, table: str
) -> None:
    if warehouse.query("select inet_server_addr() <> inet_client_addr()") != [(False,)]:
        pytest.skip("the server runs on another machine: its processes cannot be killed")
    with warehouse.locked(table):
        build = warehouse.start()
        (serving,) = warehouse.wait_for_waiting(1, lock="relation")
        # When one of its processes is killed, the server ends all others at once and recovers from its log.
        os.kill(serving, signal.SIGKILL)
        output, _ = build.communicate(timeout=SECONDS_TO_WAIT)
        assert build.returncode != 0, output
    wait_until_up(warehouse.database)
    warehouse.build()
    assert warehouse.fingerprints() == expected


def test_statistics_that_the_server_gathers_meanwhile_do_not_stop_a_build(
    expected: dict[str, Fingerprint], warehouse: Warehouse
) -> None:
    table = TABLES[APPENDED]
    connection = warehouse.database.connect()
    connection.autocommit = False
    try:
        cursor = connection.cursor()
        # So that the build has a right to give: only then the two have reason to wait for each other.
        cursor.execute(f"revoke select on {table} from brokerage_auditor")
        connection.commit()
        # What autovacuum does: the lock first, the change of the catalog last.
        cursor.execute(f"lock table {table} in share update exclusive mode")
        build = warehouse.start(APPENDED)
        warehouse.wait_for_waiting(1, lock="relation")
        cursor.execute(f"analyze {table}")
        connection.commit()
    finally:
        connection.close()
    output, _ = build.communicate(timeout=SECONDS_TO_WAIT)
    assert build.returncode == 0, output
    warehouse.build()
    assert warehouse.fingerprints() == expected


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
def test_a_build_killed_at_any_moment_leaves_nothing_to_mend(
    expected: dict[str, Fingerprint], warehouse: Warehouse, seed: int
) -> None:
    build = warehouse.start()
    time.sleep(random.Random(seed).uniform(0, SECONDS_OF_A_BUILD))
    build.kill()
    build.communicate(timeout=SECONDS_TO_WAIT)
    warehouse.build()
    assert warehouse.fingerprints() == expected


@pytest.mark.slow
def test_of_two_whole_builds_at_once_one_may_fail_and_the_next_gives_the_right_rows(
    expected: dict[str, Fingerprint], warehouse: Warehouse
) -> None:
    builds = [warehouse.start(), warehouse.start()]
    for build in builds:
        build.communicate(timeout=SECONDS_TO_WAIT)
    warehouse.build()
    assert warehouse.fingerprints() == expected
