"""The sessions of the Postgres database, and its counter of deadlocks, as the views of the server show them.

Usage:
    database = read_database(ConnectionSettings.from_environment())
    database.sessions

One short read-only transaction; it takes no lock on any table of the warehouse. A user without the role pg_monitor sees the states of its own sessions only.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from scripts.warehouse.settings import ConnectionSettings

_QUERY = Path(__file__).with_name("sessions.sql")
_DEADLOCKS = """
    select coalesce(max(deadlocks), 0), coalesce(max(stats_reset)::text, '')
    from pg_stat_database where datname = current_database()
"""
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
    """

    label: str
    problem: str | None = None
    sessions: tuple[Session, ...] = ()
    deadlocks: int = 0
    counting_since: str = ""

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
    except psycopg2.Error as error:
        return Database(settings.label, problem=" ".join(str(error).split()))
    return Database(settings.label, None, sessions, int(deadlocks), since)
