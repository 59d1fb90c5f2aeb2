"""A database by its changes: each committed change is in one batch, once, in the order of commits."""

import gzip
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from scripts.extract import run
from scripts.extract.errors import ExtractError
from scripts.extract.staging import read_originals
from scripts.extract.state import last_extraction
from scripts.extract.systems.database_changes import DatabaseChangesReader
from scripts.postgres_server import PostgresServer
from tests.python.living import LivingWarehouse

CHANGE = {
    "flag": {"data_type": "varchar(1)", "batches": "incremental", "required": True},
    "number": {"data_type": "bigint", "batches": "incremental", "required": True},
}
COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"data_type": "bigint", "required": True},
    "name": {"data_type": "varchar(10000)"},
    "price": {"data_type": "decimal(8,2)"},
    "is_open": {"data_type": "boolean"},
    "at": {"data_type": "timestamp"},
}
TABLE = "create table thing (id bigint primary key, name text, price numeric(8,2), is_open boolean, at timestamptz)"
SYSTEM = {"kind": "database_changes", "address": "TEST_DATABASE"}
Sql = Callable[..., None]


@pytest.fixture
def database(source_server: PostgresServer) -> Iterator[PostgresServer]:
    with source_server.new_database() as database:
        yield database
        # A slot keeps its database from being dropped.
        connection = database.connect()
        connection.cursor().execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database() and not temporary"
        )
        connection.close()


@pytest.fixture
def sql(
    database: PostgresServer, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sql]:
    """Runs statements, each its own transaction, in a database with a table of two rows, which a contract declares."""
    monkeypatch.setenv("TEST_DATABASE", database.uri("test"))
    connection = database.connect()

    def run_all(*statements: str) -> None:
        for statement in statements:
            connection.cursor().execute(statement)

    run_all(
        TABLE,
        "alter table thing replica identity full",
        "insert into thing values (1, 'a', 1.10, true, '2017-07-07 01:02:03+00'), (2, null, null, false, null)",
    )
    declare(warehouse)
    yield run_all
    connection.close()


def declare(
    warehouse: LivingWarehouse,
    columns: dict[str, Any] | None = None,
    other: dict[str, Any] | None = None,
    **feed: Any,
) -> None:
    table = {
        "columns": CHANGE | (columns or COLUMNS),
        "change_number": "number",
        "origin": {"table": "thing", "change_flag": "flag"},
    }
    warehouse.declare(SYSTEM, {"thing": table | feed} | (other or {}))


def changes(warehouse: LivingWarehouse, batch: int, table: str = "thing") -> list[tuple[Any, ...]]:
    """Flag, number, key and name of what has landed with a batch."""
    return [
        (row["flag"], row["number"], row["id"], row["name"])
        for row in warehouse.landed(table)
        if row["batch_id"] == batch
    ]


@pytest.mark.parametrize("format_", ["delimited", "json_lines", "parquet"])
def test_the_snapshot_and_the_changes_after_it_land(
    format_: str, sql: Sql, warehouse: LivingWarehouse
) -> None:
    declare(warehouse, format=format_)
    result = warehouse.extract()
    counted = result.systems["test"].feeds["test.thing"]
    assert (counted.rows, counted.system_rows) == (2, 2)
    sql(
        "insert into thing values (3, 'c', 2.00, null, '2017-07-08 10:00:00.5+02')",
        "update thing set name = 'b' where id = 2",
        "delete from thing where id = 1",
    )
    warehouse.extract()
    rows = [[str(value) for value in row.values()] for row in warehouse.landed("thing")]
    assert rows == [
        ["None", "None", "1", "a", "1.10", "True", "2017-07-07 01:02:03", "1"],
        ["None", "None", "2", "None", "None", "False", "None", "1"],
        ["I", "1", "3", "c", "2.00", "None", "2017-07-08 08:00:00.500000", "2"],
        ["U", "2", "2", "b", "None", "False", "None", "2"],
        ["D", "3", "1", "a", "1.10", "True", "2017-07-07 01:02:03", "2"],
    ]
    assert warehouse.quarantined("thing") == []


def test_numbers_of_changes_go_on_rising(sql: Sql, warehouse: LivingWarehouse) -> None:
    warehouse.extract()
    for number in (3, 4, 5):
        sql(f"insert into thing (id) values ({number})")
        warehouse.extract()
    landed = [row["number"] for row in warehouse.landed("thing") if row["batch_id"] > 1]
    assert landed == [1, 2, 3]


def test_a_number_that_the_rows_have_is_kept(sql: Sql, warehouse: LivingWarehouse) -> None:
    sql("alter table thing add number bigint")
    warehouse.extract()
    sql(
        "insert into thing (id, number) values (3, 700)",
        "update thing set number = 705 where id = 1",
    )
    warehouse.extract()
    assert changes(warehouse, 2) == [("I", 700, 3, None), ("U", 705, 1, "a")]


def test_a_transaction_is_in_the_batch_of_its_commit(
    sql: Sql, database: PostgresServer, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    slow = psycopg2.connect(database.uri("slow"))
    slow.cursor().execute("insert into thing (id, name) values (10, 'begun first')")
    sql("insert into thing (id, name) values (11, 'begun later')")
    warehouse.extract()
    slow.cursor().execute("insert into thing (id, name) values (12, 'ended last')")
    slow.commit()
    slow.close()
    warehouse.extract()
    assert [key for _, _, key, _ in changes(warehouse, 2)] == [11]
    assert [key for _, _, key, _ in changes(warehouse, 3)] == [10, 12]


def test_what_is_rolled_back_was_never_there(
    sql: Sql, database: PostgresServer, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    with psycopg2.connect(database.uri("other")) as other:
        other.cursor().execute("insert into thing (id) values (10)")
        other.rollback()
    other.close()
    assert warehouse.extract().batch is None


def test_nothing_is_lost_or_repeated_while_others_write(
    sql: Sql, database: PostgresServer, warehouse: LivingWarehouse
) -> None:
    done = threading.Event()

    def write() -> None:
        connection = database.connect()
        number = 100
        while not done.is_set():
            connection.cursor().execute(f"insert into thing (id, name) values ({number}, 'w')")
            number += 1
        connection.close()

    writers = threading.Thread(target=write)
    writers.start()
    try:
        for _ in range(4):
            warehouse.extract()
    finally:
        done.set()
        writers.join()
    warehouse.extract()
    landed = [row["id"] for row in warehouse.landed("thing")]
    connection = database.connect()
    cursor = connection.cursor()
    cursor.execute("select id from thing order by id")
    expected = [key for (key,) in cursor.fetchall()]
    connection.close()
    assert len(expected) > 100
    assert sorted(landed) == expected


def test_a_value_that_is_stored_apart_and_has_not_changed_is_known(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    sql(
        "alter table thing alter name set storage external",
        "insert into thing (id, name) values (3, repeat('long', 2000))",
    )
    warehouse.extract()
    sql("update thing set price = 5 where id = 3")
    warehouse.extract()
    assert changes(warehouse, 2) == [("U", 1, 3, "long" * 2000)]


def test_a_table_that_would_not_say_what_was_deleted_is_refused(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    sql("alter table thing replica identity default")
    with pytest.raises(
        ExtractError, match=r"run `alter table public\.thing replica identity full`"
    ):
        warehouse.extract()


SPECIAL = [
    "pipe|d",
    "back\\slash",
    "tab\there",
    "two\nlines",
    "\\N",
    "quo\"te'",
    "",
    "ü😀",
    "a\\|b",
]


@pytest.mark.parametrize("format_", ["delimited", "json_lines", "parquet"])
def test_special_characters_land_or_are_quarantined(
    format_: str, sql: Sql, database: PostgresServer, warehouse: LivingWarehouse
) -> None:
    declare(warehouse, format=format_)

    def insert(start: int) -> None:
        connection = database.connect()
        for number, text in enumerate(SPECIAL, start=start):
            connection.cursor().execute(
                "insert into thing (id, name) values (%s, %s)", [number, text]
            )
        connection.close()

    insert(100)
    warehouse.extract()
    insert(200)
    warehouse.extract()
    # A line of a delimited file without quotes can hold neither of these.
    lost = {"pipe|d", "two\nlines", "a\\|b"} if format_ == "delimited" else set()
    expected = [text or None for text in SPECIAL if text not in lost]
    rows = warehouse.landed("thing")
    assert [row["name"] for row in rows if 100 <= row["id"] < 200] == expected
    assert [row["name"] for row in rows if row["id"] >= 200] == expected
    assert len(warehouse.quarantined("thing")) == 2 * len(lost)


def test_a_new_column_is_told_once_and_kept(sql: Sql, warehouse: LivingWarehouse) -> None:
    warehouse.extract()
    sql("alter table thing add mood text", "insert into thing (id, mood) values (3, 'good')")
    result = warehouse.extract()
    (warning,) = result.warnings
    assert "has columns that the contract does not know: mood" in warning
    assert result.systems["test"].feeds["test.thing"].unknown == ["mood"]
    (original,) = read_originals(warehouse.sources / "Batch2", warehouse.feed("thing"))
    assert original["after"]["mood"] == "good"
    sql("insert into thing (id, mood) values (4, 'bad')")
    assert warehouse.extract().warnings == []


def test_a_column_that_is_declared_later_is_taken_from_what_was_kept(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    sql("alter table thing add mood text")
    warehouse.extract()
    sql("insert into thing (id, mood) values (3, 'good')", "delete from thing where id = 1")
    warehouse.extract()
    path = warehouse.sources / "Batch2" / "thing.txt"
    before = path.read_bytes()
    assert run.extract_again(warehouse.sources, 2) == ["test.thing"]
    assert path.read_bytes() == before
    declare(warehouse, COLUMNS | {"mood": {}}, batches="incremental")
    run.extract_again(warehouse.sources, 2)
    (warehouse.sources / "Batch1" / "thing.txt").unlink()
    landed = [(row["flag"], row["id"], row["mood"]) for row in warehouse.landed("thing")]
    assert landed == [("I", 3, "good"), ("D", 1, None)]
    # It goes on from where it was.
    sql("insert into thing (id, mood) values (4, 'bad')")
    warehouse.extract()
    assert [row["id"] for row in warehouse.landed("thing")] == [3, 1, 4]


@pytest.mark.parametrize("step", [1, 2])
def test_a_batch_that_is_made_again_is_there_before_or_after(
    step: int, sql: Sql, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.extract()
    sql("insert into thing (id) values (3)")
    warehouse.extract()
    before = (warehouse.sources / "Batch2" / "thing.txt").read_bytes()
    rename, calls = Path.rename, 0

    def stop(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == step:
            # As after a kill, nothing is cleaned up.
            context.setattr("scripts.extract.staging.remove_unfinished", lambda _: None)
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as context:
        context.setattr("scripts.extract.staging.Path.rename", stop)
        with pytest.raises(KeyboardInterrupt):
            run.extract_again(warehouse.sources, 2)
    assert run.extract_again(warehouse.sources, 2) == ["test.thing"]
    assert (warehouse.sources / "Batch2" / "thing.txt").read_bytes() == before
    assert sorted(path.name for path in warehouse.sources.glob(".Batch*")) == []


def test_only_what_was_extracted_is_made_again(sql: Sql, warehouse: LivingWarehouse) -> None:
    with pytest.raises(ExtractError, match="this batch was not extracted"):
        run.extract_again(warehouse.sources, 1)


def test_columns_beyond_the_contract_are_kept_with_the_snapshot(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    sql("alter table thing add mood text default 'fine'")
    warehouse.extract()
    (path,) = (warehouse.sources / "Batch1" / ".originals").glob("*.csv.gz")
    assert b"fine" in gzip.decompress(path.read_bytes())
    assert len(warehouse.landed("thing")) == 2


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("alter table thing drop price", "has no column price"),
        ("alter table thing rename price to cost", "has no column price"),
        ("alter table thing alter price type text", "price of public.thing has another type now"),
        ("drop table thing", "there is no table public.thing"),
    ],
)
def test_a_column_that_is_gone_or_of_another_type_stops_the_extraction(
    statement: str, problem: str, sql: Sql, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    sql("insert into thing (id) values (3)", statement)
    with pytest.raises(ExtractError, match=problem):
        warehouse.extract()
    assert not (warehouse.sources / "Batch2").exists()


def test_a_change_that_was_made_before_a_column_had_another_type_is_not_lost(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    sql(
        "insert into thing (id, price) values (3, 1.5)",
        "alter table thing alter price type integer using 7",
        "insert into thing (id, price) values (4, 2)",
    )
    warehouse.extract()
    landed = {
        row["id"]: str(row["price"]) for row in warehouse.landed("thing") if row["batch_id"] == 2
    }
    assert landed == {3: "1.50", 4: "2.00"}


def test_days_without_a_change_are_no_mistake(sql: Sql, warehouse: LivingWarehouse) -> None:
    sql("create table other (id bigint)", "alter table other replica identity full")
    columns = CHANGE | {"id": {"data_type": "bigint"}}
    origin = {"table": "other", "change_flag": "flag"}
    strict = {"may_be_empty": False}
    other = {"columns": columns, "change_number": "number", "origin": origin} | strict
    declare(warehouse, other={"other": other}, **strict)
    for number in (3, 4, 5):
        warehouse.extract()
        sql(f"insert into thing (id) values ({number})")
    assert [row["id"] for row in warehouse.landed("thing")] == [1, 2, 3, 4]
    assert warehouse.landed("other") == []
    # A file that somebody else has emptied is one.
    (warehouse.sources / "Batch3" / "thing.txt").write_text("")
    with pytest.raises(AssertionError, match="the file holds no record"):
        warehouse.load()


def test_a_table_that_is_truncated_is_told(sql: Sql, warehouse: LivingWarehouse) -> None:
    warehouse.extract()
    sql("truncate thing")
    (warning,) = warehouse.extract().warnings
    assert "public.thing was truncated at" in warning


def test_a_feed_that_is_added_later_has_its_own_snapshot(
    sql: Sql, database: PostgresServer, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    sql(
        "create table other as select * from thing",
        "alter table other replica identity full",
        "update other set name = 'before' where id = 2",
    )
    other = {
        "other": {
            "columns": CHANGE | COLUMNS,
            "change_number": "number",
            # Its first batch is not the first one.
            "required": False,
            "origin": {"table": "other", "change_flag": "flag"},
        }
    }
    declare(warehouse, other=other)
    sql("insert into thing (id, name) values (3, 'c')")
    warehouse.extract()
    sql(
        "insert into other (id, name) values (9, 'z')",
        "insert into thing (id, name) values (4, 'd')",
    )
    warehouse.extract()
    assert changes(warehouse, 2) == [("I", 1, 3, "c")]
    assert changes(warehouse, 2, "other") == [("I", 1, 1, "a"), ("I", 2, 2, "before")]
    assert changes(warehouse, 3, "other") == [("I", 3, 9, "z")]
    assert changes(warehouse, 3) == [("I", 2, 4, "d")]


def test_what_changes_between_the_snapshot_of_a_later_feed_and_the_mark_is_not_lost(
    sql: Sql, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.extract()
    sql("create table other as select * from thing", "alter table other replica identity full")
    origin = {"table": "other", "change_flag": "flag"}
    other = {"columns": CHANGE | COLUMNS, "change_number": "number", "origin": origin}
    declare(warehouse, other={"other": other | {"required": False}})
    flushed = DatabaseChangesReader._flushed

    def insert_before(self: Any) -> int:
        sql("insert into other (id, name) values (9, 'in between')")
        return flushed(self)

    with monkeypatch.context() as context:
        context.setattr(DatabaseChangesReader, "_flushed", insert_before)
        warehouse.extract()
    sql("insert into other (id, name) values (10, 'later')")
    warehouse.extract()
    assert changes(warehouse, 2, "other") == [
        ("I", 1, 1, "a"),
        ("I", 2, 2, None),
        ("I", 3, 9, "in between"),
    ]
    assert changes(warehouse, 3, "other") == [("I", 4, 10, "later")]


def test_a_historical_feed_that_joins_too_late_is_told(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    other = {"columns": COLUMNS, "batches": "historical", "origin": {"table": "thing"}}
    declare(warehouse, other={"other": other})
    sql("insert into thing (id) values (3)")
    (warning,) = warehouse.extract().warnings
    assert "test.other: its rows come with batch 1 only, which is there already" in warning


def test_only_the_first_rows_of_a_historical_feed_are_wanted(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    warehouse.declare(
        SYSTEM,
        {"thing": {"columns": COLUMNS, "batches": "historical", "origin": {"table": "thing"}}},
    )
    warehouse.extract()
    sql("insert into thing (id) values (3)")
    assert warehouse.extract().batch is None
    assert [row["id"] for row in warehouse.landed("thing")] == [1, 2]


def test_a_slot_that_is_gone_is_told(
    sql: Sql, database: PostgresServer, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    sql("select pg_drop_replication_slot('brokerage_warehouse_test')")
    with pytest.raises(ExtractError, match="the replication slot brokerage_warehouse_test is gone"):
        warehouse.extract()


def test_changes_that_the_slot_has_forgotten_are_missed(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    for number in (3, 4):
        warehouse.extract()
        sql(f"insert into thing (id) values ({number})")
    warehouse.extract()
    (warehouse.sources / "Batch3").rename(warehouse.folder / "moved")
    with pytest.raises(ExtractError, match="beyond the last batch of this folder: bring back"):
        warehouse.extract()
    (warehouse.folder / "moved").rename(warehouse.sources / "Batch3")
    assert warehouse.extract().batch is None


def test_a_slot_of_another_folder_is_left_alone(sql: Sql, warehouse: LivingWarehouse) -> None:
    warehouse.extract()
    warehouse.sources.rename(warehouse.folder / "elsewhere")
    with pytest.raises(ExtractError, match="exists, and was not made for this folder"):
        warehouse.extract()


@pytest.mark.parametrize("step", ["write", "rename", "confirm"])
def test_an_extraction_that_ends_at_any_step_loses_and_repeats_nothing(
    step: str, sql: Sql, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {
        "write": "scripts.extract.state.Extraction.write",
        "rename": "scripts.extract.staging.Path.rename",
        "confirm": "scripts.extract.systems.database_changes.DatabaseChangesReader.confirm",
    }[step]

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    for number in (3, 4):
        with monkeypatch.context() as context:
            context.setattr(place, end)
            with pytest.raises(KeyboardInterrupt):
                warehouse.extract()
        if step != "confirm" or number == 3:
            warehouse.extract()
        sql(f"insert into thing (id) values ({number})")
    warehouse.extract()
    assert [row["id"] for row in warehouse.landed("thing")] == [1, 2, 3, 4]


def test_a_slot_that_holds_much_is_told(sql: Sql, warehouse: LivingWarehouse) -> None:
    warehouse.declare(
        SYSTEM | {"most_lag_mib": 1},
        {
            "thing": {
                "columns": CHANGE | COLUMNS,
                "change_number": "number",
                "origin": {"table": "thing", "change_flag": "flag"},
            }
        },
    )
    warehouse.extract()
    sql(
        "insert into thing (id, name) select n, repeat('x', 1000) from generate_series(10, 2000) as n"
    )
    (warning,) = warehouse.extract().warnings
    assert "MiB of its log, more than 1: extract more often" in warning


def test_the_slot_forgets_what_is_in_place(
    sql: Sql, database: PostgresServer, warehouse: LivingWarehouse
) -> None:
    warehouse.extract()
    sql("insert into thing (id) values (3)")
    warehouse.extract()
    connection = database.connect()
    cursor = connection.cursor()
    cursor.execute(
        "select confirmed_flush_lsn::text from pg_replication_slots where database = current_database()"
    )
    ((confirmed,),) = cursor.fetchall()
    connection.close()
    last = last_extraction(warehouse.sources)
    assert last is not None
    assert last.systems["test"].position["lsn"] == confirmed


def test_what_is_pending_is_told_without_changing_anything(
    sql: Sql, warehouse: LivingWarehouse
) -> None:
    assert "all rows" in run.pending(warehouse.options())["test"].text
    assert not warehouse.sources.exists()
    warehouse.extract()
    sql("insert into thing (id) values (3)")
    found = run.pending(warehouse.options())["test"]
    assert (found.bytes or 0) > 0
    assert warehouse.extract().batch == 2


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("postgresql://user:s3cret@127.0.0.1:9/nothing", "refused"),
        ("postgres//user:s3cret@127.0.0.1:9/nothing", "missing"),
        ("host=127.0.0.1 port=9 password=s3cret more=1", "invalid connection option"),
    ],
)
def test_a_server_that_cannot_be_reached_is_told_without_the_password(
    address: str,
    problem: str,
    sql: Sql,
    warehouse: LivingWarehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_DATABASE", address)
    with pytest.raises(ExtractError, match=f"TEST_DATABASE: .*{problem}") as error:
        warehouse.extract()
    assert "s3cret" not in str(error.value)
