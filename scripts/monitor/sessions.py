"""The sessions of the Postgres database, its counter of deadlocks, and what its log says of the last one.

Usage:
    database = read_database(ConnectionSettings.from_environment())
    database.sessions

One short read-only transaction; it takes no lock on any table of the warehouse. A user without the role pg_monitor sees the states of its own sessions only, and
the log can be read by those only who may read files of the server (the role pg_read_server_files) and know where it is (pg_monitor).
"""

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from scripts.warehouse.settings import ConnectionSettings

_QUERY = Path(__file__).with_name("sessions.sql")
_DEADLOCKS = """
    select coalesce(max(deadlocks), 0), coalesce(max(stats_reset)::text, '')
    from pg_stat_database where datname = current_database()
"""
# The end of the log, as bytes: it may begin in the middle of a character.
_LOG = """
    select pg_read_binary_file(pg_current_logfile(), greatest(size - 1048576, 0), 1048576)
    from pg_stat_file(pg_current_logfile())
"""
_DEADLOCK = "deadlock detected"
# Who waits for whom. Not the statements, which the log also has: they may hold personal values.
_WAIT = re.compile(r"Process \d+ waits for [^;\n]+; blocked by process \d+")
# A server that does not answer within this time is as good as gone.
_OPTIONS = "-c statement_timeout=5000 -c lock_timeout=1000 -c default_transaction_read_only=on"


@dataclass(frozen=True)
class Session:
    """A session of a client.

    Attributes:
        process_id: of its process on the server.
        user_name: who is connected.
        application: the program, as it calls itself.
        state: `active`, `idle`, `idle in transaction`, ...
        blockers: the sessions that it waits for in the end: those that wait for nobody.
        is_blocked: it waits for a lock; without blockers, the sessions wait for each other.
        seconds: since it waits, or since its state has changed.
    """

    process_id: int
    user_name: str
    application: str
    state: str
    blockers: tuple[int, ...]
    is_blocked: bool
    seconds: float

    @property
    def label(self) -> str:
        """Who it is, in words."""
        return (
            f"session {self.process_id} ({self.user_name}, {self.application or 'unnamed program'})"
        )


@dataclass(frozen=True)
class Database:
    """A database as it is now.

    Attributes:
        label: where it is.
        problem: why nothing can be seen of it; None if it answers.
        sessions: of clients, without our own.
        deadlocks: how many there have been since the counter began.
        counting_since: when that was.
        last_deadlock: which processes waited for which locks in the last one, if the log of the server can be read, and is in English; empty otherwise.
    """

    label: str
    problem: str | None = None
    sessions: tuple[Session, ...] = ()
    deadlocks: int = 0
    counting_since: str = ""
    last_deadlock: str = ""

    def session(self, process_id: int) -> Session | None:
        """The session of a process; None if it is no client."""
        return next((one for one in self.sessions if one.process_id == process_id), None)


def read_database(settings: ConnectionSettings) -> Database:
    """The database as it is now; one that does not answer is described by its problem."""
    try:
        with (
            closing(
                psycopg2.connect(settings.uri("brokerage monitor"), options=_OPTIONS)
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(_QUERY.read_text(encoding="utf-8"))
            sessions = tuple(
                Session(number, user, application, state, tuple(blockers), is_blocked, seconds)
                for number, user, application, state, blockers, is_blocked, seconds in cursor.fetchall()
            )
            cursor.execute(_DEADLOCKS)
            deadlocks, since = cursor.fetchone()
            last = _last_deadlock(cursor) if deadlocks else ""
    except psycopg2.Error as error:
        return Database(settings.label, problem=" ".join(str(error).split()))
    return Database(settings.label, None, sessions, int(deadlocks), since, last)


def _last_deadlock(cursor: Any) -> str:
    """What the end of the log says of it; the last query of its transaction, which it may break."""
    try:
        cursor.execute(_LOG)
        row = cursor.fetchone()
    except psycopg2.Error:
        return ""
    text = bytes(row[0]).decode(errors="replace") if row and row[0] else ""
    _, found, after = text.rpartition(_DEADLOCK)
    # The next message may be of another session: a wait counts if it follows at once.
    return ", ".join(dict.fromkeys(_WAIT.findall(after[:4000]))) if found else ""
