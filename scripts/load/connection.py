"""The connection of a load to Postgres, and what to do when it fails.

Usage:
    with opened(ConnectionSettings.from_environment()) as connection:
        connection.execute("select 1")
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa

from scripts.warehouse.settings import ConnectionSettings, PostgresError

# Postgres 14 got its last release in November 2026, and the `merge` of dbt needs 15.
MINIMUM_VERSION = 15
# How long to wait for a lock of another session.
LOCK_SECONDS = 10
# The name of a load in the server's list of sessions.
APPLICATION = "brokerage load"
# Any number, as long as every load uses the same one.
_LOAD_LOCK = 7_246_031


class Connection:
    """A connection whose statements form one transaction until `commit`; every error is a PostgresError."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        try:
            import adbc_driver_postgresql.dbapi as driver
        except ImportError as error:
            raise PostgresError(
                "the package adbc-driver-postgresql is not installed; run `make .venv/.postgres`"
            ) from error
        self._error = driver.Error
        try:
            self._connection = driver.connect(settings.uri(APPLICATION))
        except self._error as error:
            raise PostgresError(_why_not_connected(settings, str(error))) from error

    def close(self) -> None:
        """Close it; what was not committed is rolled back."""
        with suppress(self._error):
            self._connection.close()

    def commit(self) -> None:
        """Make everything since the last commit final."""
        with self._explaining():
            self._connection.commit()

    def execute(self, statement: str, *values: Any) -> None:
        """Run a statement without rows; `$1`, `$2`, ... are placeholders for the values."""
        with self._explaining(), self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._explaining(), self._connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def append(self, schema: str, table: str, rows: pa.RecordBatchReader) -> None:
        """Copy rows to the end of a table, as they come."""
        with self._explaining(), self._connection.cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            with suppress(self._error):
                self._connection.rollback()
            raise PostgresError(self._why_failed(error)) from error

    def _why_failed(self, error: Any) -> str:
        problem = _problem(str(error))
        match error.sqlstate:
            case "42501" | "25006":
                user = self.settings.user
                return f"{problem}; grant {user} the right, or set PGUSER to a user who has it"
            case "53100":
                return f"the disk of the server is full ({problem}); make room, then load again"
            case "55P03":
                return f"another session holds a lock{self._holders()}; wait for it to end, or end it, then load again"
        if re.search("connection|shutting down", problem):
            label = self.settings.label
            return (
                f"{label}: the connection was lost ({problem}); when the server is back, load again"
            )
        return problem

    def _holders(self) -> str:
        """Who holds locks that a writer has to wait for, to be named in a message."""
        try:
            names = self.rows(
                "select distinct concat_ws(', ', 'process ' || pid, usename, nullif(application_name, ''))"
                " from pg_locks inner join pg_stat_activity using (pid)"
                " where relation in (select oid from pg_class where relnamespace = 'raw'::regnamespace)"
                " and granted and pid <> pg_backend_pid() and mode in"
                " ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
            )
        except PostgresError:
            return ""
        return f" ({'; '.join(name for (name,) in names)})" if names else ""


@contextmanager
def opened(settings: ConnectionSettings) -> Iterator[Connection]:
    """Connect for a load, and lock out a second one; the lock ends with the connection.

    Raises:
        PostgresError: there is no such server, database or user, it is too old, or another load is running.
    """
    connection = Connection(settings)
    try:
        ((version,),) = connection.rows("select current_setting('server_version_num')::int / 10000")
        if version < MINIMUM_VERSION:
            raise PostgresError(
                f"{settings.label} is Postgres {version}, {MINIMUM_VERSION} or later is needed;"
                " upgrade it, or set PGHOST and PGPORT to another server"
            )
        connection.execute(f"set lock_timeout = '{LOCK_SECONDS}s'")
        try:
            connection.rows(f"select pg_advisory_lock({_LOAD_LOCK})")
        except PostgresError as error:
            if getattr(error.__cause__, "sqlstate", None) != "55P03":
                raise
            raise PostgresError(
                f"another load is writing to {settings.label}; wait for it to end"
            ) from error
        connection.commit()
        yield connection
    finally:
        connection.close()


def _why_not_connected(settings: ConnectionSettings, text: str) -> str:
    problem = _problem(text)
    message = f"{settings.host}:{settings.port}: {problem}"
    if re.search("password|role .* does not exist", problem):
        return f"{message}; set PGUSER and PGPASSWORD to those of a user of this server"
    if re.search("database .* does not exist", problem):
        return (
            f"{message}; create it (createdb -h {settings.host} -p {settings.port} -U {settings.user}"
            f" {settings.database}), or set PGDATABASE to an existing one"
        )
    if "FATAL" in text:
        return f"{message}; when the server accepts connections, load again"
    return (
        f"{message}; start the server, or set PGHOST and PGPORT to a running one (to try one:"
        " python -m scripts.postgres_server)"
    )


# What the driver, libpq and the server add before and after the message itself.
_BEFORE = re.compile(
    r".*(ERROR|FATAL|PANIC):  |.*Failed to connect: (connection to server .* failed: )?", re.DOTALL
)
_AFTER = re.compile(
    r"\s*(\. SQLSTATE|DETAIL|HINT|CONTEXT|LINE \d+|Query was|Is the server running|This probably means).*",
    re.DOTALL,
)


def _problem(text: str) -> str:
    """The message itself, on one line."""
    return " ".join(_AFTER.sub("", _BEFORE.sub("", text)).split())
