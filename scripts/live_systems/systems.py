"""Start the systems that the contracts declare, and let them have what the files of a dataset say, batch by batch.

Usage:
    with LiveSystems.started(Path("data/dataset")) as systems:
        systems.deliver(1)
        subprocess.run(command, env=os.environ | systems.environment())
"""

import csv
import io
import logging
import secrets
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pyarrow as pa
from confluent_kafka import Consumer, Producer, TopicPartition
from moto.server import ThreadedMotoServer

from scripts.extract.rows import Number, json_text
from scripts.live_systems.agency import CLIENT, Agency
from scripts.live_systems.database import Database
from scripts.load.contracts import Column, Contracts, Feed, read_contracts
from scripts.load.origins import System
from scripts.load.run import CONTRACTS_FOLDER
from scripts.load.sources import SourceFolder
from scripts.postgres_server import postgres_server

# Of a store that asks nobody who he is.
_STORE_USER = {
    "AWS_ACCESS_KEY_ID": "anybody",
    "AWS_SECRET_ACCESS_KEY": "anybody",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_SECONDS_TO_SEND = 60.0
# Messages that wait to be sent.
_MOST_WAITING = 50_000


class LiveSystemsError(Exception):
    """The systems cannot have what a dataset says; the message says why, and what to do."""


class LiveSystems:
    """The systems, each with what it was given so far.

    Attributes:
        dataset: a source folder, as the generator writes it.
        agency: the API.
        database: the tables.
    """

    agency: Agency
    database: Database

    def __init__(self, dataset: Path, contracts: Contracts) -> None:
        self.dataset = SourceFolder(str(dataset))
        self._contracts = contracts
        self._environment: dict[str, str] = {}

    @classmethod
    @contextmanager
    def started(cls, dataset: Path) -> "Iterator[LiveSystems]":
        """All systems, empty, until the block ends.

        Raises:
            SourceFolderError: there is no such dataset.
            PostgresServerError: the database cannot be started.
        """
        systems = cls(dataset, read_contracts(CONTRACTS_FOLDER))
        with ExitStack() as stack:
            for system in systems._contracts.systems.values():
                start = getattr(systems, f"_start_{system.kind}")
                systems._environment[system.address] = start(system, stack)
            yield systems

    def environment(self) -> dict[str, str]:
        """The variables with which the extraction finds the systems."""
        return dict(self._environment)

    def deliver(self, batch: int) -> None:
        """Let each system have what the files of a batch of the dataset say."""
        for feed in self._contracts.feeds:
            system = self._contracts.systems.get(feed.system)
            if (
                system
                and feed.origin
                and feed.comes_in(batch)
                and system.kind != "database_changes"
            ):
                getattr(self, f"_deliver_{system.kind}")(feed, batch)
        self.database.deliver(self.dataset, batch)

    def _feeds(self, system: System) -> list[Feed]:
        return [feed for feed in self._contracts.feeds if feed.system == system.name]

    # ---------- starting

    def _start_database_changes(self, system: System, stack: ExitStack) -> str:
        server = stack.enter_context(postgres_server(is_source=True))
        self.database = Database(server, self._feeds(system))
        self.database.create(self.dataset)
        return self.database.address

    def _start_api(self, system: System, stack: ExitStack) -> str:
        self.agency = stack.enter_context(Agency.started())
        auth = system.options["auth"]
        self._environment |= {
            auth["token_address"]: f"{self.agency.address}/token",
            auth["client_id"]: CLIENT,
            auth["client_secret"]: self.agency.client_secret,
        }
        return self.agency.address

    def _start_stream(self, system: System, stack: ExitStack) -> str:
        # A broker inside the client library, which other processes can reach.
        self._producer = Producer(
            {
                "bootstrap.servers": "unused",
                "test.mock.num.brokers": 1,
                # It has little memory.
                "compression.type": "zstd",
                # Large pieces are packed better.
                "linger.ms": 200,
                "batch.size": 1_000_000,
                "log_level": 0,
            }
        )
        (broker,) = self._producer.list_topics(timeout=_SECONDS_TO_SEND).brokers.values()
        return f"{broker.host}:{broker.port}"

    def _start_object_store(self, system: System, stack: ExitStack) -> str:
        if "AWS_ENDPOINT_URL" not in self._environment:
            # It tells of each request.
            logging.getLogger("werkzeug").setLevel(logging.ERROR)
            server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            server.start()
            stack.callback(server.stop)
            host, port = server.get_host_and_port()
            self._environment |= {**_STORE_USER, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
            self._store = fsspec.filesystem(
                "s3",
                key=_STORE_USER["AWS_ACCESS_KEY_ID"],
                secret=_STORE_USER["AWS_SECRET_ACCESS_KEY"],
                endpoint_url=self._environment["AWS_ENDPOINT_URL"],
                skip_instance_cache=True,
            )
            # Stores of one process share their buckets.
            self._bucket = f"sources-{secrets.token_hex(4)}"
            self._store.mkdir(self._bucket)
        return f"s3://{self._bucket}/{system.name}"

    # ---------- delivering

    def _deliver_object_store(self, feed: Feed, batch: int) -> None:
        """Put the files of a feed; a file of the name of an earlier one takes its place."""
        for file in self.dataset.files_of(feed, batch):
            name = PurePosixPath(file.name).name
            self._store.put_file(file.path, f"{self._bucket}/{feed.system}/{name}")

    def _deliver_api(self, feed: Feed, batch: int) -> None:
        """Publish the list of the batch in place of the one before."""
        assert feed.origin
        self.agency.lists[feed.origin["path"]] = list(self._records(feed, batch))

    def _deliver_stream(self, feed: Feed, batch: int) -> None:
        """Send a message for each line; its key is the last part of the business key."""
        assert feed.origin
        key = next(column.name for column in reversed(feed.columns) if column.required)
        before = self._offsets(feed)
        for number, record in enumerate(self._records(feed, batch), start=1):
            self._producer.produce(
                feed.origin["topic"], key=str(record[key] or ""), value=json_text(record)
            )
            if number % _MOST_WAITING == 0:
                self._producer.flush(_SECONDS_TO_SEND)
        if left := self._producer.flush(_SECONDS_TO_SEND):
            raise LiveSystemsError(f"{feed.label}: {left} messages could not be sent")
        after = self._offsets(feed)
        if any(after[partition][0] > end for partition, (_, end) in before.items()):
            raise LiveSystemsError(
                f"{feed.label}: the broker for trying out cannot hold the messages of batch {batch}; generate a smaller dataset"
            )

    def _offsets(self, feed: Feed) -> dict[int, tuple[int, int]]:
        """The first offset that the broker holds, and the next one, of each partition."""
        assert feed.origin
        topic = feed.origin["topic"]
        (broker,) = self._producer.list_topics(timeout=_SECONDS_TO_SEND).brokers.values()
        consumer = Consumer(
            {"bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "live_systems"}
        )
        try:
            partitions = consumer.list_topics(topic, timeout=_SECONDS_TO_SEND).topics[topic]
            return {
                number: consumer.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=_SECONDS_TO_SEND
                )
                for number in partitions.partitions
            }
        finally:
            consumer.close()

    def _records(self, feed: Feed, batch: int) -> Iterator[dict[str, Any]]:
        """The lines of the files of a feed as objects."""
        layout = feed.layout(batch)
        for file in self.dataset.files_of(feed, batch):
            with self.dataset.open(file) as stream:
                text = io.TextIOWrapper(stream, "utf-8", newline="")
                rows = (
                    csv.reader(text, delimiter=feed.delimiter or ",", quotechar=feed.quote)
                    if feed.quote
                    else csv.reader(text, delimiter=feed.delimiter or ",", quoting=csv.QUOTE_NONE)
                )
                for values in rows:
                    yield {
                        column.name: _json_value(value, column)
                        for column, value in zip(layout, values, strict=True)
                    }


def _json_value(value: str, column: Column) -> Any:
    if not value:
        return None
    is_number = pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)
    return Number(value) if is_number else value


def export_lines(environment: dict[str, str]) -> str:
    """The variables as a shell takes them."""
    return "\n".join(
        f"export {name}={shlex.quote(value)}" for name, value in sorted(environment.items())
    )
