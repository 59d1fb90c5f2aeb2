"""The published files of DuckDB, read-only and locked: no files, no settings, no extensions, limited memory.

Usage:
    published = DuckDBPublished(Versions(Path("data/published")), declarations, Limits())
    with published.opened("analyst") as session:
        session.query("select 1")

A file is opened once for each role that reads it, and closed when nobody has used it for a while: the one of the current version stays open. What is not the
current version any more can be opened as long as it is there (KEPT_VERSIONS), or is open here.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from scripts.publish.manifest import Manifest
from scripts.publish.tables import PublishedTable, Reader
from scripts.publish.versions import Versions
from scripts.serve.declarations import Declarations, database_role
from scripts.serve.sessions import (
    ROWS_OF_A_BATCH,
    Limits,
    NotAllowedError,
    NothingPublishedError,
    Published,
    ServeError,
    Session,
    TooExpensiveError,
    UnavailableError,
    VersionGoneError,
    tables_of,
    with_places,
)
from scripts.serve.watchdog import Watchdog
from scripts.warehouse.settings import Target

if TYPE_CHECKING:
    import pyarrow as pa

# How long a version that is not the current one stays open when nobody uses it.
_IDLE_SECONDS = 60
_ATTEMPTS = 3


@dataclass
class _OpenFile:
    """A file of a version that is open for a role."""

    manifest: Manifest
    role: str
    connection: duckdb.DuckDBPyConnection
    tables: dict[str, PublishedTable]
    relations: dict[str, str]
    base_tables: frozenset[str] | None
    sessions: int = 0
    used_at: float = field(default_factory=time.monotonic)


class DuckDBPublished(Published):
    """See `Published`."""

    target = Target.DUCKDB

    def __init__(
        self,
        versions: Versions,
        declarations: Declarations,
        limits: Limits,
        *,
        keeps_types: bool = False,
    ) -> None:
        super().__init__(declarations, limits)
        self._keeps_types = keeps_types
        self._versions = versions
        self._open: dict[tuple[str, str], _OpenFile] = {}
        self._manifests: dict[str, Manifest] = {}
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(limits.sessions)
        self._running = _Turns(limits.statements, limits.wait_seconds)
        self._watchdog = Watchdog()

    def current(self) -> Manifest:
        """See `Published`."""
        for _ in range(_ATTEMPTS):
            try:
                name = self._versions.current_name()
            except OSError as error:
                raise UnavailableError(
                    f"{self._versions.folder}: cannot be read: {error.strerror}"
                ) from error
            if name is None:
                raise NothingPublishedError(
                    f"{self._versions.folder}: nothing is published yet; build first: make build"
                )
            # The version may have been removed between the two looks, if another one was published meanwhile.
            if manifest := self._manifest(name):
                return manifest
        raise UnavailableError(
            f"{self._versions.folder}: the current version has no manifest; publish again"
        )

    @contextmanager
    def opened(
        self, role: str, version: str | None = None, seconds: float | None = None
    ) -> Iterator[Session]:
        """See `Published`."""
        if not self._free.acquire(timeout=self.limits.wait_seconds):
            raise UnavailableError("too many readers at the same time; try again in a moment")
        try:
            file = self._file(role, version)
            session = _DuckDBSession(file, self._running)
            try:
                with self._watchdog.within(seconds or self.limits.seconds, session.interrupt):
                    yield session
            finally:
                session.close()
                with self._lock:
                    file.sessions -= 1
                    file.used_at = time.monotonic()
        finally:
            self._free.release()

    def close(self) -> None:
        """See `Published`."""
        with self._lock:
            for file in self._open.values():
                file.connection.close()
            self._open.clear()

    def _file(self, role: str, version: str | None) -> _OpenFile:
        """The file of a version for a role, with one session more."""
        self.declarations.readable_by(role)
        for attempt in range(1, _ATTEMPTS + 1):
            manifest = self.current() if version is None else self._manifest(version)
            if manifest is None:
                raise VersionGoneError(f"version {version} has been removed; begin again")
            with self._lock:
                key = manifest.version, role
                try:
                    file = self._open.get(key) or self._opened(manifest, role)
                except FileNotFoundError as error:
                    # Removed since the look at the link. Of the current version, there is a new one then.
                    self._manifests.pop(manifest.version, None)
                    if version is not None or attempt == _ATTEMPTS:
                        raise VersionGoneError(
                            f"version {manifest.version} has just been removed; begin again"
                        ) from error
                    continue
                self._open[key] = file
                file.sessions += 1
                self._close_unused()
            return file
        raise AssertionError("unreachable")

    def _manifest(self, version: str) -> Manifest | None:
        """The manifest of a version, read once: what is published never changes."""
        if found := self._manifests.get(version):
            return found
        manifest = self._versions.manifest(version)
        if manifest is not None:
            self._manifests[version] = manifest
        return manifest

    def _opened(self, manifest: Manifest, role: str) -> _OpenFile:
        reader = self._reader(role)
        path = self._versions.folder.resolve() / manifest.version / f"{reader}.duckdb"
        connection = self._connected(path, role)
        declared = tables_of(self.declarations, role, manifest.readers[reader].tables)
        tables = {table.name: table for table in declared}
        is_declared_so = manifest.project_digest == self.declarations.digest
        with connection.cursor() as cursor:
            relations = {
                name: _relation(cursor, table, database_role(role), is_declared_so)
                for name, table in tables.items()
            }
            base = None
            if len(tables) < len(manifest.readers[reader].tables):
                base = frozenset(_base_tables(cursor, tables.values()))
        return _OpenFile(manifest, role, connection, tables, relations, base)

    def _reader(self, role: str) -> Reader:
        """Whose file a role reads: the one in which the same columns are masked."""
        granted = database_role(role)
        is_masked = any(
            granted in table.masked_grants for table in self.declarations.tables.values()
        )
        return Reader.ANALYST if is_masked else Reader.AUDITOR

    def _connected(self, path: Path, role: str) -> duckdb.DuckDBPyConnection:
        if not path.exists():
            raise FileNotFoundError(path)
        settings: dict[str, str | bool | int | float | list[str]] = {
            "enable_external_access": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "memory_limit": self.limits.memory,
            "threads": str(self.limits.threads),
            # What does not fit into memory is refused: nothing is written beside what is published.
            "temp_directory": "",
            "arrow_lossless_conversion": str(self._keeps_types).lower(),
            "lock_configuration": "true",
        }
        try:
            return duckdb.connect(str(path), read_only=True, config=settings)
        except duckdb.Error as error:
            if not path.exists():
                raise FileNotFoundError(path) from error
            text = " ".join(str(error).split())
            if "ermission denied" in text:
                raise NotAllowedError(
                    f"{path.name}: only the user who publishes may open what the role {role} reads"
                ) from error
            raise UnavailableError(f"{path}: cannot be opened: {text}") from error

    def _close_unused(self) -> None:
        """Close the files of versions that are not the current one, when nobody has used them for a while."""
        current = self._versions.current_name()
        now = time.monotonic()
        for key, file in list(self._open.items()):
            is_old = file.manifest.version != current
            if is_old and not file.sessions and file.used_at + _IDLE_SECONDS < now:
                file.connection.close()
                del self._open[key]


class _DuckDBSession(Session):
    target = Target.DUCKDB

    def __init__(self, file: _OpenFile, running: "_Turns") -> None:
        super().__init__(file.manifest, file.role, file.tables, file.relations)
        self._file = file
        self._running = running
        self._cursor = file.connection.cursor()
        self._is_ended = False

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See `Session`."""
        self._check(statement)
        try:
            with self._running.one():
                return self._cursor.execute(statement, parameters).fetchall()
        except duckdb.Error as error:
            raise self._explained(error) from error

    def batches(
        self, statement: str, parameters: Sequence[Any] = (), rows: int = ROWS_OF_A_BATCH
    ) -> "pa.RecordBatchReader":
        """See `Session`."""
        import pyarrow as pa

        self._check(statement)
        try:
            # Not `execute`, which would collect the whole answer first.
            found = self._cursor.sql(statement, params=list(parameters)).to_arrow_reader(rows)
        except duckdb.Error as error:
            raise self._explained(error) from error

        def read() -> Iterator["pa.RecordBatch"]:
            try:
                yield from found
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise self._explained(error) from error

        return pa.RecordBatchReader.from_batches(found.schema, read())

    def arrow(self, statement: str, parameters: Sequence[Any] = ()) -> "pa.Table":
        """See `Session`."""
        with self._running.one():
            return super().arrow(statement, parameters)

    def keep(self) -> None:
        """See `Session`; as many versions are kept as KEPT_VERSIONS says, and this file is open for a while."""

    def interrupt(self) -> None:
        """See `Session`."""
        self._is_ended = True
        self._cursor.interrupt()

    def close(self) -> None:
        """End it."""
        self._cursor.close()

    def _check(self, statement: str) -> None:
        """Refuse what names tables of other roles in the same file."""
        if self._is_ended:
            raise self._took_too_long()
        if self._file.base_tables is None:
            return
        names = _names(self._file.connection, statement)
        if foreign := names - self._file.base_tables:
            raise NotAllowedError(
                f"{', '.join(sorted(foreign))}: no such table in version {self.manifest.version}"
                f" for role {self.role}"
            )

    def _explained(self, error: Exception) -> Exception:
        text = " ".join(str(error).split())
        if self._is_ended or isinstance(error, duckdb.InterruptException):
            return self._took_too_long()
        if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in text:
            return TooExpensiveError(
                "the question needs more memory than readers may use; ask for fewer rows or columns"
            )
        if isinstance(error, duckdb.PermissionException):
            return NotAllowedError(text)
        if isinstance(error, duckdb.Error) and not isinstance(error, duckdb.ConnectionException):
            return error
        return UnavailableError(f"what is published cannot be read: {text}")

    @staticmethod
    def _took_too_long() -> ServeError:
        return TooExpensiveError("the question takes too long; ask for fewer rows or columns")


class _Turns:
    """Lets a few work at the same time."""

    def __init__(self, count: int, wait_seconds: float) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._wait_seconds = wait_seconds

    @contextmanager
    def one(self) -> Iterator[None]:
        """A turn.

        Raises:
            UnavailableError: there was none for long.
        """
        if not self._free.acquire(timeout=self._wait_seconds):
            raise UnavailableError("too many questions at the same time; try again in a moment")
        try:
            yield
        finally:
            self._free.release()


@lru_cache(maxsize=1024)
def _without_values(statement: str) -> str:
    return with_places(statement, "null")


def _names(connection: duckdb.DuckDBPyConnection, statement: str) -> set[str]:
    """The tables that a statement reads, through views."""
    with connection.cursor() as cursor:
        found = cursor.get_table_names(_without_values(statement), qualified=True)
    return {name.replace('"', "") for name in found}


def _base_tables(
    cursor: duckdb.DuckDBPyConnection, tables: Sequence[PublishedTable] | Any
) -> Iterator[str]:
    for table in tables:
        statement = f'select * from "{table.schema}"."{table.alias}"'
        yield from (
            name.replace('"', "") for name in cursor.get_table_names(statement, qualified=True)
        )


def _relation(
    cursor: duckdb.DuckDBPyConnection, table: PublishedTable, role: str, is_declared_so: bool
) -> str:
    """As in a FROM clause. What was published before its columns were declared personal is masked here."""
    relation = f'"{table.schema}"."{table.alias}"'
    if is_declared_so or role not in table.masked_grants:
        return relation
    columns = [name for name, *_ in cursor.execute(f"describe {relation}").fetchall()]
    return f"(select {table.selected(columns, masked=True)} from {relation})"
