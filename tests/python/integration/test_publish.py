"""Readers have the last green build as a whole, masked as declared, in any moment, whatever happens to those who publish; on both engines."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import psycopg2.errors
import pytest

from scripts.history.records import RunEnded, RunStarted, read_records
from scripts.postgres_server import PostgresServer
from scripts.publish import postgres_schemas
from scripts.publish import run as publish_module
from scripts.publish.manifest import Manifest, TableContent
from scripts.publish.run import Publication, publish
from scripts.publish.tables import Reader
from scripts.publish.versions import NotGreenError, PublishError, Versions
from scripts.warehouse.base import Query, Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT
from tests.python.publishing import (
    KILLED,
    Conditions,
    opened_by_reader,
    publish_under,
    publishing,
    steps_until_killed,
    version_seen,
    watching,
)
from tests.python.small_warehouse import ROWS, SmallWarehouse

pytestmark = pytest.mark.integration

SEED = 17
VERSIONS = 10


@dataclass
class Place:
    """A warehouse of a few tables, and where it is published."""

    small: SmallWarehouse
    folder: Path

    @property
    def warehouse(self) -> Warehouse:
        return self.small.warehouse

    def publish(self, **options: Any) -> Publication:
        return publish(self.warehouse, self.folder, self.small.project, **options)

    def current(self) -> Manifest:
        manifest = Manifest.read(self.folder / "current")
        assert manifest is not None
        return manifest

    def names(self) -> list[str]:
        """What is in the folder, without the lock."""
        return sorted(path.name for path in self.folder.iterdir() if path.name != ".publish.lock")

    @contextmanager
    def reader(self, who: Reader = Reader.ANALYST) -> Iterator[Query]:
        with opened_by_reader(self.warehouse, self.folder, who) as query:
            yield query

    def watching(self, *, is_long: bool = True) -> AbstractContextManager[Callable[[], int]]:
        return watching(self.warehouse, self.folder, is_long=is_long)

    def steps(self, *, killed_at: int | None = None) -> list[str]:
        return steps_until_killed(self.small, self.folder, killed_at)


@pytest.fixture(params=list(WAREHOUSES))
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DBT_TARGET", request.param)
    if request.param == Target.POSTGRES:
        server: PostgresServer = request.getfixturevalue("postgres")
        with PostgresWarehouse.on(server) as warehouse:
            yield Place(SmallWarehouse(warehouse), tmp_path / "published")
    else:
        with WAREHOUSES[request.param].temporary(tmp_path / "warehouse") as warehouse:
            yield Place(SmallWarehouse(warehouse), tmp_path / "published")


def test_each_reader_has_the_tables_that_the_models_declare(place: Place) -> None:
    place.small.build(2)
    manifest = place.publish().manifest
    common = ["marts.dim_customer", "marts.fct_trades"]
    common += [f"marts.rpt_{name}" for name in ("bought", "customers", "trades")]
    assert manifest.readers[Reader.ANALYST].tables == [*common, "quality.load_log"]
    assert manifest.readers[Reader.AUDITOR].tables == [
        *common,
        "marts.rpt_watched",
        "quality.load_log",
    ]
    for who in Reader:
        with place.reader(who) as query:
            for table in manifest.readers[who].tables:
                schema, name = table.split(".")
                (count,) = query(f"select count(*) from {{{schema}}}.{name}")
                if table in manifest.tables:
                    assert count == (manifest.tables[table].rows,)
            assert query("select count(*) from {marts}.rpt_trades") == [(2 * ROWS - 1,)]
            # A view that reads personal columns is what it was before they were masked.
            assert query("select n from {marts}.rpt_customers") == [(2 * ROWS,)]
    with place.reader() as query, pytest.raises((duckdb.CatalogException, psycopg2.Error)):
        query("select * from {marts}.rpt_watched")
    with place.reader(Reader.AUDITOR) as query, pytest.raises((duckdb.Error, psycopg2.Error)):
        query("select * from {marts}.rpt_lake")


def test_a_view_that_masks_do_not_change_stays_a_view_over_what_is_published(place: Place) -> None:
    place.small.build(1)
    views = ["marts.rpt_bought", "marts.rpt_trades"]
    manifest = place.publish().manifest
    assert set(manifest.readers[Reader.ANALYST].tables) - manifest.tables.keys() == set(views)
    place.small.build(2)
    for who in Reader:
        with place.reader(who) as query:
            assert query("select count(*) from {marts}.rpt_bought") == [(ROWS - 1,)]
            assert query("select count(*) from {marts}.rpt_trades") == [(ROWS - 1,)]


def test_a_view_that_becomes_a_table_and_a_view_again_is_published(place: Place) -> None:
    for number in (1, 2, 3):
        place.small.is_bought_a_view = number != 2
        place.small.build(number)
        if number > 1 and isinstance(place.warehouse, PostgresWarehouse):
            # As if another state of the project had published: only that changes what is a view.
            digests = (place.current().project_digest, "0" * 64)
            place.warehouse.query(
                f"update published.versions set manifest = replace(manifest, '{digests[0]}', '{digests[1]}')"
            )
        manifest = place.publish().manifest
        assert ("marts.rpt_bought" in manifest.tables) == (number == 2)
        for who in Reader:
            with place.reader(who) as query:
                rows = [(ROWS * number - 1,)]
                assert query("select count(*) from {marts}.rpt_bought") == rows


def test_personal_columns_are_masked_for_analysts_only(place: Place) -> None:
    place.small.build(3)
    place.publish()
    question = (
        "select tax_id, cast(born as varchar) from {personal}.dim_customer where customer_id = 1"
    )
    with place.reader() as query:
        assert query(question) == [(None, "1970-01-01")]
    with place.reader(Reader.AUDITOR) as query:
        assert query(question) == [("1", "1970-07-11")]


def test_an_analyst_cannot_read_a_personal_column_at_all(place: Place) -> None:
    place.small.build(1)
    place.publish()
    if isinstance(place.warehouse, PostgresWarehouse):
        with place.reader() as query, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query("select tax_id from {marts}.dim_customer")
        with place.reader() as query, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query("select born from {marts}.dim_customer")
    else:
        files = place.folder / "current"
        modes = {path.name: path.stat().st_mode & 0o777 for path in files.glob("*.duckdb")}
        assert modes == {"analyst.duckdb": 0o444, "auditor.duckdb": 0o400}
        assert sorted(path.name for path in files.iterdir()) == [
            "analyst.duckdb",
            "auditor.duckdb",
            "manifest.json",
        ]


def test_descriptions_come_with_the_tables(place: Place) -> None:
    place.small.build(1)
    place.publish()
    with place.reader() as query:
        if isinstance(place.warehouse, PostgresWarehouse):
            found = query(
                "select obj_description('published_marts.dim_customer'::regclass),"
                " col_description('published_marts_masked.dim_customer'::regclass, 2)"
            )
        else:
            found = query(
                "select (select comment from duckdb_tables() where table_name = 'dim_customer'),"
                " (select comment from duckdb_columns() where column_name = 'tax_id')"
            )
    assert found == [("One row per thing; it's dim_customer.", "The tax number.")]


def test_the_manifest_says_what_a_version_holds(place: Place) -> None:
    place.small.build(1)
    first = place.publish().manifest
    place.small.build(2, accepted="a_test")
    place.publish()
    manifest = place.current()
    assert (manifest.previous, manifest.batch_id, manifest.build) == (first.version, 2, "build 2")
    assert manifest.version.startswith("batch-0002-20")
    assert (first.accepted, manifest.accepted) == ([], ["a_test"])
    assert "brokerage.trade" in manifest.feeds
    assert manifest.target == place.warehouse.target
    # Not a fingerprint of personal values, and none of what analysts do not read.
    trades, customers = manifest.tables["marts.fct_trades"], manifest.tables["marts.dim_customer"]
    ((_, fingerprint),) = place.warehouse.fingerprints({"trades": "marts.fct_trades"}).values()
    assert trades == TableContent(2 * ROWS, fingerprint)
    ((_, fingerprint),) = place.warehouse.fingerprints({"customers": "marts.dim_customer"}).values()
    assert customers.fingerprint != fingerprint
    assert manifest.tables["marts.rpt_watched"] == TableContent(1, None)


def test_fingerprints_that_follow_the_changes_are_those_of_all_rows(place: Place) -> None:
    tables = []
    for number in (1, 3, 2, 4):
        place.small.build(number)
        tables.append(place.publish().manifest.tables)
    digests = (place.current().project_digest, "0" * 64)
    place.small.build(4, name="again")
    # By another state of the project: nothing is taken over.
    if isinstance(place.warehouse, PostgresWarehouse):
        place.warehouse.query(
            f"update published.versions set manifest = replace(manifest, '{digests[0]}', '{digests[1]}')"
        )
    assert place.publish().manifest.tables == tables[-1]


def test_nothing_is_done_if_readers_have_the_build(place: Place) -> None:
    place.small.build(1)
    assert place.publish().is_new
    before = place.current()
    assert not place.publish().is_new
    assert place.current() == before
    assert place.names() == sorted([before.version, "current"])


def test_what_is_not_green_is_not_published(place: Place) -> None:
    with pytest.raises(NotGreenError):
        place.publish()
    place.small.build(1)
    before = place.publish().manifest
    place.small.build(2, is_green=False)
    with pytest.raises(NotGreenError, match="the last build is not green"):
        place.publish()
    assert place.current() == before
    with place.reader() as query:
        assert query("select count(*) from {marts}.fct_trades") == [(ROWS,)]


def test_readers_of_ten_versions_see_each_as_a_whole(place: Place) -> None:
    place.small.build(1)
    place.publish()
    with place.watching() as watch:
        for number in range(2, VERSIONS + 2):
            place.small.build(number)
            place.publish()
            # So none is replaced before somebody has seen it.
            assert watch() == number


def test_a_new_column_is_published_while_somebody_reads(place: Place) -> None:
    place.small.build(1)
    place.publish()
    with place.watching(is_long=False) as watch:
        place.small.columns = {"price": "decimal(8, 2)"}
        place.small.build(2)
        place.publish()
        assert watch() == 2
        with place.reader() as query:
            assert query("select sum(price) from {marts}.fct_trades") == [(4 * ROWS,)]
        place.small.columns = {"price": "integer", "fee": "bigint"}
        place.small.build(3)
        place.publish()
        assert watch() == 3
        with place.reader() as query:
            assert query("select sum(price), sum(fee) from {marts}.fct_trades") == [(900, 900)]
        place.small.columns = {}
        place.small.build(4)
        place.publish()
        assert watch() == 4


def test_a_long_reader_of_a_table_that_has_a_new_column_keeps_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_schemas, "LOCK_SECONDS", 0.1)
    place.small.build(1)
    place.publish()
    place.small.columns = {"price": "decimal(8, 2)"}
    place.small.build(2)
    with place.watching() as watch:
        if isinstance(place.warehouse, PostgresWarehouse):
            with pytest.raises(PublishError, match="a build or a reader has held a table for long"):
                place.publish()
            assert watch() == 1
        else:
            place.publish()
            assert watch() == 2
    place.publish()
    assert place.current().batch_id == 2


@pytest.mark.parametrize("kills", [6, pytest.param(30, marks=pytest.mark.slow)])
def test_a_publication_killed_at_any_moment_leaves_the_old_version_or_the_new_one(
    place: Place, kills: int
) -> None:
    chance = random.Random(SEED)
    place.small.build(1)
    place.publish()
    place.small.build(2)
    count = len(place.steps())
    assert count > 20
    killed = 0
    with place.watching() as watch:
        for number in range(3, kills + 3):
            place.small.build(number)
            killed += place.steps(killed_at=chance.randrange(count))[-1] == KILLED
            assert watch() in (number - 1, number)
            place.publish()
            assert watch() == number
            assert place.current().batch_id == number
            # Nothing unfinished; the link, the current version, three before it, and the one that is being read all the while.
            assert [name for name in place.names() if name.startswith(".")] == []
            assert len(place.names()) <= 6
    # Most moments fell inside a publication, or nothing would be proven.
    assert killed > kills // 2


def test_old_versions_go_but_not_the_one_before_and_not_under_a_reader(place: Place) -> None:
    place.small.build(1)
    opened = place.publish().manifest.version
    is_server = isinstance(place.warehouse, PostgresWarehouse)
    trades = "select count(*) from {marts}.fct_trades"
    with place.reader(Reader.AUDITOR) as query, place.watching():
        assert query(trades) == [(ROWS,)]
        versions = []
        for number in range(2, 6):
            place.small.build(number)
            versions.append(place.publish(keep=1).manifest.version)
        kept = [] if is_server else [opened]
        assert place.names() == sorted([*kept, *versions[-2:], "current"])
        assert query(trades) == [(ROWS,)]
    place.publish(keep=1)
    assert place.names() == sorted([*versions[-2:], "current"])


def test_a_publication_that_fails_is_recorded_and_nothing_if_there_is_nothing_to_do(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    with pytest.raises(NotGreenError):
        place.publish()
    place.small.build(1)
    with Versions(place.folder).locked(), pytest.raises(PublishError, match="another program"):
        place.publish()
    taken = tmp_path / "a file"
    taken.touch()
    with pytest.raises(PublishError, match="cannot be written"):
        publish(place.warehouse, taken, place.small.project)
    place.publish()
    place.publish()
    with Versions(place.folder).locked(), pytest.raises(PublishError, match="another program"):
        place.publish()
    runs = list(read_records(tmp_path / "runs", RunStarted))
    assert [(run.kind, run.batch) for run in runs] == 3 * [("publish", 1)]
    ends = list(read_records(tmp_path / "runs", RunEnded))
    assert sorted(end.status for end in ends) == ["failed", "failed", "success"]
    said = " ".join(end.message for end in ends if end.message)
    assert "another program is publishing; wait for it to end" in said
    assert f"{taken}: cannot be written" in said


def test_every_program_that_publishes_keeps_as_many_versions_as_are_set(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT_VERSIONS", "1")
    versions = []
    for number in range(1, 4):
        place.small.build(number)
        versions.append(place.publish().manifest.version)
    assert place.names() == sorted([*versions[-2:], "current"])
    place.small.build(4)
    for bad in ("none", "0", "-1", "1.5"):
        monkeypatch.setenv("KEPT_VERSIONS", bad)
        with pytest.raises(PublishError, match=f"KEPT_VERSIONS={bad}: set it to a whole number"):
            place.publish()
    assert place.current().version == versions[-1]


def test_a_clock_that_is_set_back_changes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = []
    for number, year in enumerate((2026, 2026, 2001, 2001, 2001), start=1):
        now = datetime(year, 2, 3, tzinfo=UTC)
        clock = type("Clock", (), {"now": staticmethod(lambda _, now=now: now)})
        monkeypatch.setattr(publish_module, "datetime", clock)
        # Of the same batch and second: the name is taken.
        place.small.build(1, name=f"build {number}")
        versions.append(place.publish(keep=2).manifest.version)
    assert versions[0] == "batch-0001-20260203T000000Z"
    assert place.names() == sorted([*versions[-3:], "current"])
    assert place.current().version == versions[-1]


def test_a_second_publication_at_the_same_time_is_refused(place: Place) -> None:
    place.small.build(1)
    place.publish()
    place.small.build(2)
    with publishing(place.small, place.folder) as (told, send):
        for _ in range(10):
            told.recv()
        send(signal.SIGSTOP)
        with pytest.raises(PublishError, match="another program is publishing"):
            place.publish()
        send(signal.SIGCONT)
        with pytest.raises(EOFError):
            while True:
                told.recv()
    assert not place.publish().is_new
    assert place.current().batch_id == 2


@pytest.fixture
def on_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place with a published version, and a build that is not published yet."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DBT_TARGET", "duckdb")
    monkeypatch.setenv("WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    place = Place(SmallWarehouse(warehouse), tmp_path / "it's *another* [1] place" / "published")
    place.small.build(1)
    place.publish()
    place.small.build(2)
    return place


@pytest.mark.parametrize("file_bytes", [0, 4096, 300_000], ids=str)
def test_a_full_disk_leaves_readers_what_they_have(on_duckdb: Place, file_bytes: int) -> None:
    before = on_duckdb.names()
    said = publish_under(Conditions(file_bytes=file_bytes), on_duckdb.small, on_duckdb.folder)
    assert said.startswith(f"{on_duckdb.folder}: cannot be written: ")
    assert "make room there" in said
    assert "\n" not in said
    assert on_duckdb.names() == before
    with on_duckdb.reader() as query:
        assert version_seen(query) == 1
    assert on_duckdb.publish().is_new


def test_a_folder_that_cannot_be_written_is_named(on_duckdb: Place) -> None:
    on_duckdb.folder.chmod(0o555)
    (on_duckdb.folder / ".publish.lock").chmod(0o444)
    said = publish_under(Conditions(obeys_permissions=True), on_duckdb.small, on_duckdb.folder)
    assert said.startswith(f"{on_duckdb.folder}: cannot be written: Permission denied; ")
    elsewhere = on_duckdb.folder / "below" / "it"
    said = publish_under(Conditions(obeys_permissions=True), on_duckdb.small, elsewhere)
    assert said.startswith(f"{elsewhere}: cannot be written: Permission denied; ")


def test_who_may_enter_the_folder_and_whom_the_mask_lets_in_may_read(on_duckdb: Place) -> None:
    on_duckdb.folder.chmod(0o750)
    version = publish_under(Conditions(mask=0o027), on_duckdb.small, on_duckdb.folder)
    folder = on_duckdb.folder / version
    assert {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())} == {
        version: 0o750,
        "analyst.duckdb": 0o440,
        "auditor.duckdb": 0o400,
        "manifest.json": 0o640,
    }


def test_another_warehouse_does_not_take_the_place_of_what_people_read(
    on_duckdb: Place, tmp_path: Path
) -> None:
    trial = SmallWarehouse(DuckDBWarehouse(tmp_path / "trial.duckdb"))
    trial.build(9)
    with pytest.raises(PublishError, match=r"holds what was made from .*warehouse\.duckdb; set"):
        publish(trial.warehouse, on_duckdb.folder, trial.project)
    assert on_duckdb.current().batch_id == 1
    # A project that was moved with all its data is the same one.
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    place = Place(
        SmallWarehouse(DuckDBWarehouse(moved / "warehouse.duckdb")),
        moved / on_duckdb.folder.relative_to(tmp_path),
    )
    assert place.publish().manifest.batch_id == 2
    moved.rename(tmp_path)


def command(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and output of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.publish", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def test_the_command_says_in_a_line_what_it_has_done(on_duckdb: Place) -> None:
    on_duckdb.publish()
    version, file = on_duckdb.current().version, on_duckdb.folder / "current" / "analyst.duckdb"
    said = f"published before: {version}; readers open {file}\n"
    assert command(PUBLISHED=str(on_duckdb.folder)) == (0, said)
    on_duckdb.small.build(3, is_green=False)
    code, said = command("--published", str(on_duckdb.folder))
    assert code == 2
    assert said.startswith("publish: the last build is not green")
    assert said.count("\n") == 1
    with duckdb.connect(os.environ["WAREHOUSE"]):
        code, said = command("--published", str(on_duckdb.folder))
    assert code == 2
    assert "close the program that has the warehouse open" in said
