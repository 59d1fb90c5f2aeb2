"""Whatever happens to an extraction, what all systems have said is in the batches, once.

Four systems say something new before each attempt; attempts are killed, or the network between them is disturbed. Then one plain extraction follows, and
everything that was ever said must have landed exactly once.
"""

import json
import logging
import multiprocessing
import os
import random
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import s3fs
from confluent_kafka import Producer
from moto.server import ThreadedMotoServer

from scripts import postgres_server as postgres_server_module
from scripts.extract.errors import ExtractError
from scripts.extract.rows import Number
from scripts.live_systems.agency import Agency
from scripts.postgres_server import PostgresServer, PostgresServerError, postgres_server
from tests.python.disturbing_proxy import KINDS, DisturbingProxy, Fault
from tests.python.extraction import work
from tests.python.living import LivingWarehouse

pytestmark = pytest.mark.integration

COLUMNS = {"id": {"data_type": "bigint", "required": True}, "name": {"data_type": "varchar(3000)"}}
SYSTEMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "bank": (
        {"kind": "database_changes", "address": "TEST_DATABASE"},
        {"thing": {"columns": COLUMNS, "origin": {"table": "thing"}}},
    ),
    "agency": (
        {
            "kind": "api",
            "address": "TEST_API",
            "auth": {
                "kind": "client_credentials",
                "token_address": "TEST_TOKENS",
                "client_id": "TEST_CLIENT",
                "client_secret": "TEST_SECRET",
            },
        },
        {
            "person": {
                "columns": COLUMNS,
                "may_repeat": True,
                "origin": {
                    "path": "people",
                    "pages": "cursor",
                    "items": "items",
                    "next": "next",
                    "total": "total",
                    "key": "id",
                    "page_size": 20,
                },
            }
        },
    ),
    "exchange": (
        {"kind": "stream", "address": "TEST_BROKER"},
        {"price": {"columns": COLUMNS, "origin": {"topic": "prices"}}},
    ),
    "newswire": (
        {"kind": "object_store", "address": "TEST_STORE"},
        {
            "news": {
                "columns": COLUMNS,
                "files": "Batch{batch}/NEWS*",
                "required": False,
                "origin": {"objects": "NEWS*"},
            }
        },
    ),
}
_ROWS = 5


@dataclass
class World:
    """Four systems, and what they have said."""

    database: PostgresServer
    agency: Agency
    producer: Producer
    store: Any
    bucket: str
    said: int = 0

    def say(self) -> None:
        """Each system says something new: the same numbers in each."""
        numbers = range(self.said, self.said + _ROWS)
        self.said += _ROWS
        connection = self.database.connect()
        with connection.cursor() as cursor:
            for number in numbers:
                cursor.execute("insert into thing values (%s, repeat('x', 500))", [number])
        connection.close()
        self.agency.lists["people"] = [{"id": Number(number)} for number in range(self.said)]
        for number in numbers:
            self.producer.produce("prices", json.dumps({"id": number}))
        assert self.producer.flush(10) == 0
        lines = "".join(f"{number}|x\n" for number in numbers)
        self.store.pipe_file(f"{self.bucket}/news/NEWS{numbers[0]}", lines.encode())

    def check(self, warehouse: LivingWarehouse) -> None:
        """Everything that was said has landed once."""
        expected = list(range(self.said))
        for system, table in (("bank", "thing"), ("exchange", "price"), ("newswire", "news")):
            landed = [row["id"] for row in warehouse.landed(table, system)]
            assert sorted(landed) == expected, system
        people = warehouse.landed("person", "agency")
        last = max(row["batch_id"] for row in people)
        assert [row["id"] for row in people if row["batch_id"] == last] == expected


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The systems, reached without anything in between."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # One that was made for another server of this process would be found again.
    s3fs.S3FileSystem.clear_instance_cache()
    # Stores of one process share their buckets.
    bucket = f"world-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        database = stack.enter_context(postgres_server(is_source=True))
        agency = stack.enter_context(Agency.started())
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        stack.callback(server.stop)
        host, port = server.get_host_and_port()
        producer = Producer(
            {"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0}
        )
        (broker,) = producer.list_topics("prices", timeout=10).brokers.values()
        for name, value in {
            "TEST_DATABASE": database.uri("test"),
            "TEST_API": agency.address,
            "TEST_TOKENS": f"{agency.address}/token",
            "TEST_CLIENT": "warehouse",
            "TEST_SECRET": agency.client_secret,
            "TEST_BROKER": f"{broker.host}:{broker.port}",
            "TEST_STORE": f"s3://{bucket}/news",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "anybody",
            "AWS_SECRET_ACCESS_KEY": "anybody",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        store = s3fs.S3FileSystem(endpoint_url=f"http://{host}:{port}", skip_instance_cache=True)
        store.mkdir(bucket)
        connection = database.connect()
        connection.cursor().execute("create table thing (id bigint primary key, name text)")
        connection.cursor().execute("alter table thing replica identity full")
        connection.close()
        yield World(database, agency, producer, store, bucket)


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivingWarehouse:
    warehouse = LivingWarehouse(tmp_path, monkeypatch)
    warehouse.declare_all(SYSTEMS)  # type: ignore[arg-type]
    return warehouse


Attempt = Callable[..., tuple[int | None, float]]


def attempts_of(warehouse: LivingWarehouse) -> Attempt:
    """A function that extracts in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.python.extraction"])

    def attempt(
        after: float | None = None, act: Callable[[int], None] | None = None
    ) -> tuple[int | None, float]:
        """The exit code of an extraction, and how long it took; something is done after some seconds, given its process."""
        day = warehouse.options().batch_date
        ready = context.Event()
        place = (str(warehouse.folder / "contracts"), str(warehouse.sources), day, dict(os.environ))
        child = context.Process(target=work, args=(*place, ready))
        child.start()
        assert child.pid
        ready.wait(60)
        started = time.monotonic()
        if act is not None:
            child.join(after)
            if child.is_alive():
                act(child.pid)
        child.join(60)
        return child.exitcode, time.monotonic() - started

    return attempt


def kill(process_id: int) -> None:
    os.kill(process_id, signal.SIGKILL)


COUNTS = [pytest.param(20, id="20"), pytest.param(50, id="50", marks=pytest.mark.slow)]


@pytest.mark.parametrize("count", COUNTS)
def test_killed_at_random_moments_nothing_is_lost_or_repeated(
    count: int, world: World, warehouse: LivingWarehouse
) -> None:
    chance = random.Random(count)
    attempt = attempts_of(warehouse)
    world.say()
    code, seconds = attempt()
    assert code == 0
    killed = 0
    for _ in range(count):
        world.say()
        code, _ = attempt(chance.uniform(0, 1.2 * seconds), kill)
        assert code in (0, -signal.SIGKILL)
        killed += code == -signal.SIGKILL
    world.say()
    assert attempt()[0] == 0
    assert killed > count // 4
    world.check(warehouse)


class KilledServer:
    """A database server that is killed, and started again with the same data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = postgres_server_module._owner()
        if self._owner is not None:
            os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
        self._bin = postgres_server_module._bin_folder(folder, self._owner)
        self._password = secrets.token_urlsafe()
        postgres_server_module._initialise(self._bin, folder, self._owner, self._password)
        self.start()

    def start(self) -> None:
        settings = postgres_server_module._SETTINGS | postgres_server_module._LOGICAL_SETTINGS
        deadline = time.monotonic() + 60
        while True:
            self.process, port = postgres_server_module._start(
                self._bin, self._folder, self._owner, settings
            )
            self.server = PostgresServer("127.0.0.1", port, "postgres", self._password, "postgres")
            try:
                postgres_server_module._wait_until_ready(self.server, self.process, self._folder)
            except PostgresServerError:
                # Processes of the killed server are still ending.
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def killed_server() -> Iterator[KilledServer]:
    # Not below the folder of the test, which another user must not enter.
    folder = Path(tempfile.mkdtemp(prefix="killed-"))
    server = KilledServer(folder)
    yield server
    server.kill()
    time.sleep(0.2)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    "count", [pytest.param(6, id="6"), pytest.param(50, id="50", marks=pytest.mark.slow)]
)
def test_when_the_database_server_is_killed_nothing_is_lost_or_repeated(
    count: int,
    killed_server: KilledServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(count)
    warehouse = LivingWarehouse(tmp_path, monkeypatch)
    warehouse.declare_all({"bank": SYSTEMS["bank"]})  # type: ignore[dict-item]
    attempt = attempts_of(warehouse)

    def say(number: int) -> None:
        monkeypatch.setenv("TEST_DATABASE", killed_server.server.uri("test"))
        connection = killed_server.server.connect()
        cursor = connection.cursor()
        if not number:
            cursor.execute("create table thing (id bigint primary key, name text)")
            cursor.execute("alter table thing replica identity full")
        cursor.execute(
            "insert into thing select n, repeat('x', 200) from generate_series(%s, %s) as n",
            [number * 500, number * 500 + 499],
        )
        connection.close()

    say(0)
    _, seconds = attempt()
    codes = []
    for number in range(1, count + 1):
        say(number)
        codes.append(attempt(chance.uniform(0, seconds), lambda _: killed_server.kill())[0])
        killed_server.kill()
        killed_server.start()
    assert set(codes) <= {0, 2}
    assert 2 in codes
    say(count + 1)
    assert attempt()[0] == 0
    landed = sorted(row["id"] for row in warehouse.landed("thing", "bank"))
    assert landed == list(range((count + 2) * 500))


@pytest.mark.slow
@pytest.mark.parametrize("count", [30, 100])
def test_with_a_disturbed_network_nothing_is_lost_or_repeated(
    count: int, world: World, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(count)
    with ExitStack() as stack:
        proxies = []
        for name, port in (
            ("TEST_DATABASE", world.database.port),
            ("TEST_API", int(world.agency.address.rpartition(":")[2])),
            ("AWS_ENDPOINT_URL", int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])),
        ):
            proxy = stack.enter_context(DisturbingProxy.started("127.0.0.1", port))
            monkeypatch.setenv(name, os.environ[name].replace(str(port), str(proxy.port)))
            proxies.append(proxy)
        told = 0
        world.say()
        warehouse.extract()
        for _ in range(count):
            world.say()
            proxy = chance.choice(proxies)
            proxy.fault = Fault(chance.choice(KINDS), int(10 ** chance.uniform(0, 4)))
            if chance.random() < 0.2:
                world.agency.forget_tokens()
            try:
                warehouse.extract()
            except ExtractError as error:
                told += 1
                assert "\n" not in str(error)
        hits = sum(proxy.hits for proxy in proxies)
        for proxy in proxies:
            proxy.fault = None
        assert hits > count // 2
        # Most of them were overcome by asking again.
        assert told < hits // 2
        world.say()
        warehouse.extract()
    world.check(warehouse)
