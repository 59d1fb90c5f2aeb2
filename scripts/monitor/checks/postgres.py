"""Checks of the Postgres database, from the views of the server; silent if the warehouse is a file."""

from collections.abc import Iterator
from datetime import datetime

from scripts.monitor.registry import HiddenError, Seen, Severity, check
from scripts.monitor.sessions import Database, Session
from scripts.monitor.sight import Sight


@check(
    "postgres_down",
    Severity.CRITICAL,
    "the database cannot be reached",
    "start the server, or correct PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE",
)
def postgres_down(sight: Sight) -> Iterator[Seen]:
    """Over when it answers again."""
    if sight.database and sight.database.problem:
        yield Seen(sight.database.label, f"{sight.database.label}: {sight.database.problem}")


@check(
    "postgres_blocked",
    Severity.CRITICAL,
    "a session waits for the lock of another one",
    "end the blocking session, or wait for it: select pg_terminate_backend(<its number>)",
)
def postgres_blocked(sight: Sight) -> Iterator[Seen]:
    """Over when it waits no longer. Names the sessions at the head of the queue, which themselves wait for nobody."""
    database = _seen(sight)
    limit = sight.thresholds["postgres"]["blocked_seconds"]
    for session in database.sessions if database else ():
        if session.is_blocked and session.seconds > limit:
            yield Seen(
                f"{session.process_id} of {sight.places.target}",
                f"{session.label} has waited for a lock for {session.seconds:.0f} s; {_blocked_by(database, session)}",
            )


@check(
    "postgres_idle_in_transaction",
    Severity.WARNING,
    "a session has a transaction open and does nothing",
    "commit or roll it back, or end the session: select pg_terminate_backend(<its number>)",
)
def postgres_idle_in_transaction(sight: Sight) -> Iterator[Seen]:
    """Over when the transaction ends."""
    database = _seen(sight)
    limit = sight.thresholds["postgres"]["idle_in_transaction_seconds"]
    for session in database.sessions if database else ():
        if session.state.startswith("idle in transaction") and session.seconds > limit:
            yield Seen(
                f"{session.process_id} of {sight.places.target}",
                f"{session.label} has been idle in a transaction for {session.seconds:.0f} s",
            )


@check(
    "postgres_deadlock",
    Severity.WARNING,
    "Postgres has ended a statement because of a deadlock",
    "run again what failed; keep two writers from working at the same time",
)
def postgres_deadlock(sight: Sight) -> Iterator[Seen]:
    """Over after a while without another one. The counter of the server is compared from look to look; the first look only notes it."""
    database = _seen(sight)
    if database is None:
        return
    memory = sight.remembered("postgres_deadlock").setdefault(database.label, {})
    # A counter that begins anew says nothing about what was before.
    is_same_counter = memory.get("counting_since") == database.counting_since
    rise = database.deadlocks - memory["count"] if is_same_counter and memory else 0
    memory |= {"count": database.deadlocks, "counting_since": database.counting_since}
    if rise > 0:
        memory |= {
            "rise": rise,
            "risen_at": sight.now.isoformat(),
            "who": database.last_deadlock or "the log of the server names the statements",
        }
    risen_at = datetime.fromisoformat(memory["risen_at"]) if "risen_at" in memory else None
    limit = sight.thresholds["postgres"]["deadlock_seconds"]
    if risen_at and (sight.now - risen_at).total_seconds() < limit:
        yield Seen(
            database.label,
            f"{database.label}: {memory['rise']} deadlock{'s' if memory['rise'] > 1 else ''},"
            f" noticed at {risen_at:%Y-%m-%d %H:%M:%S}; {memory['who']}",
        )


def _seen(sight: Sight) -> Database | None:
    """The database, if there is one.

    Raises:
        HiddenError: it does not answer.
    """
    if sight.database and sight.database.problem:
        raise HiddenError(sight.database.problem)
    return sight.database


def _blocked_by(database: Database | None, session: Session) -> str:
    if not session.blockers:
        return "the sessions wait for each other"
    names = []
    for number in session.blockers:
        found = database.session(number) if database else None
        names.append(
            f"{found.label}, {found.state} for {found.seconds:.0f} s"
            if found
            else f"process {number}"
        )
    return f"it is blocked by {' and '.join(names)}"
