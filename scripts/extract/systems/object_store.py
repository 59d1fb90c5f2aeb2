"""Files in an object store, or any other place that fsspec can list: those that are new or have changed are copied as they are.

An object is known by its ETag (or what its store has in place of it). It is looked at before and after it is copied, so a version is
copied as a whole or not at all. What is listed late, or written again, comes with the next batch that its feed comes in.
"""

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scripts.extract.errors import ExtractError
from scripts.extract.staging import Staging
from scripts.extract.state import Position
from scripts.extract.systems.base import Pending, Reader
from scripts.load.contracts import Feed
from scripts.load.filesystems import filesystem_of
from scripts.load.sources import SourceFile, object_state, pattern_expression

_ATTEMPTS = 5
# Objects that are copied at the same time.
_AT_ONCE = 8
_SHOWN = 3


@dataclass(frozen=True)
class _Object:
    path: str
    key: str
    bytes: int
    state: str


class ObjectStoreReader(Reader):
    """Reads the files of feeds; its position is the state of every object that was copied."""

    _objects: list[_Object]
    _filesystem: Any = None

    def mark(self, position: Position | None) -> None:
        """List what is there."""
        self.lag = self.pending(position)

    def pending(self, position: Position | None) -> Pending:
        """The objects that are new or have changed."""
        self._objects = self._list()
        found = [item for feed in self.feeds for item, _ in self._wanted(feed, position)]
        size = sum(item.bytes for item in found)
        return Pending(f"{len(found)} objects that are new or have changed", bytes=size)

    def read(self, staging: Staging, position: Position | None) -> tuple[Position, bool]:
        """Copy what is new or has changed."""
        taken = dict((position or {}).get("objects", {}))
        wanted = [
            (feed, item, name) for feed in self.feeds for item, name in self._wanted(feed, position)
        ]
        self._check_names(wanted)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            copies = [
                pool.submit(self._copy, item, staging.folder / name) for _, item, name in wanted
            ]
            try:
                for (feed, item, name), copy in zip(wanted, copies, strict=True):
                    taken[item.key] = copy.result()
                    staging.count(feed).files += 1
                    staging.count(feed).bytes += (staging.folder / name).stat().st_size
            except ExtractError:
                pool.shutdown(cancel_futures=True)
                raise
        self._tell_of_others(position)
        return {"objects": taken}, bool(wanted)

    def _check_names(self, wanted: list[tuple[Feed, _Object, str]]) -> None:
        keys: dict[str, str] = {}
        for _, item, name in wanted:
            other = keys.setdefault(name, item.key)
            if other != item.key:
                raise self.error(
                    f"{item.key} and {other} would both be {name} of the batch; give them different names"
                )

    def _list(self) -> list[_Object]:
        try:
            self._filesystem, root = filesystem_of(self.address)
            # Not what an earlier listing of this process has found.
            self._filesystem.invalidate_cache()
            found = self.patiently(lambda: self._filesystem.find(root, detail=True), _transient())
        except (ImportError, ValueError) as error:
            raise self.error(f"{self.system.address} cannot be used: {error}") from error
        prefix = root.rstrip("/") + "/"
        return [
            _Object(path, path.removeprefix(prefix), info["size"], object_state(info))
            for path, info in sorted(found.items())
            # Some stores keep an empty object for each folder.
            if not path.endswith("/") and info.get("type") != "directory"
        ]

    def _of(self, feed: Feed) -> list[_Object]:
        assert feed.origin is not None
        expression = pattern_expression(feed.origin["objects"])
        return [
            item
            for item in self._objects
            if expression.fullmatch(SourceFile(item.key, item.path, item.bytes).plain_name)
        ]

    def _wanted(self, feed: Feed, position: Position | None) -> Iterator[tuple[_Object, str]]:
        """The objects of a feed for this batch, with the names of their files."""
        taken = (position or {}).get("objects", {})
        for item in self._of(feed):
            if taken.get(item.key) == item.state:
                continue
            name = PurePosixPath(item.key).name
            if feed.comes_in(self.batch) and self._is_named(feed, name):
                yield item, name

    def _is_named(self, feed: Feed, name: str) -> bool:
        """Whether the contract of the feed names such a file of this batch."""
        file = SourceFile(f"Batch{self.batch}/{name}", "", 0)
        return any(pattern_expression(pattern).fullmatch(file.plain_name) for pattern in feed.files)

    def _tell_of_others(self, position: Position | None) -> None:
        """Warn about what is new or has changed, and cannot come with this batch."""
        taken = (position or {}).get("objects", {})
        for feed in self.feeds:
            fresh = [item.key for item in self._of(feed) if taken.get(item.key) != item.state]
            wanted = {item.key for item, _ in self._wanted(feed, position)}
            if left := [key for key in fresh if key not in wanted]:
                more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
                reason = (
                    "no file of the feed has such a name"
                    if feed.comes_in(self.batch)
                    else f"the feed does not come in batch {self.batch}"
                )
                self.warnings.append(
                    f"{feed.label}: not taken, {reason}: {', '.join(left[:_SHOWN])}{more}"
                )

    def _copy(self, item: _Object, target: Path) -> str:
        """Copy an object; returns the state of the version that was copied."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.wait(attempt)
            before = self._info(item)
            self.patiently(lambda: self._filesystem.get_file(item.path, str(target)), _transient())
            after = self._info(item)
            size = target.stat().st_size
            if object_state(before) == object_state(after) and size == after["size"]:
                return object_state(after)
        raise self.error(
            f"{item.key} changes, or is cut short, each time it is read; extract again when it is at rest"
        )

    def _info(self, item: _Object) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            self._filesystem.invalidate_cache()
            found: dict[str, Any] = self._filesystem.info(item.path)
            return found

        return self.patiently(look, _transient())


def _transient() -> tuple[type[Exception], ...]:
    """What a store may raise that is worth another attempt."""
    found: tuple[type[Exception], ...] = (OSError, TimeoutError)
    if importlib.util.find_spec("s3fs"):
        from aiohttp import ClientError
        from botocore.exceptions import BotoCoreError

        found += (ClientError, BotoCoreError)
    return found
