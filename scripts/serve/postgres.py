"""The published schemas of Postgres, in the login of a role.

Usage:
    published = PostgresPublished(ConnectionSettings.from_environment(), declarations, Limits())
    with published.opened("analyst") as session:
        session.query("select 1")

Each role may have a login of its own: PGUSER_ANALYST and PGPASSWORD_ANALYST, and so on; otherwise PGUSER and PGPASSWORD are used, which must be a member of the
role. Either way, a session takes the rights of the role and only reads.

A session is one transaction, so it sees one version. The database has only the current one: an older one lasts as long as a transaction is open that began
before. `Session.keep` opens one, which holds no table and ends a few minutes after it was used last.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from scripts.publish.manifest import Manifest
from scripts.publish.postgres_schemas import published_schema
from scripts.publish.tables import PublishedTable
from scripts.serve.declarations import Declarations, database_role
from scripts.serve.sessions import (
    ROWS_OF_A_BATCH,
    Limits,
    NotAllowedError,
    NothingPublishedError,
    Published,
    Session,
    TooExpensiveError,
    UnavailableError,
    VersionGoneError,
    tables_of,
    with_places,
)
from scripts.serve.watchdog import Watchdog
from scripts.warehouse.settings import PUBLISHED_SCHEMA, ConnectionSettings, Target

if TYPE_CHECKING:
    import pyarrow as pa

# How long a version stays readable after it was used last.
KEPT_SECONDS = 300
# How long to wait for a table that a publication is just replacing.
_LOCK_SECONDS = 5
_APPLICATION = "brokerage readers"
_CURRENT = f"select version from {PUBLISHED_SCHEMA}.versions order by number desc limit 1"
_MANIFEST = f"select manifest from {PUBLISHED_SCHEMA}.versions where version = %s"
_RELATIONS = f"""
    select nspname, relname, array_agg(attname::text order by attnum)
    from pg_class
    inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
    inner join pg_attribute on pg_class.oid = attrelid
    where nspname like '{PUBLISHED_SCHEMA}\\_%' and relkind in ('r', 'v') and attnum > 0 and not attisdropped
    group by nspname, relname
"""


@dataclass
class _Kept:
    """A transaction that keeps a version."""

    connection: Any
    snapshot: str
    used_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class _Version:
    """What a role reads of a version."""

    manifest: Manifest
    tables: dict[str, PublishedTable]
    relations: dict[str, str]


class PostgresPublished(Published):
    """See `Published`."""

    target = Target.POSTGRES

    def __init__(
        self, database: ConnectionSettings, declarations: Declarations, limits: Limits
    ) -> None:
        super().__init__(declarations, limits)
        self._database = database
        self._idle: dict[str, list[Any]] = {}
        self._kept: dict[str, _Kept] = {}
        self._versions: dict[tuple[str, str], _Version] = {}
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(limits.sessions)
        self._watchdog = Watchdog()

    def current(self) -> Manifest:
        """See `Published`; in the login of the role that may read least, which every role can."""
        with self.opened(self._any_role()) as session:
            return session.manifest

    @contextmanager
    def opened(
        self, role: str, version: str | None = None, seconds: float | None = None
    ) -> Iterator[Session]:
        """See `Published`."""
        self.declarations.readable_by(role)
        if not self._free.acquire(timeout=self.limits.wait_seconds):
            raise UnavailableError("too many readers at the same time; try again in a moment")
        try:
            seconds = seconds or self.limits.seconds
            connection = self._begun(role, version, seconds)
            is_usable = True
            try:
                session = _PostgresSession(
                    self, connection, role, self._read(connection, role, version), version
                )
                with self._watchdog.within(seconds, session.interrupt):
                    yield session
            except psycopg2.Error as error:
                is_usable = False
                raise _explained(error, self._database.label, version) from error
            finally:
                self._give_back(role, connection, is_usable=is_usable)
        finally:
            self._free.release()

    def close(self) -> None:
        """See `Published`."""
        with self._lock:
            connections = [connection for idle in self._idle.values() for connection in idle]
            connections += [kept.connection for kept in self._kept.values()]
            self._idle.clear()
            self._kept.clear()
        for connection in connections:
            _close(connection)

    def keep(self, version: str, connection: Any, role: str) -> None:
        """Keep the version that a connection sees."""
        with self._lock:
            if kept := self._kept.get(version):
                kept.used_at = time.monotonic()
                return
            with connection.cursor() as cursor:
                cursor.execute("select pg_export_snapshot()")
                ((snapshot,),) = cursor.fetchall()
            # Another connection, which has read no table: this one would keep a publication from changing those that it has read.
            keeper = self._connected(role)
            with keeper.cursor() as cursor:
                cursor.execute("set transaction snapshot %s", [snapshot])
                cursor.execute("select pg_export_snapshot()")
                ((snapshot,),) = cursor.fetchall()
            self._kept[version] = _Kept(keeper, snapshot)
        timer = threading.Timer(KEPT_SECONDS, self._drop_kept, [version])
        timer.daemon = True
        timer.start()

    def _drop_kept(self, version: str) -> None:
        """Let go of a version that nobody has used for a while."""
        with self._lock:
            kept = self._kept.get(version)
            if kept is None:
                return
            rest = kept.used_at + KEPT_SECONDS - time.monotonic()
            if rest <= 0:
                del self._kept[version]
        if rest > 0:
            timer = threading.Timer(rest, self._drop_kept, [version])
            timer.daemon = True
            timer.start()
        else:
            _close(kept.connection)

    def _any_role(self) -> str:
        return min(
            self.declarations.roles, key=lambda role: len(self.declarations.readable_by(role))
        )

    def _begun(self, role: str, version: str | None, seconds: float) -> Any:
        """A connection in a transaction that sees the version."""
        while True:
            with self._lock:
                idle = self._idle.setdefault(role, [])
                connection = idle.pop() if idle else None
                kept = self._kept.get(version) if version else None
                if kept:
                    kept.used_at = time.monotonic()
            is_new = connection is None
            if connection is None:
                connection = self._connected(role)
            try:
                with connection.cursor() as cursor:
                    if kept:
                        cursor.execute("set transaction snapshot %s", [kept.snapshot])
                    cursor.execute(f"set local statement_timeout = '{seconds:g}s'")
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                # The server may have been restarted since it was used last: then all others are of no use either, and no version was kept.
                _close(connection)
                if is_new:
                    raise _unreachable(self._database.label, error) from error
            except psycopg2.Error as error:
                _close(connection)
                assert version is not None
                with self._lock:
                    self._kept.pop(version, None)
                raise VersionGoneError(
                    f"version {version} is not kept any more; begin again"
                ) from error
            else:
                return connection

    def _connected(self, role: str) -> Any:
        login = self._login(role)
        granted = database_role(role)
        try:
            connection = psycopg2.connect(login.uri(_APPLICATION))
        except psycopg2.OperationalError as error:
            raise _unreachable(login.label, error) from error
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(
                    f"set role {granted}; set timezone = 'UTC';"
                    f" set lock_timeout = '{_LOCK_SECONDS}s'"
                )
            connection.set_session(
                isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True, autocommit=False
            )
        except psycopg2.errors.InvalidParameterValue as error:
            _close(connection)
            raise NothingPublishedError(
                f"{login.label}: there is no role {granted}; build first: make build"
            ) from error
        except psycopg2.errors.InsufficientPrivilege as error:
            _close(connection)
            raise NotAllowedError(
                f"{login.user} is no member of {granted}: grant {granted} to {login.user},"
                f" or set PGUSER_{role.upper()} and PGPASSWORD_{role.upper()}"
            ) from error
        except psycopg2.Error as error:
            _close(connection)
            raise _unreachable(login.label, error) from error
        return connection

    def _login(self, role: str) -> ConnectionSettings:
        user = os.environ.get(f"PGUSER_{role.upper()}")
        if not user:
            return self._database
        password = os.environ.get(f"PGPASSWORD_{role.upper()}") or ""
        return replace(self._database, user=user, password=password)

    def _read(self, connection: Any, role: str, version: str | None) -> _Version:
        """What the role reads of the version that a connection sees."""
        with connection.cursor() as cursor:
            try:
                cursor.execute(_CURRENT)
            except (psycopg2.errors.UndefinedTable, psycopg2.errors.InvalidSchemaName):
                found = []
            except psycopg2.errors.InsufficientPrivilege as error:
                raise NotAllowedError(
                    f"{self._database.label}: role {role} may not read {PUBLISHED_SCHEMA}.versions;"
                    " publish again: python -m scripts.publish"
                ) from error
            else:
                found = cursor.fetchall()
            if not found:
                raise NothingPublishedError(
                    f"{self._database.label}: nothing is published yet; build first: make build"
                )
            ((name,),) = found
            if version not in (None, name):
                raise VersionGoneError(f"version {version} is not kept any more; begin again")
            known = self._versions.get((name, role))
            if known is None:
                cursor.execute(_MANIFEST, [name])
                ((text,),) = cursor.fetchall()
                cursor.execute(_RELATIONS)
                columns = {(schema, table): names for schema, table, names in cursor.fetchall()}
                known = self._described(Manifest.from_json(text), role, columns)
                self._versions[name, role] = known
        return known

    def _described(
        self, manifest: Manifest, role: str, columns: Mapping[tuple[str, str], list[str]]
    ) -> _Version:
        granted = database_role(role)
        published = [name for names in manifest.readers.values() for name in names.tables]
        tables, relations = {}, {}
        for table in tables_of(self.declarations, role, published):
            schema = published_schema(table.schema)
            relation = f'"{schema}"."{table.alias}"'
            if granted in table.masked_grants:
                if (f"{schema}_masked", table.alias) in columns:
                    relation = f'"{schema}_masked"."{table.alias}"'
                elif names := columns.get((schema, table.alias)):
                    # It was published before its columns were declared personal.
                    relation = f"(select {table.selected(names, masked=True)} from {relation}) as {table.alias}"
            if (schema, table.alias) in columns:
                tables[table.name], relations[table.name] = table, relation
        return _Version(manifest, tables, relations)

    def _give_back(self, role: str, connection: Any, *, is_usable: bool) -> None:
        if is_usable:
            try:
                connection.rollback()
            except psycopg2.Error:
                is_usable = False
        if not is_usable or connection.closed:
            _close(connection)
            return
        with self._lock:
            self._idle.setdefault(role, []).append(connection)


class _PostgresSession(Session):
    target = Target.POSTGRES

    def __init__(
        self,
        published: PostgresPublished,
        connection: Any,
        role: str,
        content: _Version,
        version: str | None,
    ) -> None:
        super().__init__(content.manifest, role, content.tables, content.relations)
        self._published = published
        self._connection = connection
        self._asked_version = version
        self._is_ended = False

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See `Session`."""
        self._check()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(*_with_values(statement, parameters))
                return list(cursor.fetchall())
        except psycopg2.Error as error:
            raise self._explained(error) from error

    def batches(
        self, statement: str, parameters: Sequence[Any] = (), rows: int = ROWS_OF_A_BATCH
    ) -> "pa.RecordBatchReader":
        """See `Session`."""
        import pyarrow as pa

        self._check()
        cursor = self._connection.cursor(name=f"batches_{time.monotonic_ns()}")
        try:
            cursor.execute(*_with_values(statement, parameters))
            first = cursor.fetchmany(rows)
        except psycopg2.Error as error:
            raise self._explained(error) from error
        schema = pa.schema([(column.name, _arrow_type(column)) for column in cursor.description])

        def read() -> Iterator["pa.RecordBatch"]:
            found = first
            try:
                while found:
                    self._check()
                    yield _batch(found, schema)
                    found = cursor.fetchmany(rows)
            except psycopg2.Error as error:
                raise self._explained(error) from error

        return pa.RecordBatchReader.from_batches(schema, read())

    def keep(self) -> None:
        """See `Session`."""
        try:
            self._published.keep(self.manifest.version, self._connection, self.role)
        except psycopg2.Error as error:
            raise self._explained(error) from error

    def interrupt(self) -> None:
        """See `Session`."""
        if not self._is_ended:
            self._is_ended = True
            # It connects to the server, which may take long.
            threading.Thread(target=self._cancel, daemon=True).start()

    def _cancel(self) -> None:
        with suppress(psycopg2.Error):
            self._connection.cancel()

    def _check(self) -> None:
        if self._is_ended:
            raise TooExpensiveError("the question takes too long; ask for fewer rows or columns")

    def _explained(self, error: psycopg2.Error) -> Exception:
        return _explained(error, self.manifest.warehouse, self._asked_version)


def _explained(error: Exception, label: str, version: str | None) -> Exception:
    """What an error means for a reader."""
    text = " ".join(str(error).split())
    if isinstance(error, psycopg2.errors.QueryCanceled):
        return TooExpensiveError("the question takes too long; ask for fewer rows or columns")
    if isinstance(error, psycopg2.errors.LockNotAvailable):
        return UnavailableError("a new version is just being published; try again in a moment")
    if isinstance(error, psycopg2.errors.InsufficientPrivilege):
        return NotAllowedError(text)
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return _unreachable(label, error)
    is_changed = isinstance(error, psycopg2.errors.UndefinedTable | psycopg2.errors.UndefinedColumn)
    if version and is_changed:
        # The project has changed since: old rows can be kept, but not old tables.
        return VersionGoneError(f"version {version} is not kept any more; begin again")
    return error


def _unreachable(label: str, error: Exception) -> UnavailableError:
    text = " ".join(str(error).split())
    return UnavailableError(f"{label}: the database cannot be reached: {text}")


def _with_values(statement: str, parameters: Sequence[Any]) -> tuple[str, Sequence[Any] | None]:
    if not parameters:
        return statement, None
    return with_places(statement, "%s"), list(parameters)


def _close(connection: Any) -> None:
    with suppress(psycopg2.Error):
        connection.close()


def _batch(rows: Sequence[Sequence[Any]], schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    columns = zip(*rows, strict=True)
    arrays = [
        pa.array(_as_float(values) if pa.types.is_floating(kind.type) else values, type=kind.type)
        for values, kind in zip(columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _as_float(values: Sequence[Any]) -> list[float | None]:
    """Arrow makes no floating point numbers of decimals."""
    return [None if value is None else float(value) for value in values]


def _arrow_type(column: Any) -> "pa.DataType":
    """The type of a column of an answer; what has none of its own in Arrow becomes text."""
    import pyarrow as pa

    # By the numbers of Postgres (pg_type). A numeric without a scale is the outcome of a calculation.
    if column.type_code == 1700:
        has_scale = column.precision and column.precision <= 38 and column.scale is not None
        return pa.decimal128(column.precision, column.scale) if has_scale else pa.float64()
    return {
        16: pa.bool_(),
        20: pa.int64(),
        21: pa.int16(),
        23: pa.int32(),
        700: pa.float32(),
        701: pa.float64(),
        1082: pa.date32(),
        1083: pa.time64("us"),
        1114: pa.timestamp("us"),
        1184: pa.timestamp("us", "UTC"),
        1015: pa.list_(pa.string()),
        1009: pa.list_(pa.string()),
        1007: pa.list_(pa.int32()),
        1016: pa.list_(pa.int64()),
    }.get(column.type_code, pa.string())
