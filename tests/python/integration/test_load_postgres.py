"""The loader's copy of the lake on a real Postgres: the same rows, whatever goes wrong on the way."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
import typer
from printed_server import read_printed_server
from typer.testing import CliRunner

from scripts.fingerprint import fingerprint_lake
from scripts.load import connection, run
from scripts.load.__main__ import main
from scripts.load.contracts import read_contracts
from scripts.load.lake import Lake
from scripts.load.postgres import Copied, copy_lake
from scripts.postgres_server import PostgresServer
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import PostgresError, Target
from tests.python.lake import query_lake

ROOT = Path(__file__).parents[3]
CONTRACTS = read_contracts(run.CONTRACTS_FOLDER)
TABLES = ["control.load_log", "control.quarantine", *(feed.label for feed in CONTRACTS.feeds)]
SEED = 20_261_121

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def landed(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that holds all of the small dataset; do not change it, copy it."""
    lake = tmp_path_factory.mktemp("landed") / "lake"
    assert run.load(run.LoadOptions(str(small_dataset), str(lake))).failures == []
    return lake


@pytest.fixture
def lake(landed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(landed, tmp_path / "lake"))


@pytest.fixture
def database(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """An empty database, which the environment names."""
    with postgres.new_database() as database:
        enter(database, monkeypatch)
        yield database


def enter(database: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)


def copy(sources: Path, lake: Path, *feeds: str, batches: tuple[int, ...] = ()) -> list[Copied]:
    """Load into the lake and Postgres, in this process."""
    options = run.LoadOptions(
        str(sources), str(lake), batches, feeds, target=Target.POSTGRES, workers=1
    )
    result = run.load(options)
    assert result.failures == []
    return result.copied


def command(sources: Path, lake: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and last line of what the command line says, in this process."""
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(
        app, ["--sources", str(sources), "--lake", str(lake), "--target", "postgres", *arguments]
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr.strip()


def start(sources: Path, lake: Path, *arguments: str) -> subprocess.Popen[str]:
    """A load of its own, of the database that the environment names."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.load", "--sources", sources, "--lake", lake, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def query(database: PostgresServer, statement: str) -> list[tuple]:
    """The rows of a statement, if it has any."""
    return PostgresWarehouse(database).query(statement)


def table_of(label: str) -> str:
    return "raw." + label.replace(".", "__")


def differences(lake: Path, database: PostgresServer, *systems: str) -> list[str]:
    """The tables, of some systems or of all, that hold other rows in Postgres than in the lake."""
    in_lake = fingerprint_lake(lake)
    labels = [label for label in TABLES if not systems or label.partition(".")[0] in systems]
    in_postgres = PostgresWarehouse(database).fingerprints(
        {label: table_of(label) for label in labels}
    )
    return [label for label in labels if in_postgres[label] != in_lake[label]]


def notes(database: PostgresServer) -> list[tuple]:
    return query(database, "select * from raw.copied_batch order by system, feed, batch_id")


def row_versions(database: PostgresServer, label: str, batch: int) -> list[tuple]:
    """Place and transaction of every row: what is written again, even alike, gets new ones."""
    return query(
        database,
        f"select ctid, xmin from {table_of(label)} where batch_id = {batch} order by ctid",
    )


def test_postgres_holds_every_row_of_the_lake_with_its_types(
    small_dataset: Path, lake: Path, database: PostgresServer
) -> None:
    copied = copy(small_dataset, lake)
    assert sum(feed.rows for feed in copied) > 200_000
    assert differences(lake, database) == []
    types = dict(
        query(
            database,
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = 'raw.brokerage__trade'::regclass and attnum > 0",
        )
    )
    expected = {"t_id": "bigint", "t_dts": "timestamp without time zone", "t_qty": "integer"}
    expected |= {"t_bid_price": "numeric(8,2)", "t_s_symb": "text", "batch_id": "integer"}
    assert types | expected == types
    # What a fingerprint leaves out.
    files = lake / "brokerage" / "trade" / "*" / "*.parquet"
    load_times = query_lake("select distinct batch_id, loaded_at from read_parquet(?)", files)
    copied_times = query(database, "select distinct batch_id, loaded_at from raw.brokerage__trade")
    assert sorted(copied_times) == sorted(load_times)


def test_a_second_load_copies_nothing(
    small_dataset: Path, lake: Path, database: PostgresServer
) -> None:
    copy(small_dataset, lake, "hr", "brokerage")
    before = notes(database), row_versions(database, "brokerage.trade", 1)
    assert copy(small_dataset, lake, "hr", "brokerage") == []
    assert (notes(database), row_versions(database, "brokerage.trade", 1)) == before


def test_a_load_with_nothing_to_copy_reads_no_footer_of_a_feed(
    small_dataset: Path, lake: Path, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(small_dataset, lake, "hr", "brokerage")
    read: list[str] = []

    def noted(self: Lake, path: str) -> object:
        read.append(path)
        return footer(self, path)

    footer = Lake.footer
    monkeypatch.setattr(Lake, "footer", noted)
    assert copy(small_dataset, lake, "hr", "brokerage") == []
    # The empty tables, and feeds that do not come in a batch.
    assert [path for path in read if "batch_id=0" not in path and Path(path).exists()] == []


def test_every_table_exists_before_its_first_row(
    small_dataset: Path, tmp_path: Path, database: PostgresServer
) -> None:
    copy(small_dataset, tmp_path / "lake", "reference.industry")
    tables = query(database, "select tablename from pg_tables where schemaname = 'raw'")
    wanted = {table_of(label).removeprefix("raw.") for label in TABLES}
    for apart in CONTRACTS.apart:
        wanted |= {f"{apart.logs}__load_log", f"{apart.logs}__quarantine"}
        wanted |= {feed.identifier for feed in apart.feeds}
    assert {name for (name,) in tables} == wanted | {"copied_batch"}
    assert query(database, "select count(*) from raw.brokerage__trade") == [(0,)]


def test_chosen_batches_and_feeds_are_copied_and_no_others(
    small_dataset: Path, lake: Path, database: PostgresServer
) -> None:
    copied = copy(small_dataset, lake, "brokerage", batches=(2,))
    assert {feed.batch for feed in copied} == {2}
    assert {feed.feed.system for feed in copied} == {"brokerage"}
    assert query(database, "select distinct batch_id from raw.brokerage__trade") == [(2,)]


def test_a_changed_file_replaces_its_batch_only(
    small_dataset: Path, lake: Path, tmp_path: Path, database: PostgresServer
) -> None:
    sources = Path(shutil.copytree(small_dataset, tmp_path / "sources"))
    copy(sources, lake, "prospect", "hr")
    before = [row_versions(database, "prospect.prospect", batch) for batch in (1, 2, 3)]
    path = sources / "Batch2" / "Prospect.csv"
    path.write_bytes(path.read_bytes().partition(b"\n")[2])
    (copied,) = copy(sources, lake, "prospect", "hr")
    assert (copied.feed.label, copied.batch) == ("prospect.prospect", 2)
    after = [row_versions(database, "prospect.prospect", batch) for batch in (1, 2, 3)]
    assert len(after[1]) == copied.rows == len(before[1]) - 1
    assert not set(after[1]) & set(before[1])
    assert after[::2] == before[::2]


def test_quarantine_and_failures_come_and_go_with_their_files(
    small_dataset: Path, tmp_path: Path, database: PostgresServer
) -> None:
    sources, lake = tmp_path / "sources", tmp_path / "lake"
    shutil.copytree(small_dataset, sources)
    broken, missing = sources / "Batch1" / "Prospect.csv", sources / "Batch1" / "HR.csv"
    broken.write_bytes(b"no,prospect\n" + broken.read_bytes())
    missing.unlink()
    exit_code, message = command(sources, lake, "--feed", "prospect", "--feed", "hr")
    assert (exit_code, "HR.csv" in message) == (1, True)
    lines = "select raw_text from raw.control__quarantine"
    failures = "select feed from raw.control__load_log where status = 'failed'"
    assert query(database, lines) == [("no,prospect",)]
    assert query(database, failures) == [("employee",)]
    for path in (broken, missing):
        shutil.copy(small_dataset / "Batch1" / path.name, path)
    copy(sources, lake, "prospect", "hr")
    assert query(database, lines) == query(database, failures) == []


@pytest.mark.parametrize("table", ["hr__employee", "control__quarantine"])
def test_a_table_that_its_contract_no_longer_fits_is_created_and_copied_again(
    small_dataset: Path, lake: Path, database: PostgresServer, table: str
) -> None:
    copy(small_dataset, lake, "hr", "prospect")
    query(database, f"alter table raw.{table} rename column batch_id to number")
    query(database, f"create view public.old as select * from raw.{table}")
    copied = copy(small_dataset, lake, "reference.industry")
    assert query(database, "select to_regclass('public.old')") == [(None,)]
    again = {feed.feed.system for feed in copied}
    assert again == {"hr", "reference"} | ({"prospect"} if table.startswith("control") else set())
    assert differences(lake, database, "hr", "prospect") == []


def test_another_lake_is_not_mixed_with_what_is_there(
    small_dataset: Path, lake: Path, tmp_path: Path, database: PostgresServer
) -> None:
    copy(small_dataset, lake, "hr", "prospect")
    before = notes(database)
    exit_code, message = command(small_dataset, tmp_path / "other", "--batch", "1")
    assert exit_code == 2
    assert re.search("holds batch 2 of prospect.prospect, .* does not: set LAKE", message)
    assert notes(database) == before


def wait_for_copy(database: PostgresServer, process: subprocess.Popen[str]) -> int:
    """Wait until the load has begun to copy; returns the server's process that serves it."""
    session = database.connect()
    try:
        cursor = session.cursor()
        while True:
            cursor.execute(
                "select pid from pg_stat_activity where application_name = 'brokerage load'"
                " and datname = current_database() and query like 'COPY%FROM STDIN%'"
            )
            if found := cursor.fetchone():
                return int(found[0])
            assert process.poll() is None, process.stdout and process.stdout.read()
            time.sleep(0.005)
    finally:
        session.close()


# The systems with the most rows; the hundreds of small files would only take time.
LARGE = ("brokerage",)
COPY_LARGE = [part for system in LARGE for part in ("--feed", system)]


def test_a_load_killed_at_any_moment_and_started_again_gives_the_same_rows(
    small_dataset: Path, lake: Path, database: PostgresServer
) -> None:
    draws = random.Random(SEED)
    unfinished = 0
    for moment in (0, draws.uniform(0, 0.5), draws.uniform(0, 0.5)):
        process = start(small_dataset, lake, *COPY_LARGE)
        wait_for_copy(database, process)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        unfinished += bool(copy(small_dataset, lake, *LARGE))
        assert differences(lake, database, *LARGE) == []
        query(database, "drop schema raw cascade")
    assert unfinished > 0


def test_a_load_whose_server_crashes_says_so_and_started_again_gives_the_same_rows(
    small_dataset: Path, lake: Path, database: PostgresServer
) -> None:
    if query(database, "select inet_server_addr() <> inet_client_addr()") != [(False,)]:
        pytest.skip("the server runs on another machine: its processes cannot be killed")
    process = start(small_dataset, lake, *COPY_LARGE)
    serving = wait_for_copy(database, process)
    # When one of its processes is killed, the server ends all others at once and recovers from its log.
    os.kill(serving, signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert re.search(
        r"was not copied: .*: the connection was lost \(.*; when the server is back", output
    )
    wait_until_up(database)
    held = notes(database)
    assert copy(small_dataset, lake, *LARGE) != []
    assert set(held) <= set(notes(database))
    assert differences(lake, database, *LARGE) == []


def wait_until_up(database: PostgresServer) -> None:
    while True:
        try:
            return database.connect().close()
        except psycopg2.OperationalError:
            time.sleep(0.02)


def test_of_two_loads_at_once_one_is_refused_and_the_rows_are_right(
    small_dataset: Path,
    lake: Path,
    tmp_path: Path,
    database: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "LOCK_SECONDS", 1)
    # Two lakes, or else the lock of the lake would do.
    twin = Path(shutil.copytree(lake, tmp_path / "twin"))
    first = start(small_dataset, lake, *COPY_LARGE)
    wait_for_copy(database, first)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        exit_code, message = command(small_dataset, twin, "--feed", "hr")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    output, _ = first.communicate(timeout=120)
    assert first.returncode == 0, output
    assert exit_code == 2
    assert message.endswith(f"another load is writing to {database.label}; wait for it to end")
    assert differences(lake, database, *LARGE) == []
    assert query(database, "select count(*) from raw.hr__employee") == [(0,)]


def refused(sources: Path, lake: Path, *arguments: str) -> str:
    """The one line with which a load that cannot work ends; the exit code is 2."""
    exit_code, message = command(sources, lake, "--feed", "hr", *arguments)
    assert exit_code == 2
    assert message.count("\n") == 0
    assert message.startswith("load: ")
    return message


def test_a_server_that_is_not_there_is_named(
    small_dataset: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("PGHOST", "127.0.0.1")
        monkeypatch.setenv("PGPORT", str(port))
        message = refused(small_dataset, lake)
    assert (
        f"127.0.0.1:{port}: Connection refused; start the server, or set PGHOST and PGPORT"
        in message
    )


def test_a_port_that_is_no_number_is_named(
    small_dataset: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "postgres")
    assert "PGPORT=postgres: not a number" in refused(small_dataset, lake)


def test_a_wrong_password_is_named(
    small_dataset: Path, lake: Path, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    query(database, "create role stranger login password 'known'")
    try:
        monkeypatch.setenv("PGUSER", "stranger")
        monkeypatch.setenv("PGPASSWORD", "wrong")
        message = refused(small_dataset, lake)
    finally:
        query(database, "drop role stranger")
    if "password" not in message:
        pytest.skip("the server asks for no password")
    assert (
        'password authentication failed for user "stranger"; set PGUSER and PGPASSWORD' in message
    )
    assert "wrong" not in message


def test_a_missing_database_is_named_with_the_command_that_creates_it(
    small_dataset: Path, lake: Path, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATABASE", "nowhere")
    message = refused(small_dataset, lake)
    assert 'database "nowhere" does not exist; create it (createdb -h ' in message
    assert f"-p {database.port} -U {database.user} nowhere), or set PGDATABASE" in message


def test_a_missing_right_is_named_and_nothing_is_copied(
    small_dataset: Path, lake: Path, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = replace(database, user=f"weak_{database.database}", password="weak")
    query(database, f"create role {weak.user} login password '{weak.password}'")
    try:
        enter(weak, monkeypatch)
        right = f"grant {weak.user} the right, or set PGUSER to a user who has it"
        assert "permission denied for database" in refused(small_dataset, lake)
        query(database, "create schema raw")
        assert f"permission denied for schema raw; {right}" in refused(small_dataset, lake)
        query(database, f"grant usage, create on schema raw to {weak.user}")
        enter(database, monkeypatch)
        copy(small_dataset, lake, "reference.industry")
        enter(weak, monkeypatch)
        assert f"permission denied for table copied_batch; {right}" in refused(small_dataset, lake)
        assert query(database, "select count(*) from raw.hr__employee") == [(0,)]
    finally:
        query(database, f"drop owned by {weak.user}; drop role {weak.user}")


def test_a_server_that_is_too_old_is_named(
    small_dataset: Path, lake: Path, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((version,),) = query(database, "select current_setting('server_version_num')::int / 10000")
    monkeypatch.setattr(connection, "MINIMUM_VERSION", version + 1)
    message = refused(small_dataset, lake)
    assert f"is Postgres {version}, {version + 1} or later is needed; upgrade it" in message


def test_a_locked_table_is_named_with_who_locks_it_and_keeps_its_rows(
    small_dataset: Path, lake: Path, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(small_dataset, lake, "hr")
    monkeypatch.setattr(connection, "LOCK_SECONDS", 1)
    session = database.connect()
    session.autocommit = False
    try:
        session.cursor().execute("lock table raw.hr__employee in share mode")
        message = refused(small_dataset, lake, "--force")
        pid = session.info.backend_pid
    finally:
        session.close()
    assert "hr.employee of batch 1 was not copied: another session holds a lock" in message
    assert (
        f"(process {pid}, {database.user}, brokerage warehouse); wait for it to end, or end it"
        in message
    )
    # Its rows are those of the lake; the forced load may have written that again with nothing new.
    copy(small_dataset, lake, "hr")
    assert differences(lake, database, "hr") == []


def test_a_forced_copy_that_a_damaged_file_stops_does_not_stop_later_loads(
    small_dataset: Path, lake: Path, database: PostgresServer
) -> None:
    copy(small_dataset, lake, "hr", "prospect")
    feeds = [feed for feed in CONTRACTS.feeds if feed.system in ("hr", "prospect")]
    (file,) = (lake / "hr" / "employee" / "batch_id=1").glob("*.parquet")
    content = file.read_bytes()
    file.write_bytes(bytes([*content[:10], content[10] ^ 1, *content[11:]]))
    with (
        connection.opened(database) as session,
        pytest.raises(PostgresError, match=r"hr\.employee of batch 1 .* is damaged"),
    ):
        copy_lake(Lake(str(lake)), session, CONTRACTS, feeds, batches=(), force=True)
    with connection.opened(database) as session:
        assert copy_lake(Lake(str(lake)), session, CONTRACTS, feeds, batches=()) == []


def test_force_copies_again_what_is_unchanged(
    small_dataset: Path, lake: Path, database: PostgresServer
) -> None:
    copy(small_dataset, lake, "hr")
    query(database, "delete from raw.hr__employee")
    hr = [feed for feed in CONTRACTS.feeds if feed.system == "hr"]
    with connection.opened(database) as session:
        assert copy_lake(Lake(str(lake)), session, CONTRACTS, hr, batches=()) == []
        (copied,) = copy_lake(Lake(str(lake)), session, CONTRACTS, hr, batches=(), force=True)
    assert copied.feed.label == "hr.employee"
    assert differences(lake, database, "hr") == []


def test_a_driver_that_is_not_installed_is_named(
    small_dataset: Path, lake: Path, database: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    message = refused(small_dataset, lake)
    assert "adbc-driver-postgresql is not installed; run `make .venv/.postgres`" in message


def test_a_damaged_file_of_the_lake_is_named_and_not_copied(
    small_dataset: Path, lake: Path, tmp_path: Path, database: PostgresServer
) -> None:
    # Without its source, the loader cannot repair it.
    later = tmp_path / "later"
    shutil.copytree(small_dataset / "Batch2", later / "Batch2")
    path = lake / "prospect" / "prospect" / "batch_id=1" / "prospect.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    exit_code, message = command(later, lake, "--feed", "prospect")
    assert exit_code == 2
    assert message == (
        f"load: prospect.prospect of batch 1 was not copied: {path} is damaged; load this feed and batch again from its source"
    )
    assert query(database, "select count(*) from raw.prospect__prospect") == [(0,)]
    assert len(copy(small_dataset, lake, "prospect")) == 3
    assert differences(lake, database, "prospect") == []


DISK_MB, BALLAST_MB = 96, 80


@contextmanager
def server_with_a_small_disk(folder: Path) -> Iterator[PostgresServer]:
    """A server that alone sees a disk of its own at the folder; skips the test where none can be mounted."""
    mount = f"mount -t tmpfs -o size={DISK_MB}m,mode=1777 tmpfs {folder}"
    # Who is not root may mount in a name space of his own, and must not be root there to run the server.
    is_root = os.geteuid() == 0
    back = "" if is_root else f"unshare --user --map-user={os.getuid()} --map-group={os.getgid()}"
    unshare = ["unshare", "--mount"] + ([] if is_root else ["--user", "--map-root-user"])
    if subprocess.run([*unshare, "sh", "-c", mount], capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here")
    start_server = f"{mount} && exec {back} {sys.executable} -m scripts.postgres_server"
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("PG")}
    process = subprocess.Popen(
        [*unshare, "sh", "-c", start_server],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield replace(read_printed_server(process), database="postgres")
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_full_disk_is_named_and_what_did_not_fit_comes_with_the_next_load(
    small_dataset: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not below pytest's folder, which the user that runs root's server may not enter.
    with (
        tempfile.TemporaryDirectory() as folder,
        server_with_a_small_disk(Path(folder)) as server,
    ):
        Path(folder).chmod(0o755)
        ballast = f"head -c {BALLAST_MB}M /dev/zero > {folder}/ballast"
        query(server, f"copy (select 1) to program 'mkdir {folder}/space && {ballast}'")
        query(server, f"create tablespace small location '{folder}/space'")
        query(server, "create database full_disk tablespace small")
        database = replace(server, database="full_disk")
        enter(database, monkeypatch)
        exit_code, message = command(small_dataset, lake, *COPY_LARGE)
        assert exit_code == 2
        assert re.fullmatch(
            r"load: [a-z_.]+ of batch 1 was not copied: the disk of the server is full"
            r" \(could not extend file .*\); make room, then load again",
            message,
        )
        held = notes(database)
        assert held
        query(server, f"copy (select 1) to program 'rm {folder}/ballast'")
        assert copy(small_dataset, lake, *LARGE) != []
        assert set(held) <= set(notes(database))
        assert differences(lake, database, *LARGE) == []
