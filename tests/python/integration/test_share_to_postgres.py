"""Tables of another Postgres have a version of a share as a whole, or the one before; what they have is counted, and what others did to them is mended."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from scripts.postgres_server import PostgresServer
from scripts.share import destination_postgres, destinations
from scripts.share.build import Outcome
from scripts.share.changes import Changes
from scripts.share.destinations import (
    Delivered,
    DestinationError,
    deliver,
    delivered_version,
    withdraw,
)
from scripts.share.policies import PolicyError
from tests.python.sharing import TABLE, Daily, dump_rows, envelope, use_places, written

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("share_to_postgres")]

LABEL = "partner/people"


class Partner(Daily):
    """A share, and a database that it is taken to."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        super().__init__(folder)
        self.server = server
        self.destination = (
            f"postgresql:///{server.database}?host={server.host}&port={server.port}&schema=given"
        )

    def deliver(self, outcome: Outcome) -> Delivered:
        return deliver(self.destination, self.versions, outcome.index)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with (
            closing(psycopg2.connect(self.server.uri("test"))) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def rows_there(self) -> list[tuple[Any, ...]]:
        return self.query("select * from given.people order by person_id")

    def version(self) -> str | None:
        return delivered_version(self.destination, LABEL)


def shared_table(columns: list[str]) -> dict[str, Any]:
    return {"table": TABLE, "columns": columns}


def rows_of(outcome: Outcome) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in dump_rows(outcome.folder, outcome.index)]


@pytest.fixture
def partner(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Partner]:
    use_places(tmp_path, monkeypatch)
    monkeypatch.setenv("PGUSER_SHARES", postgres.user)
    monkeypatch.setenv("PGPASSWORD_SHARES", postgres.password)
    monkeypatch.setattr(destinations, "WAITS", (0.0,))
    with postgres.new_database() as database:
        yield Partner(tmp_path, database)


def changed_rows(outcome: Outcome) -> int:
    changes = outcome.index.changes["people"]
    assert isinstance(changes, Changes)
    return changes.added + changes.modified + changes.deleted


def test_first_all_rows_are_sent_and_then_what_has_changed(partner: Partner) -> None:
    assert partner.version() is None
    first = partner.build()
    assert partner.deliver(first) == Delivered(first.index.version, 150, 150, "rows")
    assert partner.rows_there() == rows_of(first)
    # The same again does nothing.
    assert partner.deliver(first).sent == 0
    second = partner.build()
    assert partner.deliver(second).sent == changed_rows(second) < 100
    assert partner.rows_there() == rows_of(second)
    # Two versions late: what has changed in each, one after the other.
    third, fourth = partner.build(), partner.build()
    assert partner.deliver(fourth).sent == changed_rows(third) + changed_rows(fourth)
    assert partner.rows_there() == rows_of(fourth)
    # Later than the versions that are kept: all rows.
    for _ in range(3):
        last = partner.build()
    assert partner.deliver(last).sent == last.index.rows
    assert partner.rows_there() == rows_of(last)
    assert partner.version() == last.index.version
    keys = partner.query(
        "select column_name from information_schema.key_column_usage where table_schema = 'given' and table_name = 'people'"
    )
    assert keys == [("person_id",)]
    partner.query("create table given.theirs (x int)")
    withdraw(partner.destination, LABEL)
    assert partner.version() is None
    left = partner.query("select tablename from pg_tables where schemaname = 'given' order by 1")
    assert left == [("share_versions",), ("theirs",)]


def test_what_is_interrupted_changes_nothing_and_is_done_again(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = partner.build()
    partner.deliver(first)
    second, third = partner.build(), partner.build()
    copy, calls = destination_postgres._copy, []

    def interrupted(*arguments: Any) -> None:
        copy(*arguments)
        calls.append(arguments)
        if len(calls) in (2, 3):
            raise OSError("the network is down")

    monkeypatch.setattr(destination_postgres, "_copy", interrupted)
    with pytest.raises(DestinationError, match="tried 2 times: the network is down"):
        partner.deliver(third)
    # The second version was there as a whole before; it goes on with the third.
    assert partner.version() == second.index.version
    assert partner.rows_there() == rows_of(second)
    assert partner.deliver(third).sent == changed_rows(third)
    assert partner.rows_there() == rows_of(third)


@pytest.mark.parametrize(
    "damage",
    [
        "delete from given.people where person_id = (select min(person_id) from given.people)",
        "insert into given.people (person_id) values (-5)",
        "insert into given.people (person_id) values (151)",
        "truncate given.people",
        "drop table given.people",
    ],
)
def test_a_table_that_others_have_changed_is_filled_again(partner: Partner, damage: str) -> None:
    partner.deliver(partner.build())
    partner.query(damage)
    second = partner.build()
    assert partner.deliver(second).sent == second.index.rows
    assert partner.rows_there() == rows_of(second)


def test_tables_follow_the_policy_and_those_of_others_are_left_alone(partner: Partner) -> None:
    first = partner.build()
    partner.query("create schema given; create table given.people (x int)")
    with pytest.raises(
        DestinationError, match=r"given\.people is there, but not from partner/people"
    ):
        partner.deliver(first)
    assert partner.query("select count(*) from given.people") == [(0,)]
    partner.query("drop table given.people")
    partner.deliver(first)
    fewer = shared_table(["person_id", "region"])
    partner.content["tables"] = {"people": fewer, "members": shared_table(["person_id"])}
    second = partner.build()
    partner.deliver(second)
    assert partner.rows_there() == rows_of(second)
    assert partner.query("select count(*) from given.members") == [(len(rows_of(second)),)]
    partner.content["tables"] = {"people": fewer}
    partner.deliver(partner.build())
    names = partner.query("select tablename from pg_tables where schemaname = 'given' order by 1")
    assert names == [("people",), ("share_versions",)]


def test_readers_find_a_whole_version_while_the_next_one_is_taken_there(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = partner.build()
    partner.deliver(first)
    before, seen = rows_of(first), []
    copy = destination_postgres._copy

    def watched(*arguments: Any) -> None:
        copy(*arguments)
        seen.append(partner.rows_there())

    monkeypatch.setattr(destination_postgres, "_copy", watched)
    for _ in range(4):
        last = partner.build()
    partner.deliver(last)
    assert seen == [before]
    assert partner.rows_there() == rows_of(last)


def test_a_server_that_is_away_is_told(partner: Partner) -> None:
    first = partner.build()
    partner.destination = "postgresql://127.0.0.1:1/nowhere"
    with pytest.raises(DestinationError, match=r"tried 2 times: .*refused"):
        partner.deliver(first)
    partner.destination = "postgresql://127.0.0.1:1"
    with pytest.raises(DestinationError, match="name the database"):
        partner.deliver(first)


def test_counts_that_differ_are_not_committed(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = partner.build()
    dump = first.index.resource("people", "dump")
    assert dump is not None
    (file,) = dump.files
    wrong = replace(dump, files=(replace(file, rows=file.rows + 1),))
    monkeypatch.setattr(destinations, "problems", lambda folder: [])
    with pytest.raises(DestinationError, match="people has 150 rows, not 151; nothing was changed"):
        deliver(partner.destination, partner.versions, replace(first.index, resources=(wrong,)))
    assert partner.version() is None


@pytest.mark.parametrize("secret", ["user=ann", "password=x", "sslmode=require&password=x"])
def test_an_address_with_a_secret_is_refused(tmp_path: Path, secret: str) -> None:
    tables = {"people": {"table": TABLE, "columns": ["person_id"]}}
    place = "postgresql://host/name"
    with pytest.raises(PolicyError, match="they come from the environment"):
        written(tmp_path, envelope(tables) | {"destination": f"{place}?{secret}"})
    content = envelope(tables) | {"destination": f"{place}?sslmode=require"}
    assert written(tmp_path, content).destination
