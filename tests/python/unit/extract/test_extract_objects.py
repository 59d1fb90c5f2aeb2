"""Objects of a store: each version is copied as a whole and once."""

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from scripts.extract.errors import ExtractError
from scripts.load.filesystems import filesystem_of
from tests.python.living import LivingWarehouse

COLUMNS = {"id": {"data_type": "bigint", "required": True}, "name": {}}
SYSTEM = {"kind": "object_store", "address": "TEST_STORE"}


@pytest.fixture
def news(warehouse: LivingWarehouse, store: Any) -> Any:
    """A store whose objects `NEWS*` are the files of a feed."""
    declare(warehouse)
    put(store, "NEWS1", b"1|a\n")
    return store


def declare(warehouse: LivingWarehouse, **feed: Any) -> None:
    table = {"columns": COLUMNS, "files": "Batch{batch}/NEWS[0-9]*", "origin": {"objects": "NEWS*"}}
    warehouse.declare(SYSTEM, {"thing": table | feed})


def put(store: Any, name: str, content: bytes) -> None:
    store.pipe_file(f"{store.bucket}/news/{name}", content)


class Disturbed:
    """A file system that does something after each copy."""

    def __init__(self, filesystem: Any, after_copy: Callable[[int, str], None]) -> None:
        self._filesystem = filesystem
        self._after_copy = after_copy
        self._copies = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._filesystem, name)

    def get_file(self, path: str, target: str) -> None:
        self._filesystem.get_file(path, target)
        self._copies += 1
        self._after_copy(self._copies, target)


@pytest.fixture
def after_copy(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int, str], None]], None]:
    """Has something done after each copy, given how many there were, and the file."""

    def disturb(act: Callable[[int, str], None]) -> None:
        def disturbed(uri: str) -> tuple[Any, str]:
            filesystem, root = filesystem_of(uri)
            return Disturbed(filesystem, act), root

        monkeypatch.setattr("scripts.extract.systems.object_store.filesystem_of", disturbed)

    return disturb


def landed(warehouse: LivingWarehouse) -> list[tuple[int, int]]:
    return [(row["batch_id"], row["id"]) for row in warehouse.landed("thing")]


def test_new_and_changed_objects_come_with_the_next_batch(
    news: Any, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    put(news, "NEWS2", b"2|b\n")
    put(news, "NEWS1", b"3|c\n")
    assert warehouse.extract().batch == 2
    assert warehouse.extract().batch is None
    assert landed(warehouse) == [(1, 1), (2, 3), (2, 2)]


def test_an_object_that_is_written_again_with_the_same_bytes_is_not_new(
    news: Any, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    put(news, "NEWS1", b"1|a\n")
    assert warehouse.extract().batch is None


def test_an_object_that_is_listed_late_is_not_lost(
    news: Any, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(news, "NEWS0", b"9|late\n")

    def without_news0(uri: str) -> tuple[Any, str]:
        filesystem, root = filesystem_of(uri)
        found = {
            name: info
            for name, info in filesystem.find(root, detail=True).items()
            if not name.endswith("NEWS0")
        }
        listing = Disturbed(filesystem, lambda *_: None)
        listing.find = lambda *_, **__: found
        return listing, root

    with monkeypatch.context() as context:
        context.setattr("scripts.extract.systems.object_store.filesystem_of", without_news0)
        warehouse.extract()
    warehouse.extract()
    # Although its name comes before that of what was read already.
    assert landed(warehouse) == [(1, 1), (2, 9)]


def test_compressed_objects_land(news: Any, warehouse: LivingWarehouse) -> None:
    put(news, "NEWS2.gz", gzip.compress(b"2|b\n"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("NEWS3", "3|c\n")
    put(news, "NEWS3.zip", archive.getvalue())
    warehouse.extract()
    assert landed(warehouse) == [(1, 1), (1, 2), (1, 3)]


def test_an_object_of_many_parts_is_copied_as_a_whole(
    news: Any, warehouse: LivingWarehouse
) -> None:
    content = b"".join(b"%d|x\n" % number for number in range(1_000_000))
    with news.open(f"{news.bucket}/news/NEWS2", "wb", block_size=5 << 20) as stream:
        stream.write(content)
    assert "-" in news.info(f"{news.bucket}/news/NEWS2")["ETag"]
    warehouse.extract()
    assert (warehouse.sources / "Batch1" / "NEWS2").read_bytes() == content


def test_a_version_that_is_replaced_while_it_is_copied_is_copied_again(
    news: Any, warehouse: LivingWarehouse, after_copy: Any
) -> None:
    after_copy(lambda copies, _: put(news, "NEWS1", b"7|new\n") if copies == 1 else None)
    assert warehouse.extract().systems["test"].retries == 1
    assert landed(warehouse) == [(1, 7)]
    assert warehouse.extract().batch is None


def test_an_object_that_never_rests_is_told(
    news: Any, warehouse: LivingWarehouse, after_copy: Any
) -> None:
    after_copy(lambda copies, _: put(news, "NEWS1", b"%d|x\n" % copies))
    with pytest.raises(ExtractError, match="NEWS1 changes, or is cut short, each time it is read"):
        warehouse.extract()
    assert not list(warehouse.sources.glob("Batch*"))


def test_a_copy_that_is_cut_short_is_made_again(
    news: Any, warehouse: LivingWarehouse, after_copy: Any
) -> None:
    after_copy(lambda copies, target: os.truncate(target, 2) if copies == 1 else None)
    assert warehouse.extract().systems["test"].retries == 1
    assert landed(warehouse) == [(1, 1)]


def test_an_object_that_no_batch_can_take_is_told(news: Any, warehouse: LivingWarehouse) -> None:
    declare(warehouse, batches="historical")
    warehouse.extract()
    put(news, "NEWS1", b"5|e\n")
    put(news, "NEWS9", b"9|i\n")
    result = warehouse.extract()
    assert result.batch is None
    (warning,) = result.warnings
    assert "not taken, the feed does not come in batch 2: NEWS1, NEWS9" in warning


def test_an_object_whose_name_no_file_of_the_feed_has_is_told(
    news: Any, warehouse: LivingWarehouse
) -> None:
    put(news, "NEWSletter", b"5|e\n")
    (warning,) = warehouse.extract().warnings
    assert "no file of the feed has such a name: NEWSletter" in warning


def test_a_bucket_that_is_not_there_is_told(
    news: Any, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_STORE", "s3://no-such-bucket/news")
    with pytest.raises(ExtractError, match="TEST_STORE: The specified bucket does not exist"):
        warehouse.extract()


def test_a_store_that_does_not_answer_is_told(
    news: Any, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_STORE", "gopher://news")
    with pytest.raises(ExtractError, match="TEST_STORE cannot be used"):
        warehouse.extract()
