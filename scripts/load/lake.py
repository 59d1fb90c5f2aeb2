"""The lake: one Parquet file for each feed and batch, written completely or not at all.

A file is written under another name and renamed (or put as one object), so a crash leaves the old
file. Its footer says which source files it was made from, under which contract: this tells a later run
that there is nothing to do. The footer of the log holds the checksums of the other files, because
readers do not notice most damage: of 200 flipped bits, DuckDB read 137 as other values without an error.

Layout:
    <lake>/<system>/<feed>/batch_id=<n>/<feed>.parquet        the rows of a feed
    <lake>/control/quarantine/batch_id=<n>/<system>__<feed>.parquet
    <lake>/control/load_log/batch_id=<n>/<system>__<feed>.parquet
    <lake>/control/load_log/batch_id=<n>/<system>__<feed>.failure.parquet    the log of a failed attempt
    <lake>/operations/...                                     the same for the run history, with days as batches

Usage:
    lake = Lake("data/lake")
    with lake.locked():
        lake.write(lake.path("crm", "customer", batch=2), table, {"contract": feed.fingerprint})
"""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from scripts.load.filesystems import filesystem_of, sha256_of
from scripts.warehouse.files import NotLockableError, open_locked

# The system in whose folder load log and quarantine of the sources are.
CONTROL = "control"
# DuckDB reads row groups in parallel; this is the size of its own.
ROW_GROUP_ROWS = 122_880
_LEFTOVER = re.compile(r"\..*\.(parquet|json)\..*\.tmp")
_FOOTER_KEY = b"brokerage_warehouse.load"
# What reading a damaged file may raise; invalid UTF-8 and invalid JSON are ValueErrors.
_DAMAGE = (OSError, ValueError, pa.ArrowException)

LOAD_LOG = pa.schema(
    {
        "batch_id": pa.int32(),
        "system": pa.string(),
        "feed": pa.string(),
        "source_file": pa.string(),
        "status": pa.string(),
        "sha256": pa.string(),
        "file_bytes": pa.int64(),
        "rows_read": pa.int64(),
        "rows_landed": pa.int64(),
        "rows_quarantined": pa.int64(),
        "seconds": pa.float64(),
        "message": pa.string(),
        "loaded_at": pa.timestamp("us"),
    }
)
QUARANTINE = pa.schema(
    {
        "batch_id": pa.int32(),
        "system": pa.string(),
        "feed": pa.string(),
        "source_file": pa.string(),
        "line_number": pa.int64(),
        "reason": pa.string(),
        "raw_text": pa.string(),
        "loaded_at": pa.timestamp("us"),
    }
)


class BatchFiles(NamedTuple):
    """The paths of the files of a feed and batch; not all of them need to exist.

    `failure` is the log of a failed attempt; the log and rows of an earlier load are kept beside it.
    """

    data: str
    quarantine: str
    log: str
    failure: str


class LakeError(Exception):
    """The lake cannot be written: says why and what to do."""


class Lake:
    """A lake at a local path or an fsspec URI such as `s3://bucket/lake`.

    Attributes:
        uri: where it is.
        logs: the system in whose folder load log and quarantine are. Each folder of source files has its own, with its own batches.

    Raises:
        LakeError: there is no such kind of address, or DuckDB could not read it.
    """

    def __init__(self, uri: str, logs: str = CONTROL) -> None:
        self.uri = uri
        self.logs = logs
        if "\\" in uri:
            raise LakeError(
                f"{uri}: DuckDB reads a backslash in a path as a slash; set LAKE (or --lake) to one without"
            )
        try:
            self._filesystem, self._root = filesystem_of(uri)
        except (ImportError, ValueError) as error:
            raise LakeError(f"{uri}: {error}") from error
        self._is_local = isinstance(self._filesystem, LocalFileSystem)
        # What was read from files, which nobody else writes while a load has the lock.
        self._metadata: dict[str, pq.FileMetaData | None] = {}

    @contextmanager
    def locked(self, activity: str = "load") -> Iterator[None]:
        """Lock a second load (or replay) out of a local lake; the lock ends with the process.

        Raises:
            LakeError: another one is running, or the folder cannot be written.
        """
        if not self._is_local:
            yield
            return
        try:
            lock = open_locked(Path(self._root, f".{activity}.lock"))
        except BlockingIOError as error:
            raise LakeError(
                f"{self.uri}: another {activity} is writing to this lake; wait for it to end"
            ) from error
        except NotLockableError as error:
            raise LakeError(
                f"{self.uri}: cannot be locked: {error.strerror}; put the lake on a disk of this machine"
            ) from error
        except OSError as error:
            raise LakeError(
                f"{self.uri}: cannot be written: {error.strerror}; set LAKE (or --lake) to a folder that can"
            ) from error
        with lock:
            yield

    def remove_leftovers(self) -> None:
        """Remove unfinished files of a killed load; nobody else writes while we hold the lock of a load."""
        if self._is_local:
            for path in _leftovers(self._root):
                Path(path).unlink(missing_ok=True)

    def path(self, system: str, table: str, batch: int, name: str | None = None) -> str:
        """The path of the file of a table and batch; `name` defaults to the table."""
        return f"{self._root}/{system}/{table}/batch_id={batch}/{name or table}.parquet"

    def batch_files(self, system: str, feed: str, batch: int) -> BatchFiles:
        """The paths of the files of a feed and batch."""
        name = f"{system}__{feed}"
        return BatchFiles(
            data=self.path(system, feed, batch),
            quarantine=self.path(self.logs, "quarantine", batch, name),
            log=self.path(self.logs, "load_log", batch, name),
            failure=self.path(self.logs, "load_log", batch, f"{name}.failure"),
        )

    def batches(self) -> list[int]:
        """The batch numbers of which the lake holds anything, in order: every load is logged."""
        return self.batches_of(self.logs, "load_log")

    def batches_of(self, system: str, table: str) -> list[int]:
        """The batch numbers of which the lake holds anything of a table, in order."""
        folder = f"{self._root}/{system}/{table}"
        try:
            if self._is_local:
                names = [path.name for path in Path(folder).iterdir()]
            else:
                paths = self._filesystem.ls(folder, detail=False)
                names = [path.rstrip("/").rpartition("/")[2] for path in paths]
        except (FileNotFoundError, NotADirectoryError):
            return []
        matches = (re.fullmatch("batch_id=([1-9][0-9]*)", name) for name in names)
        return sorted(int(match[1]) for match in matches if match)

    def files(self) -> list[str]:
        """The paths of all files, in order: rows, logs, and what a load keeps for the next one."""
        return sorted(self._filesystem.find(self._root))

    def has_landed(self, system: str, feed: str, batch: int) -> bool:
        """Whether a load of the feed and batch has completed, and none has failed since."""
        files = self.batch_files(system, feed, batch)
        return self.exists(files.log) and not self.exists(files.failure)

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading."""
        return cast("IO[bytes]", self._filesystem.open(path, "rb"))

    def size(self, path: str) -> int:
        """The bytes of a file; 0 if it is not there."""
        return int(self._filesystem.size(path)) if self.exists(path) else 0

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return bool(self._filesystem.exists(path))

    def remove(self, path: str) -> None:
        """Remove a file if it is there.

        Raises:
            LakeError: it cannot be removed.
        """
        self._forget(path)
        with _writing(path), suppress(FileNotFoundError):
            if self.exists(path):
                self._filesystem.rm_file(path)

    def remove_empty_folder(self, path: str) -> None:
        """Remove the folder of a file that is gone, if nothing else is in it; an object store has no folders."""
        if self._is_local:
            with suppress(OSError):
                Path(path).parent.rmdir()

    def is_intact(self, path: str, sha256: str) -> bool:
        """Whether a file is unchanged since it was written; an object store checks that itself."""
        if not self._is_local:
            return True
        return self.sha256(path) == sha256

    def sha256(self, path: str) -> str | None:
        """The checksum of a file of a local lake in hexadecimal digits; None if it cannot be read, or elsewhere."""
        if not self._is_local:
            return None
        try:
            return sha256_of(path)
        except OSError:
            return None

    def read_note(self) -> str:
        """What the last load saved for the next one; nothing if there is none, or it cannot be read."""
        try:
            return self._note.read_text(encoding="utf-8") if self._is_local else ""
        except (OSError, UnicodeDecodeError):
            return ""

    def write_note(self, text: str) -> None:
        """Save something for the next load.

        Raises:
            LakeError: it cannot be written.
        """
        if not self._is_local:
            return
        temporary = self._note.with_name(f".{self._note.name}.{os.getpid()}.tmp")
        with _writing(str(self._note)):
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._note)

    def read_mark(self, name: str) -> str:
        """The text of a small file at the top of the lake; empty if there is none.

        Raises:
            LakeError: it cannot be read.
        """
        path = f"{self._root}/{name}"
        try:
            return str(self._filesystem.cat_file(path), "utf-8").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise LakeError(f"{path}: cannot be read: {error.strerror or error}") from error

    def write_mark(self, name: str, text: str) -> None:
        """Write a small file at the top of the lake, for all who load into it.

        Raises:
            LakeError: it cannot be written.
        """
        path = f"{self._root}/{name}"
        with _writing(path):
            self._filesystem.pipe_file(path, f"{text}\n".encode())

    @property
    def _note(self) -> Path:
        suffix = "" if self.logs == CONTROL else f"-{self.logs}"
        return Path(self._root, f".receipts{suffix}.json")

    def holds(self, path: str, table: pa.Table) -> bool:
        """Whether a (small) file can be read and has exactly these rows."""
        try:
            with self.open(path) as stream, pq.ParquetFile(stream) as file:
                return bool(file.read(use_threads=False).equals(table))
        except _DAMAGE:
            return False

    def footer(self, path: str) -> dict[str, Any] | None:
        """What the loader wrote into the footer of a file; None if it is not there or damaged."""
        metadata = self._read_metadata(path)
        try:
            found = (metadata.metadata or {}) if metadata else {}
            return json.loads(found[_FOOTER_KEY]) if _FOOTER_KEY in found else None
        except _DAMAGE:
            return None

    def extent(self, path: str, column: str) -> tuple[Any, Any] | None:
        """The least and the greatest value of a column of a file; None if it has none, or the file is damaged."""
        metadata = self._read_metadata(path)
        if metadata is None or column not in metadata.schema.names:
            return None
        index = metadata.schema.names.index(column)
        groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
        found = [group.column(index).statistics for group in groups]
        limits = [(part.min, part.max) for part in found if part is not None and part.has_min_max]
        if not limits:
            return None
        return min(least for least, _ in limits), max(greatest for _, greatest in limits)

    def column(self, path: str, column: str) -> pa.ChunkedArray:
        """The values of one column of a file; none if it cannot be read."""
        try:
            with self.open(path) as stream, pq.ParquetFile(stream) as file:
                return file.read([column], use_threads=False)[column]
        except _DAMAGE:
            return pa.chunked_array([[]])

    def _read_metadata(self, path: str) -> pq.FileMetaData | None:
        if path not in self._metadata:
            try:
                if not self._is_local:
                    with self.open(path) as stream:
                        self._metadata[path] = pq.read_metadata(stream)
                elif Path(path).exists():
                    self._metadata[path] = pq.read_metadata(path)
                else:
                    # Arrow would find out, too, but takes longer.
                    self._metadata[path] = None
            except _DAMAGE:
                self._metadata[path] = None
        return self._metadata[path]

    def _forget(self, path: str) -> None:
        self._metadata.pop(path, None)

    def write(self, path: str, table: pa.Table, footer: dict[str, Any] | None = None) -> None:
        """Write a small table as one file."""
        with self.writer(path, table.schema) as writer:
            writer.write(table)
            writer.finish(footer or {})
            writer.publish()

    def writer(self, path: str, schema: pa.Schema) -> "LakeWriter":
        """A writer for one file; nothing is visible before `publish`."""
        return LakeWriter(self._filesystem, self._is_local, path, schema, self._forget)


class LakeWriter:
    """Writes one Parquet file row group by row group; leaves no file unless published."""

    def __init__(
        self,
        filesystem: Any,
        is_local: bool,
        path: str,
        schema: pa.Schema,
        on_publish: Callable[[str], None],
    ) -> None:
        self._filesystem = filesystem
        self._on_publish = on_publish
        self._is_local = is_local
        self._path = path
        self._schema = schema
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        with _writing(path):
            if is_local:
                target = Path(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                self._temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
            else:
                handle, name = tempfile.mkstemp(suffix=".parquet")
                os.close(handle)
                self._temporary = Path(name)
            self._writer = pq.ParquetWriter(
                str(self._temporary),
                schema,
                compression="zstd",
                store_decimal_as_integer=True,
                store_schema=False,
            )

    def __enter__(self) -> "LakeWriter":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._writer.close()
        with suppress(OSError):
            self._temporary.unlink()

    def write(self, table: pa.Table) -> None:
        """Add rows; whole row groups go to disk.

        Raises:
            LakeError: it cannot be written, for example because the disk is full.
        """
        self._pending.append(table)
        self._pending_rows += table.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush(self._pending_rows - self._pending_rows % ROW_GROUP_ROWS)

    def finish(self, footer: dict[str, Any]) -> str:
        """Complete the file, not yet visible; returns its SHA-256 in hexadecimal digits.

        Raises:
            LakeError: it cannot be written, for example because the disk is full.
        """
        if self._pending_rows:
            self._flush(self._pending_rows)
        with _writing(self._path):
            self._writer.add_key_value_metadata({_FOOTER_KEY: json.dumps(footer).encode()})
            self._writer.close()
            return sha256_of(str(self._temporary))

    def publish(self) -> None:
        """Put the finished file in its place, atomically.

        Raises:
            LakeError: it cannot be written there; the old file is still there.
        """
        with _writing(self._path):
            if self._is_local:
                with self._temporary.open("rb") as stream:
                    os.fsync(stream.fileno())
                self._temporary.replace(self._path)
            else:
                self._filesystem.put_file(str(self._temporary), self._path)
        self._on_publish(self._path)

    def _flush(self, rows: int) -> None:
        table = pa.concat_tables(self._pending)
        with _writing(self._path):
            self._writer.write_table(table.slice(0, rows), row_group_size=ROW_GROUP_ROWS)
        rest = table.slice(rows)
        self._pending = [rest] if rest.num_rows else []
        self._pending_rows = rest.num_rows


def _leftovers(folder: str) -> Iterator[str]:
    """The temporary files below a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _leftovers(entry.path)
            elif _LEFTOVER.fullmatch(entry.name):
                yield entry.path


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LakeError(
            f"{path}: cannot be written: {error.strerror or error}; the earlier file is unchanged"
        ) from error
