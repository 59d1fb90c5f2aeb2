"""Messages of Kafka topics: each from the offset after the last one that is in a batch, up to what was there when the extraction began.

The offsets that count are those in the batch folder, so a message is in one batch, whatever becomes of the extraction. The broker is told them afterwards
(as those of a consumer group), so that its own tools show how far we are. Messages are JSON objects; what is no object, and a message without a value
(a tombstone, which says that its key is gone), becomes a line that the loader quarantines.
"""

import base64
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from scripts.extract.rows import Row, parse_json
from scripts.extract.staging import Staging
from scripts.extract.state import Position
from scripts.extract.systems.base import Pending, Reader, told
from scripts.load.contracts import Feed
from scripts.load.origins import System

_SECONDS_TO_ANSWER = 10.0
# So long no message comes, although there are some.
_SECONDS_OF_SILENCE = 60.0
_MESSAGES_AT_ONCE = 5000
_SECONDS_AT_ONCE = 0.1
_TRANSIENT = (
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._PARTITION_EOF,
)

# First offset that is there, and the one after the last, by partition.
_Bounds = dict[int, tuple[int, int]]


class StreamReader(Reader):
    """Reads topics; its position is the next offset of each partition, by feed."""

    _consumer: Any = None
    _bounds: dict[str, _Bounds]

    def __init__(self, system: System, feeds: Sequence[Feed], batch: int) -> None:
        super().__init__(system, feeds, batch)
        # What the broker has answered when it was told offsets: an error, or None.
        self._answers: list[Any] = []

    @told(KafkaException)
    def mark(self, position: Position | None) -> None:
        """Note the last offsets."""
        self._bounds = {}
        for feed in self.feeds:
            self._bounds[feed.name] = self._bounds_of(feed)
            for partition, (first, end) in self._bounds[feed.name].items():
                start = self._start(feed, position, partition)
                if start is None and first > 0:
                    self.warnings.append(
                        f"{feed.label}: the broker no longer has the messages before {first} of partition {partition} of {_topic(feed)};"
                        " if they are needed, have them delivered as a file"
                    )
                if start is not None and start < first:
                    raise self.error(
                        f"{feed.label}: messages {start} to {first - 1} of partition {partition} of {_topic(feed)} are gone, and"
                        " were never read: the broker keeps them for too short a time; have them delivered as a file,"
                        " or sent again, and extract into an empty folder"
                    )
                if start is not None and start > end:
                    raise self.error(
                        f"{feed.label}: partition {partition} of {_topic(feed)} ends at {end}, before the last message that"
                        f" was read ({start - 1}): it is another topic now; extract into an empty folder"
                    )
        self.lag = self._unread(position)

    @told(KafkaException)
    def pending(self, position: Position | None) -> Pending:
        """The messages that were not read yet."""
        self.mark(position)
        return self.lag

    def _unread(self, position: Position | None) -> Pending:
        rows = sum(
            end - (first if (start := self._start(feed, position, partition)) is None else start)
            for feed in self.feeds
            for partition, (first, end) in self._bounds[feed.name].items()
        )
        return Pending(f"{rows} messages", rows=rows)

    @told(KafkaException)
    def read(self, staging: Staging, position: Position | None) -> tuple[Position, bool]:
        """Read up to the mark."""
        found: Position = {}
        has_news = False
        for feed in self.feeds:
            if not feed.comes_in(self.batch):
                found[feed.name] = (position or {}).get(feed.name, {})
                continue
            staging.open_rows(feed)
            bounds = self._bounds[feed.name]
            starts = {
                partition: first
                if (start := self._start(feed, position, partition)) is None
                else start
                for partition, (first, _) in bounds.items()
            }
            ends = {partition: end for partition, (_, end) in bounds.items()}
            for message in self._messages(feed, starts, ends):
                original = _original(message)
                staging.write(feed, original, self.rows(feed, original))
                has_news = True
            # Unless some of them were removed, or are marks of transactions: then fewer have come.
            staging.count(feed).system_rows = sum(ends.values()) - sum(starts.values())
            found[feed.name] = {str(partition): end for partition, end in sorted(ends.items())}
        return found, has_news

    def rows(self, feed: Feed, original: Any) -> Iterable[Row]:
        """The object in a message, or what is there in place of one."""
        value = _bytes(original["value"])
        if value is None:
            return [b"tombstone of key " + (_bytes(original["key"]) or b"")]
        try:
            found = parse_json(value)
        except ValueError:
            return [value]
        return [found if isinstance(found, dict) else value]

    def confirm(self, position: Position) -> None:
        """Tell the broker which offsets are in place."""
        offsets = [
            TopicPartition(_topic(feed), int(partition), offset)
            for feed in self.feeds
            for partition, offset in position.get(feed.name, {}).items()
        ]
        if offsets and not self._commit(offsets):
            # It is for people who look at the broker; what counts is in the folder.
            self.warnings.append(
                "the broker could not be told what is in place; the next extraction tells it"
            )

    def _commit(self, offsets: list[TopicPartition]) -> bool:
        """Tell offsets, and wait only so long for the answer: without its coordinator, a group has none."""
        consumer = self._opened()
        self._answers.clear()
        try:
            consumer.commit(offsets=offsets, asynchronous=True)
            for _ in range(int(_SECONDS_TO_ANSWER / _SECONDS_AT_ONCE)):
                consumer.poll(_SECONDS_AT_ONCE)
                if self._answers:
                    return self._answers[0] is None
        except KafkaException:
            return False
        return False

    def close(self) -> None:
        """End the connection."""
        if self._consumer is not None:
            self._consumer.close()

    def _start(self, feed: Feed, position: Position | None, partition: int) -> int | None:
        start = (position or {}).get(feed.name, {}).get(str(partition))
        return None if start is None else int(start)

    def _bounds_of(self, feed: Feed) -> _Bounds:
        def ask() -> _Bounds:
            consumer = self._opened()
            topic = consumer.list_topics(_topic(feed), timeout=_SECONDS_TO_ANSWER).topics[
                _topic(feed)
            ]
            if topic.error is not None:
                raise KafkaException(topic.error)
            return {
                number: consumer.get_watermark_offsets(
                    TopicPartition(_topic(feed), number), timeout=_SECONDS_TO_ANSWER
                )
                for number in topic.partitions
            }

        return self.patiently(ask, (KafkaException,))

    def _messages(
        self, feed: Feed, starts: dict[int, int], ends: dict[int, int]
    ) -> Iterator[Message]:
        """The messages from the first offsets to the last ones, one partition after the other."""
        consumer = self._opened()
        for partition in sorted(starts):
            reached = starts[partition]
            if reached >= ends[partition]:
                continue
            consumer.assign([TopicPartition(_topic(feed), partition, reached)])
            silence = 0.0
            while reached < ends[partition]:
                messages = consumer.consume(_MESSAGES_AT_ONCE, timeout=_SECONDS_AT_ONCE)
                silence = 0.0 if messages else silence + _SECONDS_AT_ONCE
                for message in messages:
                    if message.error():
                        if message.error().code() == KafkaError._PARTITION_EOF:
                            # What comes before the end may be marks of transactions, which are no messages.
                            reached = max(reached, message.offset())
                            continue
                        self._check(feed, message.error())
                        self.retries += 1
                        continue
                    if message.offset() < reached or message.offset() >= ends[partition]:
                        reached = max(reached, min(message.offset(), ends[partition]))
                        continue
                    reached = message.offset() + 1
                    yield message
                if silence > _SECONDS_OF_SILENCE:
                    raise self.error(
                        f"{feed.label}: no message has come for {_SECONDS_OF_SILENCE:.0f} seconds, although partition"
                        f" {partition} of {_topic(feed)} has some; extract again when the broker is well"
                    )
        consumer.unassign()

    def _check(self, feed: Feed, error: KafkaError) -> None:
        if error.code() not in _TRANSIENT and not error.retriable():
            raise self.error(
                f"{feed.label}: {_topic(feed)} cannot be read: {error.str()}; extract again when the broker is well"
            )

    def _opened(self) -> Any:
        if self._consumer is None:
            settings = {
                key: self.variable(name) for key, name in self.option("settings", {}).items()
            }
            self._consumer = Consumer(
                settings
                | {
                    "bootstrap.servers": self.address,
                    "group.id": self.option("group", f"brokerage_warehouse_{self.system.name}"),
                    "enable.auto.commit": False,
                    "on_commit": lambda error, _: self._answers.append(error),
                    "enable.auto.offset.store": False,
                    "enable.partition.eof": True,
                    "auto.offset.reset": "error",
                    "isolation.level": "read_committed",
                    "logger": _silent(),
                }
            )
        return self._consumer


def _silent() -> Any:
    """Errors come with the messages; the log of the client would repeat them."""
    logger = logging.getLogger("scripts.extract.stream")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def _topic(feed: Feed) -> str:
    return str((feed.origin or {})["topic"])


def _original(message: Message) -> dict[str, Any]:
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp()[1],
        "key": _text(message.key()),
        "value": _text(message.value()),
    }


def _text(value: bytes | str | None) -> Any:
    """Bytes as text, or as base64 in a list if they are none."""
    if value is None:
        return None
    raw = value.encode() if isinstance(value, str) else value
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return [base64.b64encode(raw).decode()]


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, list):
        return base64.b64decode(value[0])
    return None if value is None else str(value).encode()
