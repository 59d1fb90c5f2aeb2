"""A warehouse does the same on every engine: it is queried, compared, emptied, saved and restored."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg2
import pytest

from scripts.postgres_server import PostgresServer
from scripts.warehouse import postgres_warehouse
from scripts.warehouse.base import Warehouse
from scripts.warehouse.duckdb_warehouse import IN_MEMORY, DuckDBWarehouse
from scripts.warehouse.engines import WAREHOUSES, from_environment
from scripts.warehouse.fingerprints import Fingerprint
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import ConnectionSettings, PostgresError, Target

COLUMNS = (
    "id integer, price decimal(12, 4), ratio double precision, label varchar, day date, happened_at timestamp,"
    " tags varchar[], is_open boolean, loaded_at timestamp"
)
# Values that engines write in different ways: zeros at the end, many digits, lists, NULL.
ROWS = """
    (1, 10.5000, 0.1, 'two words', date '2017-07-08', timestamp '2017-07-08 01:02:03', array['a', null], true, {now}),
    (2, 100.0000, 1e20, 'zürich', null, timestamp '2017-07-08 01:02:03.5', array['b,c'], false, {now}),
    (3, -0.0100, -2.5e-7, '', date '0001-01-01', null, null, null, {now}),
    (4, null, null, null, date '9999-12-31', null, array['d'], true, {now})
"""
# Written down when the recipe was made: two versions of it would compare unequal.
EXPECTED = Fingerprint(4, "1399831531353530375")


@pytest.fixture(
    params=[Target.DUCKDB, pytest.param(Target.POSTGRES, marks=pytest.mark.integration)]
)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty one of each engine."""
    if request.param == Target.DUCKDB:
        with WAREHOUSES[Target.DUCKDB].temporary(tmp_path / "warehouse") as warehouse:
            run(warehouse, "select 1")
            yield warehouse
    else:
        with PostgresWarehouse.on(request.getfixturevalue("postgres")) as warehouse:
            yield warehouse


def run(warehouse: Warehouse, *statements: str) -> None:
    """Run statements that write."""
    if isinstance(warehouse, DuckDBWarehouse):
        with duckdb.connect(str(warehouse.file)) as connection:
            for statement in statements:
                connection.execute(statement)
    else:
        for statement in statements:
            warehouse.query(statement)


def fill(warehouse: Warehouse, rows: str = ROWS, now: str = "timestamp '2026-01-01'") -> None:
    run(
        warehouse,
        "create schema marts",
        f"create table marts.example ({COLUMNS})",
        f"insert into marts.example values {rows.format(now=now)}",
    )


# Leaves a row that was deleted in the log beside the file, as a build that is killed does.
KILLED = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1], config={"checkpoint_threshold": "1TB"})
connection.execute("create table person as select '12 Elm Street' as address")
connection.execute("delete from person")
connection.execute("create table left_over as select 1 as number")
os._exit(9)
"""


def test_a_file_is_whole_and_has_nothing_deleted_when_it_is_compacted_after_a_kill(
    tmp_path: Path,
) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "o'hara.duckdb")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(warehouse.file)], check=False)
    assert killed.returncode == 9
    log = warehouse.file.with_name(f"{warehouse.file.name}.wal")
    assert b"12 Elm Street" in log.read_bytes()
    spilled = warehouse.file.with_name(f"{warehouse.file.name}.tmp")
    spilled.mkdir()
    (spilled / "duckdb_temp_storage-0.tmp").write_bytes(b"12 Elm Street")
    warehouse.compact()
    assert warehouse.query("select * from main.left_over") == [(1,)]
    assert [path.name for path in warehouse.files()] == [warehouse.file.name]
    assert b"12 Elm Street" not in warehouse.file.read_bytes()


@pytest.mark.integration
def test_a_table_is_not_compacted_while_somebody_may_still_see_what_was_deleted(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_warehouse, "_LOCK_SECONDS", 0)
    with PostgresWarehouse.on(postgres) as warehouse:
        run(warehouse, "create table person as select '12 Elm Street' as address")
        with closing(warehouse.database.connect()) as reader, reader.cursor() as cursor:
            reader.autocommit = False
            cursor.execute("set transaction isolation level repeatable read; select * from person")
            run(warehouse, "delete from person")
            with pytest.raises(PostgresError, match="transactions that began before go on"):
                warehouse.compact(["public.person"])
        warehouse.compact(["public.person"])
        ((path,),) = warehouse.query(
            "select current_setting('data_directory') || '/' || pg_relation_filepath('person')"
        )
        assert b"12 Elm Street" not in Path(path).read_bytes()


def test_each_target_has_a_class() -> None:
    assert {target: engine.target for target, engine in WAREHOUSES.items()} == {
        target: target for target in WAREHOUSES
    }
    assert {target: from_environment(target).target for target in Target} == {
        target: target for target in Target
    }


def test_a_fingerprint_is_the_same_on_every_engine_whenever_the_rows_were_loaded(
    warehouse: Warehouse,
) -> None:
    fill(warehouse)
    assert warehouse.fingerprints() == {"marts.example": EXPECTED}
    run(warehouse, "update marts.example set loaded_at = timestamp '2027-01-01'")
    assert warehouse.fingerprints() == {"marts.example": EXPECTED}
    relations = {"by a name": "marts.example"}
    assert warehouse.fingerprints(relations) == {"by a name": EXPECTED}
    assert warehouse.fingerprints(relations, ignored=()) != {"by a name": EXPECTED}


@pytest.mark.parametrize(
    "change",
    [
        "update marts.example set price = 10.5001 where id = 1",
        "update marts.example set tags = array['a'] where id = 1",
        "update marts.example set label = null where id = 3",
        "update marts.example set ratio = 0.10000000000001 where id = 1",
        "insert into marts.example select * from marts.example where id = 1",
        "delete from marts.example where id = 4",
    ],
)
def test_another_value_and_another_number_of_rows_give_another_fingerprint(
    warehouse: Warehouse, change: str
) -> None:
    fill(warehouse)
    run(warehouse, change)
    assert warehouse.fingerprints() != {"marts.example": EXPECTED}


def test_an_empty_table_has_a_fingerprint(warehouse: Warehouse) -> None:
    run(warehouse, "create schema marts", "create table marts.empty (id integer)")
    assert warehouse.fingerprints() == {"marts.empty": Fingerprint(0, "0")}


def test_the_text_of_a_row_shows_its_values_by_the_names_of_their_columns(
    warehouse: Warehouse,
) -> None:
    fill(warehouse)
    columns = warehouse.columns("marts.example")
    assert columns == sorted(
        ["id", "price", "ratio", "label", "day", "happened_at", "tags", "is_open"]
    )
    first = dict(zip(columns, warehouse.row_texts("marts.example")[2].split(chr(31)), strict=True))
    assert first == {
        "happened_at": "2017-07-08 01:02:03",
        "day": "2017-07-08",
        "id": "1",
        "is_open": "true",
        "label": "two words",
        "price": "10.5",
        "ratio": "1.00000000000000e-01",
        "tags": f"2{chr(29)}a{chr(29)}{chr(30)}",
    }


def test_views_are_no_tables_and_snapshots_are_counted_but_not_compared(
    warehouse: Warehouse,
) -> None:
    fill(warehouse)
    run(
        warehouse,
        "create view marts.a_view as select 1 as id",
        "create schema snapshots",
        "create table snapshots.published as select 1 as id",
        "create schema raw",
        "create table raw.loaded as select 1 as id",
    )
    assert list(warehouse.tables()) == ["marts.example", "raw.loaded", "snapshots.published"]
    assert set(warehouse.fingerprints()) == {"marts.example", "raw.loaded"}
    # What is loaded was not built.
    assert warehouse.row_counts() == {"marts.example": 4, "snapshots.published": 1}


def test_a_saved_state_comes_back_as_often_as_it_is_restored(warehouse: Warehouse) -> None:
    fill(warehouse)
    warehouse.save("filled")
    for change in ("drop table marts.example", "delete from marts.example"):
        run(warehouse, change)
        warehouse.restore("filled")
        assert warehouse.fingerprints() == {"marts.example": EXPECTED}
    run(warehouse, "delete from marts.example where id > 1")
    warehouse.save("filled")
    warehouse.empty()
    warehouse.restore("filled")
    assert warehouse.row_counts() == {"marts.example": 1}


def test_an_emptied_warehouse_can_be_filled_again(warehouse: Warehouse) -> None:
    for _ in range(2):
        fill(warehouse)
        warehouse.empty()
    run(warehouse, "select 1")
    assert warehouse.tables() == {}


def test_dropping_what_is_built_leaves_what_a_server_has_loaded(warehouse: Warehouse) -> None:
    fill(warehouse)
    run(warehouse, "create schema raw", "create table raw.loaded as select 1 as id")
    warehouse.drop_built()
    run(warehouse, "select 1")
    assert list(warehouse.tables()) == (["raw.loaded"] if warehouse.is_written_by_a_server else [])


def test_a_warehouse_has_a_size(warehouse: Warehouse) -> None:
    assert warehouse.size() > 0


def test_a_query_is_explained_with_what_each_step_took(warehouse: Warehouse) -> None:
    fill(warehouse)
    plan = warehouse.query(f"{warehouse.explain} select count(*) from marts.example")
    assert "time" in " ".join(str(line[-1]) for line in plan).lower()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.duckdb: no such warehouse; build one"):
        DuckDBWarehouse(tmp_path / "nowhere.duckdb").query("select 1")
    assert not list(tmp_path.iterdir())


def test_a_file_that_this_process_has_open_can_be_queried(tmp_path: Path) -> None:
    """dbt keeps it open until its process ends."""
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(warehouse.file)) as connection:
        connection.execute("create table example as select 7 as id")
        assert warehouse.query("select id from example") == [(7,)]


def test_nobody_writes_into_a_file_by_a_query(tmp_path: Path) -> None:
    with DuckDBWarehouse.temporary(tmp_path) as warehouse:
        fill(warehouse)
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            warehouse.query("delete from marts.example")


def test_what_is_not_yet_in_the_file_is_saved_and_removed_with_it(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(warehouse.file)) as connection:
        connection.execute(
            "set checkpoint_threshold = '1GB'; create table example as select 7 as id"
        )
        assert (tmp_path / "warehouse.duckdb.wal").exists()
        warehouse.save("open")
    (tmp_path / "other.duckdb").touch()
    warehouse.empty()
    assert {path.name for path in tmp_path.iterdir()} == {"saved", "other.duckdb"}
    warehouse.restore("open")
    assert warehouse.query("select id from example") == [(7,)]


def test_in_memory_files_can_be_queried() -> None:
    assert DuckDBWarehouse(IN_MEMORY).query("select 1 + 1") == [(2,)]


@pytest.mark.integration
def test_a_temporary_database_and_its_saved_states_are_dropped_at_the_end(
    postgres: PostgresServer,
) -> None:
    with PostgresWarehouse.on(postgres) as warehouse:
        warehouse.save("one")
        warehouse.save("two")
        prefix = warehouse.database.database
        databases = f"select count(*) from pg_database where starts_with(datname, '{prefix}')"
        assert PostgresWarehouse(postgres).query(databases) == [(3,)]
    assert PostgresWarehouse(postgres).query(databases) == [(0,)]


@pytest.mark.integration
def test_whoever_is_connected_does_not_keep_a_state_from_being_restored(
    postgres: PostgresServer,
) -> None:
    with PostgresWarehouse.on(postgres) as warehouse:
        warehouse.save("empty")
        connection = warehouse.database.connect()
        warehouse.restore("empty")
        with pytest.raises(psycopg2.OperationalError):
            connection.cursor().execute("select 1")


def test_settings_come_from_the_variables_of_libpq(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    settings = ConnectionSettings.from_environment()
    assert (settings.label, settings.user) == ("localhost:5432/brokerage", "postgres")
    monkeypatch.setenv("PGHOST", "/run/a folder")
    monkeypatch.setenv("PGPASSWORD", "p&ss")
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "3")
    assert ConnectionSettings.from_environment().uri("my program") == (
        "postgresql:///brokerage?host=%2Frun%2Fa%20folder&port=5432&user=postgres&password=p%26ss"
        "&application_name=my%20program&connect_timeout=3"
    )
