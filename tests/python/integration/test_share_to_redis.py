"""A Redis has a version of a share as a whole under the name that readers look up, or the one before; all of it expires."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from scripts.share import destination_redis, destinations
from scripts.share.build import Outcome
from scripts.share.destinations import (
    Delivered,
    DestinationError,
    deliver,
    delivered_version,
    withdraw,
)
from tests.python.browser import free_port
from tests.python.sharing import Daily, csv_rows, use_places

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("share_to_redis")]

LABEL = "partner/people"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Redis of its own; returns its port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: apt install redis-server)")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis("127.0.0.1", port) as client:
            for _ in range(200):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    with pytest.raises(subprocess.TimeoutExpired):
                        process.wait(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


class Cache(Daily):
    """A share, and a Redis that it is taken to."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder)
        self.content["formats"] = ["parquet", "csv"]
        self.redis = redis.Redis("127.0.0.1", port, decode_responses=True)
        self.destination = f"redis://127.0.0.1:{port}/0?days=3"

    def deliver(self, outcome: Outcome) -> Delivered:
        return deliver(self.destination, self.versions, outcome.index)

    def keys(self, pattern: str) -> list[str]:
        return sorted(self.redis.scan_iter(match=pattern))

    def rows_there(self) -> list[dict[str, Any]]:
        """What readers find who look all keys up."""
        version = self.redis.get("people:current")
        found = [self.redis.hgetall(key) for key in self.keys(f"people:{version}:people:*")]
        return sorted(found, key=lambda row: int(row["person_id"]))


def rows_of(outcome: Outcome) -> list[dict[str, str]]:
    """The rows of the file of CSV; what is empty there is NULL, or text that is empty."""
    return csv_rows(outcome.folder, "tables/people.csv.gz")


def filled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without empty values."""
    return [{name: value for name, value in row.items() if value != ""} for row in rows]


@pytest.fixture
def cache(tmp_path: Path, server: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cache]:
    use_places(tmp_path, monkeypatch)
    monkeypatch.setattr(destinations, "WAITS", (0.0,))
    monkeypatch.setattr(destination_redis, "_ROWS_AT_ONCE", 40)
    cache = Cache(tmp_path, server)
    with cache.redis as client:
        client.flushall()
        yield cache


def test_the_name_of_a_version_leads_to_all_its_rows_which_expire(cache: Cache) -> None:
    assert delivered_version(cache.destination, LABEL) is None
    cache.redis.set("people_of_others", "x")
    built = [cache.build() for _ in range(3)]
    for outcome in built:
        done = cache.deliver(outcome)
        assert done == Delivered(outcome.index.version, outcome.index.rows, done.parts, "rows")
        assert cache.redis.get("people:current") == outcome.index.version
        assert filled(cache.rows_there()) == filled(rows_of(outcome))
    # Text that is empty is there, and what is NULL is not.
    assert {row.get("region", None) for row in cache.rows_there()} >= {"", None, "north"}
    versions = {key.split(":")[1] for key in cache.keys("people:batch-*")}
    assert versions == {outcome.index.version for outcome in built[1:]}
    for key in (*cache.keys("people:batch-*"), "people:current"):
        assert 3 * 86400 - 100 < cache.redis.ttl(key) <= 3 * 86400
    withdraw(cache.destination, LABEL)
    assert cache.keys("*") == ["people_of_others"]


def test_what_is_interrupted_leaves_the_version_before_and_goes_on(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = cache.build(), cache.build()
    cache.deliver(first)
    key_of, calls = destination_redis.RedisHashes._key_of, []

    def interrupted(self: Any, *arguments: Any) -> str:
        calls.append(arguments)
        if len(calls) in (100, 101):
            raise OSError("the network is down")
        return key_of(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(destination_redis.RedisHashes, "_key_of", interrupted)
        with pytest.raises(DestinationError, match="tried 2 times: the network is down"):
            cache.deliver(second)
    assert filled(cache.rows_there()) == filled(rows_of(first))
    # Two times forty rows were there.
    assert cache.deliver(second).sent == second.index.rows - 80
    assert filled(cache.rows_there()) == filled(rows_of(second))


def test_rows_that_have_gone_are_found_by_counting_and_sent_again(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cache.build()
    count, counted = destination_redis.RedisHashes._count, []

    def some_go(self: Any, client: Any, *arguments: Any) -> int:
        if not counted:
            client.delete(*cache.keys("people:batch-*:people:1*"))
        counted.append(count(self, client, *arguments))
        return counted[-1]

    monkeypatch.setattr(destination_redis.RedisHashes, "_count", some_go)
    assert cache.deliver(first).sent == first.index.rows
    assert counted[0] < counted[1] == first.index.rows
    assert filled(cache.rows_there()) == filled(rows_of(first))


def test_a_server_that_is_away_is_told(cache: Cache) -> None:
    first = cache.build()
    for destination, told in (
        ("redis://127.0.0.1:1/0", "tried 2 times: .*refused"),
        ("redis://127.0.0.1/0?days=0", "days=0; write a number"),
    ):
        with pytest.raises(DestinationError, match=told):
            deliver(destination, cache.versions, first.index)
