"""Topics of a broker: each message is in one batch, once; what is no record is quarantined."""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from scripts.extract import run
from scripts.extract.errors import ExtractError
from scripts.extract.systems.stream import StreamReader
from scripts.load.sources import EXTRACTION
from tests.python.living import LivingWarehouse

COLUMNS = {
    "id": {"data_type": "bigint", "required": True},
    "price": {"data_type": "decimal(8,2)"},
    "name": {"data_type": "varchar(2000)"},
}
Send = Callable[..., None]


@pytest.fixture(scope="module")
def broker() -> Iterator[Producer]:
    """A producer with a broker inside it."""
    producer = Producer(
        {"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0, "linger.ms": 1}
    )
    yield producer


@pytest.fixture
def topic(broker: Producer, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch) -> str:
    """A topic of its own, which a contract declares."""
    (found,) = broker.list_topics(timeout=10).brokers.values()
    monkeypatch.setenv("TEST_BROKER", f"{found.host}:{found.port}")
    name = f"things-{uuid.uuid4()}"
    declare(warehouse, name)
    broker.list_topics(name, timeout=10)
    return name


@pytest.fixture
def send(broker: Producer, topic: str) -> Send:
    def send_all(*messages: bytes | None, partition: int = 0) -> None:
        for message in messages:
            broker.produce(topic, message, key=b"k", partition=partition)
        assert broker.flush(10) == 0

    return send_all


def declare(warehouse: LivingWarehouse, topic: str, **feed: Any) -> None:
    table = {"columns": COLUMNS, "origin": {"topic": topic}} | feed
    system = {"kind": "stream", "address": "TEST_BROKER", "group": f"group-{topic}"}
    warehouse.declare(system, {"thing": table})


def message(number: int, **more: Any) -> bytes:
    return json.dumps({"id": number} | more).encode()


def ids(warehouse: LivingWarehouse, batch: int) -> list[int]:
    return [row["id"] for row in warehouse.landed("thing") if row["batch_id"] == batch]


@pytest.mark.parametrize("format_", ["delimited", "json_lines", "parquet"])
def test_each_message_is_in_one_batch(
    format_: str, topic: str, send: Send, warehouse: LivingWarehouse
) -> None:
    declare(warehouse, topic, format=format_)
    send(message(1), b'{"id": 2, "price": 1.50, "name": "a"}')
    send(message(3), partition=2)
    result = warehouse.extract()
    counted = result.systems["test"].feeds["test.thing"]
    assert (counted.rows, counted.system_rows) == (3, 3)
    assert warehouse.extract().batch is None
    send(message(4), partition=2)
    send(message(5), partition=3)
    warehouse.extract()
    assert ids(warehouse, 1) == [1, 2, 3]
    assert ids(warehouse, 2) == [4, 5]
    assert str(warehouse.landed("thing")[1]["price"]) == "1.50"


def test_messages_that_come_while_others_are_read_are_for_the_next_batch(
    send: Send, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(message(1))
    mark = StreamReader.mark

    def mark_and_send(self: Any, position: Any) -> None:
        mark(self, position)
        send(message(2))

    with monkeypatch.context() as context:
        context.setattr(StreamReader, "mark", mark_and_send)
        warehouse.extract()
    warehouse.extract()
    assert (ids(warehouse, 1), ids(warehouse, 2)) == ([1], [2])


def test_the_order_of_a_partition_is_kept(send: Send, warehouse: LivingWarehouse) -> None:
    numbers = [3, 1, 2, 9, 4]
    send(*map(message, numbers))
    warehouse.extract()
    assert ids(warehouse, 1) == numbers


@pytest.mark.parametrize("format_", ["delimited", "json_lines", "parquet"])
def test_what_is_no_record_is_quarantined(
    format_: str, topic: str, send: Send, warehouse: LivingWarehouse
) -> None:
    declare(warehouse, topic, format=format_)
    poison = [b"not json", b"[1]", b'"text"', b"\xff\xfe", b"", b'{"id": ', b"two\nlines", None]
    send(message(1), *poison, message(2))
    result = warehouse.extract()
    assert result.systems["test"].feeds["test.thing"].rows == len(poison) + 2
    assert ids(warehouse, 1) == [1, 2]
    found = [text for _, _, text in warehouse.quarantined("thing")]
    assert len(found) == len(poison)
    assert any("tombstone of key k" in text for text in found)


@pytest.mark.parametrize("format_", ["delimited", "json_lines", "parquet"])
@pytest.mark.parametrize(
    "poison",
    [
        b'{"id": 2, "price": NaN}',
        b'{"id": 2, "price": -Infinity}',
        rb'{"id": 2, "name": "half \ud800"}',
        b'{"id": 2, "name": ' + b"[" * 500 + b"]" * 500 + b"}",
    ],
    ids=["nan", "infinity", "half_a_character", "deep"],
)
def test_a_value_that_no_column_can_hold_is_quarantined(
    format_: str, poison: bytes, topic: str, send: Send, warehouse: LivingWarehouse
) -> None:
    declare(warehouse, topic, format=format_)
    send(message(1), poison, message(3))
    warehouse.extract()
    assert ids(warehouse, 1) == [1, 3]
    assert len(warehouse.quarantined("thing")) == 1


def test_a_change_that_is_sent_twice_counts_once(
    topic: str, send: Send, warehouse: LivingWarehouse
) -> None:
    declare(warehouse, topic, change_number="id")
    send(message(1), message(2), message(1))
    warehouse.extract()
    send(message(2), message(3))
    warehouse.extract()
    assert (ids(warehouse, 1), ids(warehouse, 2)) == ([1, 2], [3])
    assert len(warehouse.quarantined("thing")) == 2


def test_what_a_killed_extraction_has_read_is_read_again(
    send: Send, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    send(message(1))
    with monkeypatch.context() as context:
        context.setattr("scripts.extract.staging.Path.rename", end)
        with pytest.raises(KeyboardInterrupt):
            warehouse.extract()
    warehouse.extract()
    send(message(2))
    with monkeypatch.context() as context:
        context.setattr("scripts.extract.systems.stream.StreamReader.confirm", end)
        with pytest.raises(KeyboardInterrupt):
            warehouse.extract()
    warehouse.extract()
    assert [row["id"] for row in warehouse.landed("thing")] == [1, 2]


def test_the_broker_is_told_what_is_in_place(
    topic: str, send: Send, warehouse: LivingWarehouse
) -> None:
    send(message(1), message(2))
    warehouse.extract()
    consumer = Consumer(
        {"bootstrap.servers": os.environ["TEST_BROKER"], "group.id": f"group-{topic}"}
    )
    (committed,) = consumer.committed([TopicPartition(topic, 0)], timeout=10)
    consumer.close()
    assert committed.offset == 2


def test_messages_that_are_gone_before_they_were_read_are_told(
    send: Send, warehouse: LivingWarehouse
) -> None:
    send(message(1))
    warehouse.extract()
    # The broker keeps only so much of a partition.
    for _ in range(7):
        send(*[message(number, name=os.urandom(1000).hex()) for number in range(500)])
    with pytest.raises(ExtractError, match=r"messages 1 to \d+ of partition 0 of .* are gone"):
        warehouse.extract()


def test_messages_that_were_gone_before_the_first_extraction_are_told(
    send: Send, warehouse: LivingWarehouse
) -> None:
    for _ in range(7):
        send(*[message(number, name=os.urandom(1000).hex()) for number in range(500)])
    result = warehouse.extract()
    (warning,) = result.warnings
    (first,) = re.findall(r"no longer has the messages before (\d+) of partition 0", warning)
    assert result.systems["test"].feeds["test.thing"].rows == 3500 - int(first)


def test_a_topic_that_was_made_anew_is_told(send: Send, warehouse: LivingWarehouse) -> None:
    send(message(1))
    warehouse.extract()
    state = warehouse.sources / "Batch1" / EXTRACTION
    state.write_text(state.read_text().replace('"0": 1', '"0": 7'))
    with pytest.raises(ExtractError, match="it is another topic now"):
        warehouse.extract()


def test_a_broker_that_cannot_be_reached_is_told(
    send: Send, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_BROKER", "127.0.0.1:9")
    monkeypatch.setattr("scripts.extract.systems.stream._SECONDS_TO_ANSWER", 0.2)
    with pytest.raises(ExtractError, match=r"TEST_BROKER: .*; extract again when"):
        warehouse.extract()


def test_what_is_pending_is_counted(send: Send, warehouse: LivingWarehouse) -> None:
    send(message(1), message(2))
    assert run.pending(warehouse.options())["test"].rows == 2
    warehouse.extract()
    assert run.pending(warehouse.options())["test"].rows == 0
