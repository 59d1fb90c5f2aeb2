"""A Redis for look-ups by key as a destination of shares: `redis://host:6379/0?days=8`; `rediss://` with TLS.

Usage:
    delivered = RedisHashes("redis://cache.example.net/0?days=8", "partner/trades").deliver(versions, index)

Each row is a hash, `<share>:<version>:<table>:<key>`, of its columns as in CSV; what is NULL is not there. `<share>:current` names the version that is whole: who reads gets that first, then
hashes of this version. It is set when all hashes have been counted, so the version is switched at once. The version before stays for those who have just got its name. All of it expires after some
days, if no other version comes. What was interrupted goes on after the rows that are there.
"""

import os
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import duckdb

from scripts.share.destinations import Delivered, Destination, DestinationError, tried
from scripts.share.dumps import parquet_relation, value_texts
from scripts.share.index import Index, Resource
from scripts.share.versions import ShareVersions

if TYPE_CHECKING:
    from redis import Redis

_DAYS = 8
_ROWS_AT_ONCE = 2_000
_SECONDS = 10


class _MissingRowsError(Exception):
    """Hashes that were sent are not there."""


class RedisHashes(Destination):
    """See `Destination`."""

    def __init__(self, destination: str, share: str) -> None:
        self._destination = destination
        self._prefix = share.rpartition("/")[2]
        parts = urlsplit(destination)
        given = dict(parse_qsl(parts.query))
        days = given.pop("days", str(_DAYS))
        if not (days.isdecimal() and 1 <= int(days) <= 3650):
            raise DestinationError(f"{destination}: days={days}; write a number from 1 to 3650")
        self._seconds = int(days) * 24 * 3600
        self._uri = parts._replace(query=urlencode(given, quote_via=quote)).geturl()

    def deliver(self, versions: ShareVersions, index: Index) -> Delivered:
        """See `Destination`."""
        sent = tried(self._destination, partial(self._take, versions, index))
        return Delivered(index.version, index.rows, sent, "rows")

    def delivered_version(self) -> str | None:
        """See `Destination`."""
        return tried(self._destination, self._version)

    def withdraw(self) -> None:
        """See `Destination`; the name of the version goes first."""
        tried(self._destination, self._withdraw)

    def _take(self, versions: ShareVersions, index: Index) -> int:
        """Take a version there; returns how many rows were sent."""
        with self._connected() as redis:
            before = _text(redis.get(self._key("current")))
            redis.sadd(self._key("versions"), index.version)
            progress = self._key("progress", index.version)
            sent = 0
            for dump in index.dumps:
                sent += self._send(redis, versions, index, dump, progress)
            for dump in index.dumps:
                count = self._count(redis, versions, index, dump)
                if count != dump.rows:
                    # Some have expired, or were removed: all of them are sent again.
                    redis.delete(progress)
                    raise _MissingRowsError(f"{dump.table} has {count:,} rows, not {dump.rows:,}")
            redis.set(self._key("current"), index.version, ex=self._seconds)
            redis.delete(progress)
            self._remove_others(redis, {index.version, before})
            return sent

    def _send(
        self, redis: "Redis", versions: ShareVersions, index: Index, dump: Resource, progress: str
    ) -> int:
        """Send the rows of a table that have not been sent yet."""
        done = int(redis.hget(progress, dump.table) or 0)
        sent = 0
        for rows in _pieces(_rows(versions, index, dump, done)):
            pipeline = redis.pipeline(transaction=False)
            for row in rows:
                key = self._key_of(index, dump, row)
                pipeline.delete(key)
                pipeline.hset(
                    key, mapping={name: value for name, value in row.items() if value is not None}
                )
                pipeline.expire(key, self._seconds)
            pipeline.execute()
            sent += len(rows)
            redis.hset(progress, dump.table, str(done + sent))
            redis.expire(progress, self._seconds)
        return sent

    def _count(self, redis: "Redis", versions: ShareVersions, index: Index, dump: Resource) -> int:
        """How many of the rows of a table are there."""
        rows = _rows(versions, index, dump, 0)
        return sum(
            int(redis.exists(*(self._key_of(index, dump, row) for row in piece)))
            for piece in _pieces(rows)
        )

    def _version(self) -> str | None:
        with self._connected() as redis:
            return _text(redis.get(self._key("current")))

    def _withdraw(self) -> None:
        with self._connected() as redis:
            redis.delete(self._key("current"))
            self._remove_others(redis, set())
            redis.delete(self._key("versions"))

    def _remove_others(self, redis: "Redis", kept: set[str | None]) -> None:
        """Remove all versions but some, also those that were interrupted."""
        names: Any = redis.smembers(self._key("versions"))
        for name in names:
            version = name.decode()
            if version in kept:
                continue
            # Versions have no character that means something in a pattern.
            found = redis.scan_iter(match=self._key(version, "*"), count=_ROWS_AT_ONCE)
            for keys in _pieces(found):
                redis.unlink(*keys)
            redis.delete(self._key("progress", version))
            redis.srem(self._key("versions"), version)

    def _key_of(self, index: Index, dump: Resource, row: dict[str, str | None]) -> str:
        values = (quote(row[name] or "", safe="") for name in dump.key)
        return self._key(index.version, dump.table, *values)

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _connected(self) -> "Redis":
        try:
            from redis import Redis
        except ImportError as error:
            raise DestinationError(
                "Redis as a destination needs the extra `share`: make .venv/.share"
            ) from error
        try:
            return Redis.from_url(
                self._uri,
                username=os.environ.get("REDIS_USERNAME") or None,
                password=os.environ.get("REDIS_PASSWORD") or None,
                socket_connect_timeout=_SECONDS,
                socket_timeout=6 * _SECONDS,
            )
        except (ValueError, TypeError) as error:
            raise DestinationError(f"{self._destination}: {error}") from error


def _rows(
    versions: ShareVersions, index: Index, dump: Resource, after: int
) -> Iterator[dict[str, str | None]]:
    """The rows of a table as text, in the order of the key, after some that are left out."""
    relation = parquet_relation(versions.folder / index.version, dump.files)
    values = ", ".join(f'{text} as "{name}"' for name, text in value_texts(dump.columns).items())
    with duckdb.connect() as connection:
        batches = connection.sql(f"select {values} from {relation} offset {after}").to_arrow_reader(
            _ROWS_AT_ONCE
        )
        for batch in batches:
            yield from batch.to_pylist()


def _pieces(items: Iterator[Any]) -> Iterator[list[Any]]:
    while piece := list(islice(items, _ROWS_AT_ONCE)):
        yield piece


def _text(value: Any) -> str | None:
    return None if value is None else value.decode()
