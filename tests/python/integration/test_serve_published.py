"""Programs that serve readers open what is published as a role: its tables, its masks, one version; on both engines."""

import datetime
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from scripts.postgres_server import PostgresServer
from scripts.publish.run import publish
from scripts.publish.tables import published_tables
from scripts.publish.versions import Versions
from scripts.serve.declarations import Declarations
from scripts.serve.duckdb_files import DuckDBPublished
from scripts.serve.postgres import PostgresPublished
from scripts.serve.sessions import (
    Limits,
    NotAllowedError,
    NothingPublishedError,
    Published,
    Session,
    TooExpensiveError,
    UnavailableError,
    VersionGoneError,
)
from scripts.warehouse.changes import project_digest
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT
from tests.python.small_warehouse import ROWS, SmallWarehouse

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("_in_the_project")]

# The rows of a question that no computer answers within the limit.
ENDLESS = {
    Target.DUCKDB: "select count(*) from range(100000000) a(i), range(1000000) b(j) where (i * j) % 7 = 3",
    Target.POSTGRES: "select pg_sleep(60)",
}


@pytest.fixture
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@dataclass
class Place:
    small: SmallWarehouse
    folder: Path

    def publish(self, build: int) -> str:
        self.small.build(build)
        return publish(self.small.warehouse, self.folder, self.small.project).manifest.version

    def declarations(self) -> Declarations:
        tables = {table.name: table for table in published_tables(self.small.project)}
        return Declarations({}, tables, project_digest(ROOT))

    @contextmanager
    def opened(
        self, declarations: Declarations | None = None, limits: Limits | None = None
    ) -> Iterator[Published]:
        declarations, limits = declarations or self.declarations(), limits or Limits()
        warehouse = self.small.warehouse
        published: Published
        if isinstance(warehouse, PostgresWarehouse):
            published = PostgresPublished(warehouse.database, declarations, limits)
        else:
            published = DuckDBPublished(Versions(self.folder), declarations, limits)
        try:
            yield published
        finally:
            published.close()


@pytest.fixture(params=list(WAREHOUSES))
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    monkeypatch.setenv("DBT_TARGET", request.param)
    with ExitStack() as stack:
        if request.param is Target.POSTGRES:
            server: PostgresServer = request.getfixturevalue("postgres")
            warehouse = stack.enter_context(PostgresWarehouse.on(server))
        else:
            warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
        yield Place(SmallWarehouse(warehouse), tmp_path / "published")


@pytest.fixture
def place_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("DBT_TARGET", Target.DUCKDB)
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    return Place(SmallWarehouse(warehouse), tmp_path / "published")


def count(session: Session, table: str) -> int:
    ((rows,),) = session.query(f"select count(*) from {session.relation(table)}")
    return int(rows)


def test_each_role_reads_its_tables_with_its_masks(place: Place) -> None:
    version = place.publish(2)
    shown = {}
    with place.opened() as published:
        assert published.current().version == version
        for role in published.declarations.roles:
            with published.opened(role) as session:
                customers = session.relation("marts.dim_customer")
                (row,) = session.query(
                    f"select tax_id, cast(born as date) from {customers} where customer_id = ?", [7]
                )
                shown[role] = (set(session.tables), row)
    marts = {
        f"marts.{name}"
        for name in ("dim_customer", "fct_trades", "rpt_trades", "rpt_customers", "rpt_bought")
    }
    masked, whole = (None, datetime.date(1970, 1, 1)), ("7", datetime.date(1970, 7, 8))
    assert shown == {
        "analyst": (marts | {"quality.load_log"}, masked),
        "application": (marts, masked),
        "auditor": (marts | {"quality.load_log", "marts.rpt_watched"}, whole),
    }


def test_a_role_cannot_read_what_others_may_even_if_it_knows_the_name(place: Place) -> None:
    place.publish(1)
    with place.opened() as published:
        with published.opened("analyst") as analyst:
            relation = analyst.relation("quality.load_log")
        with published.opened("application") as application:
            with pytest.raises(NotAllowedError, match=r"quality\.load_log"):
                application.relation("quality.load_log")
            with pytest.raises(NotAllowedError, match="load_log"):
                application.query(f"select * from {relation}")
        with published.opened("application") as application, pytest.raises(NotAllowedError):
            application.batches(f"with x as (select * from {relation}) select * from x")
        with pytest.raises(NotAllowedError, match="there are analyst, application, auditor"):
            published.opened("nobody").__enter__()


def test_what_is_declared_personal_today_is_masked_in_what_was_published_before(
    place: Place,
) -> None:
    place.publish(1)
    declarations = place.declarations()
    trades = replace(
        declarations.tables["marts.fct_trades"],
        masks={"customer_id": "cast(null as bigint)"},
        masked_grants=("brokerage_analyst",),
    )
    changed = Declarations({}, declarations.tables | {trades.name: trades}, "another digest")
    with place.opened(changed) as published:
        for role, expected in (("analyst", None), ("auditor", 7)):
            with published.opened(role) as session:
                relation = session.relation(trades.name)
                assert session.query(
                    f"select customer_id from {relation} where trade_id = ?", [7]
                ) == [(expected,)]


def test_a_grant_that_is_gone_today_counts_for_what_was_published_before(place: Place) -> None:
    place.publish(1)
    declarations = place.declarations()
    log = replace(declarations.tables["quality.load_log"], grants=("brokerage_auditor",))
    changed = Declarations({}, declarations.tables | {log.name: log}, declarations.digest)
    with (
        place.opened(changed) as published,
        published.opened("analyst") as session,
        pytest.raises(NotAllowedError),
    ):
        session.relation(log.name)


def test_before_the_first_version_readers_are_told_what_to_do(place: Place) -> None:
    with place.opened() as published:
        with pytest.raises(NothingPublishedError, match="make build"):
            published.current()
        version = place.publish(1)
        assert published.current().version == version


def test_a_session_sees_one_version_and_the_next_one_sees_the_next(place: Place) -> None:
    place.publish(1)
    with place.opened() as published:
        with published.opened("analyst") as before:
            assert count(before, "marts.fct_trades") == ROWS
            place.publish(2)
            assert count(before, "quality.load_log") == 1
            assert count(before, "marts.fct_trades") == ROWS
        with published.opened("analyst") as after:
            assert count(after, "marts.fct_trades") == 2 * ROWS
            assert after.manifest.batch_id == 2


def test_a_version_that_is_kept_can_be_read_after_the_next_one_was_published(
    place: Place,
) -> None:
    first = place.publish(1)
    with place.opened() as published:
        with published.opened("analyst") as session:
            session.keep()
        place.publish(2)
        for role in ("analyst", "application"):
            with published.opened(role, first) as session:
                assert session.manifest.version == first
                assert count(session, "marts.fct_trades") == ROWS
        with pytest.raises(VersionGoneError, match="begin again"):
            published.opened("analyst", "batch-0001-20200101T000000Z").__enter__()


def test_what_takes_too_long_is_ended(place: Place) -> None:
    place.publish(1)
    with place.opened(limits=Limits(seconds=0.5)) as published:
        with published.opened("analyst") as session, pytest.raises(TooExpensiveError):
            session.query(ENDLESS[published.target])
        with published.opened("analyst") as session:
            assert count(session, "marts.fct_trades") == ROWS


def test_who_finds_no_free_session_is_told_to_come_back(place: Place) -> None:
    place.publish(1)
    limits = Limits(sessions=1, wait_seconds=0.1)
    with (
        place.opened(limits=limits) as published,
        published.opened("analyst"),
        pytest.raises(UnavailableError, match="try again"),
    ):
        published.opened("analyst").__enter__()


def test_batches_hold_all_rows_in_the_types_of_the_table(place: Place) -> None:
    place.publish(3)
    with place.opened() as published, published.opened("auditor") as session:
        customers = session.relation("marts.dim_customer")
        statement = f"select customer_id, tax_id from {customers} where customer_id > ? order by 1"
        batches = list(session.batches(statement, [10], rows=50))
        empty = session.arrow(statement, [10_000])
    assert [batch.num_rows for batch in batches][:-1] == [50] * 5
    assert [row for batch in batches for row in batch["customer_id"].to_pylist()] == list(
        range(11, 3 * ROWS + 1)
    )
    assert [str(kind) for kind in batches[0].schema.types] == ["int64", "string"]
    assert empty.num_rows == 0 and empty.schema.names == ["customer_id", "tax_id"]


def test_a_number_that_is_calculated_without_a_scale_is_a_number(place: Place) -> None:
    place.publish(1)
    with place.opened() as published, published.opened("analyst") as session:
        statement = "select sum(amount) as total from (values (1.5), (null), (2.25)) as a(amount)"
        (row,) = session.arrow(statement).to_pylist()
    assert float(row["total"]) == 3.75


def test_a_session_of_duckdb_is_locked(place_of_files: Place, tmp_path: Path) -> None:
    place_of_files.publish(1)
    with place_of_files.opened() as published:
        for statement in (
            "select * from read_csv('/etc/passwd')",
            "select * from read_text('/etc/passwd')",
            f"attach '{tmp_path}/other.duckdb'",
            f"copy marts.fct_trades to '{tmp_path}/copy.csv'",
            "set enable_external_access = true",
            "set memory_limit = '100GB'",
            "create table marts.mine as select 1",
            "delete from marts.fct_trades",
            "install httpfs",
        ):
            with (
                published.opened("analyst") as session,
                pytest.raises((duckdb.Error, NotAllowedError)),
            ):
                session.query(statement)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["published", "warehouse.duckdb"]


def test_a_file_that_only_its_owner_may_open_is_refused_in_one_line(
    place_of_files: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_of_files.publish(1)
    connect = duckdb.connect

    def refused(path: str, **options: object) -> duckdb.DuckDBPyConnection:
        if path.endswith("auditor.duckdb"):
            raise duckdb.IOException(f'Cannot open file "{path}": Permission denied')
        return connect(path, **options)  # type: ignore[arg-type]

    # The tests may run as root, who may open everything.
    monkeypatch.setattr(duckdb, "connect", refused)
    with place_of_files.opened() as published:
        with pytest.raises(NotAllowedError, match="only the user who publishes"):
            published.opened("auditor").__enter__()
        with published.opened("analyst") as session:
            assert count(session, "marts.fct_trades") == ROWS


def test_a_login_of_its_own_reads_as_the_role_and_one_without_it_is_refused(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBT_TARGET", Target.POSTGRES)
    logins = {name: f"{name}_{secrets.token_hex(4)}" for name in ("member", "stranger")}
    with PostgresWarehouse.on(postgres) as warehouse, warehouse.opened() as query:
        place = Place(SmallWarehouse(warehouse), tmp_path / "published")
        place.publish(1)
        query(f"create role {logins['member']} login password 'one' in role brokerage_analyst")
        query(f"create role {logins['stranger']} login password 'two'")
        try:
            for name, password in (("member", "one"), ("stranger", "two")):
                monkeypatch.setenv("PGUSER_ANALYST", logins[name])
                monkeypatch.setenv("PGPASSWORD_ANALYST", password)
                with place.opened() as published:
                    if name == "stranger":
                        with pytest.raises(
                            NotAllowedError, match=f"grant brokerage_analyst to {logins[name]}"
                        ):
                            published.opened("analyst").__enter__()
                        continue
                    with published.opened("analyst") as session:
                        assert session.query("select session_user, current_user") == [
                            (logins[name], "brokerage_analyst")
                        ]
                        assert count(session, "marts.fct_trades") == ROWS
        finally:
            for login in logins.values():
                query(f"drop role {login}")


def test_an_unreachable_database_is_told_as_such(tmp_path: Path) -> None:
    place = Place(
        SmallWarehouse(PostgresWarehouse(PostgresServer("127.0.0.1", 1, "nobody", "", "nothing"))),
        tmp_path,
    )
    with place.opened() as published, pytest.raises(UnavailableError, match="cannot be reached"):
        published.current()
