"""Processes that publish a small warehouse and are killed or paused, and one that reads what is published all the while."""

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import psycopg2.extensions

from scripts.postgres_server import PostgresServer
from scripts.publish.run import publish
from scripts.publish.tables import Reader
from scripts.publish.versions import PublishError
from scripts.warehouse.base import Query, Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.workspace import ROOT
from tests.python.faults.child import give_up_write_everywhere
from tests.python.processes import PROCESSES
from tests.python.small_warehouse import ROWS, SmallWarehouse

KILLED = "killed"
# It would take a whole processor.
_SECONDS_BETWEEN_LOOKS = 0.02
# What changes something on the disk.
_STEPS = (
    "os.mkdir",
    "os.rename",
    "os.chmod",
    "os.symlink",
    "os.remove",
    "os.rmdir",
    "shutil.copyfile",
)


@contextmanager
def opened_by_reader(
    warehouse: Warehouse, folder: Path, who: Reader = Reader.ANALYST
) -> Iterator[Query]:
    """What a reader has, on any engine, in one transaction: `{marts}` and `{quality}` in a statement are its schemas, `{personal}` is where personal columns are masked."""
    schemas = {"marts": "marts", "quality": "quality", "personal": "marts"}
    if isinstance(warehouse, PostgresWarehouse):
        schemas = {layer: f"published_{name}" for layer, name in schemas.items()}
        if who is Reader.ANALYST:
            schemas["personal"] += "_masked"
        connection = warehouse.database.connect()
        connection.set_session(isolation_level="REPEATABLE READ", autocommit=False)
        cursor = connection.cursor()
        cursor.execute(f"set role {who.role}")
    else:
        # DuckDB would give us again what this process has open under the same path.
        path = (folder / "current").resolve() / f"{who}.duckdb"
        connection = duckdb.connect(str(path), read_only=True)
        cursor = connection.cursor()

    def query(statement: str) -> list[tuple[Any, ...]]:
        cursor.execute(statement.format(**schemas))
        return list(cursor.fetchall())

    try:
        yield query
    finally:
        connection.close()


def version_seen(query: Query) -> int:
    """The number of the build that a reader sees.

    Raises:
        ValueError: tables of different builds.
    """
    ((customers,),) = query("select count(*) from {personal}.dim_customer")
    ((trades,),) = query("select count(*) from {marts}.fct_trades")
    ((logs,),) = query("select count(*) from {quality}.load_log")
    if not customers == trades == ROWS * logs:
        raise ValueError(f"{customers} customers, {trades} trades, {logs} lines of the load log")
    return int(logs)


@contextmanager
def watching(
    warehouse: Warehouse, folder: Path, *, is_long: bool = True
) -> Iterator[Callable[[], int]]:
    """A process that opens and reads what is published, again and again; yields a function that returns what it sees now.

    Args:
        warehouse: what is published.
        folder: where the versions are.
        is_long: it also keeps open what it has opened first, and sees the same there at the end.

    Raises:
        AssertionError: it could not read, has seen tables of different builds, or an older build after a newer one.
    """
    here, there = PROCESSES.Pipe()
    process = PROCESSES.Process(
        target=_watch, args=(warehouse, folder, is_long, there), daemon=True
    )
    process.start()
    there.close()

    def seen() -> int:
        # If it has ended, its last words are still to be read.
        with suppress(BrokenPipeError):
            here.send("now")
        answer = here.recv()
        assert isinstance(answer, int), answer
        return answer

    try:
        seen()
        yield seen
        with suppress(BrokenPipeError):
            here.send("end")
        assert here.recv() == "as at the beginning"
    finally:
        process.kill()
        process.join()


def _watch(warehouse: Warehouse, folder: Path, is_long: bool, requests: Connection) -> None:
    last = 0

    def look() -> None:
        nonlocal last
        with opened_by_reader(warehouse, folder) as query:
            now = version_seen(query)
        if now < last:
            raise ValueError(f"build {now} after build {last}")
        last = now

    try:
        with opened_by_reader(warehouse, folder) as query:
            first = version_seen(query) if is_long else None
            while True:
                look()
                if not requests.poll(_SECONDS_BETWEEN_LOOKS):
                    continue
                if requests.recv() == "end":
                    break
                look()
                requests.send(last)
            is_same = not is_long or version_seen(query) == first
        requests.send("as at the beginning" if is_same else "not as at the beginning")
    except Exception as error:
        requests.send(f"{type(error).__name__}: {error}")


@contextmanager
def publishing(
    small: SmallWarehouse, folder: Path
) -> Iterator[tuple[Connection, Callable[[int], None]]]:
    """A process that publishes; yields what it tells before each of its steps, until it ends, and a function that sends it a signal."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(
        target=_publish, args=(small, folder, _environment(small), there), daemon=True
    )
    process.start()
    there.close()
    assert process.pid is not None
    number = process.pid
    try:
        yield here, lambda sent: os.kill(number, sent)
    finally:
        process.kill()
        process.join()


def steps_until_killed(small: SmallWarehouse, folder: Path, position: int | None) -> list[str]:
    """Publish in another process, and kill it at a step, counted from 0; returns its steps, the last of which is `KILLED` if it was."""
    steps: list[str] = []
    with publishing(small, folder) as (told, send):
        try:
            while True:
                steps.append(told.recv())
                if len(steps) - 1 == position:
                    send(signal.SIGKILL)
                    return [*steps, KILLED]
        except EOFError:
            return steps


@dataclass(frozen=True)
class Conditions:
    """Those of a process that publishes.

    Attributes:
        file_bytes: no file may become larger, as on a full disk.
        obeys_permissions: it gives up the right of root to write everywhere.
        mask: the bits that its files do not get.
    """

    file_bytes: int | None = None
    obeys_permissions: bool = False
    mask: int = 0o022


def publish_under(conditions: Conditions, small: SmallWarehouse, folder: Path) -> str:
    """Publish in another process; returns the version, or what went wrong."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(
        target=_publish_under,
        args=(conditions, small, folder, _environment(small), there),
        daemon=True,
    )
    process.start()
    there.close()
    try:
        return str(here.recv())
    finally:
        process.join()


def _publish_under(
    conditions: Conditions,
    small: SmallWarehouse,
    folder: Path,
    environment: dict[str, str],
    answer: Connection,
) -> None:
    _begin(environment)
    os.umask(conditions.mask)
    if conditions.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (conditions.file_bytes, conditions.file_bytes))
    if conditions.obeys_permissions:
        give_up_write_everywhere()
    try:
        answer.send(publish(small.warehouse, folder, small.project).manifest.version)
    except PublishError as error:
        answer.send(str(error))


def _environment(small: SmallWarehouse) -> dict[str, str]:
    """That of this test, for a process that publishes."""
    return {**os.environ, "DBT_TARGET": str(small.warehouse.target)}


def _begin(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)


def _publish(
    small: SmallWarehouse, folder: Path, environment: dict[str, str], steps: Connection
) -> None:
    _begin(environment)

    def tell(step: str) -> None:
        steps.send(step)

    sys.addaudithook(lambda event, _: tell(event) if event in _STEPS else None)
    _tell_statements(tell)
    publish(small.warehouse, folder, small.project)
    steps.close()


def _tell_statements(tell: Callable[[str], None]) -> None:
    opened, connect = DuckDBWarehouse.opened, PostgresServer.connect

    @contextmanager
    def opened_and_told(warehouse: DuckDBWarehouse) -> Iterator[Query]:
        with opened(warehouse) as query:

            def told(statement: str) -> list[tuple[Any, ...]]:
                tell(statement)
                return query(statement)

            yield told

    class Cursor(psycopg2.extensions.cursor):
        def execute(self, statement: Any, arguments: Any = None) -> None:
            tell(statement)
            super().execute(statement, arguments)

    def connected_and_told(server: PostgresServer) -> Any:
        connection = connect(server)
        connection.cursor_factory = Cursor
        return connection

    DuckDBWarehouse.opened = opened_and_told  # type: ignore[method-assign]
    PostgresServer.connect = connected_and_told  # type: ignore[method-assign]
