"""What has news: batches that have moved since the last green build, and what lies downstream of them."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from scripts.warehouse.changes import (
    Changes,
    GreenBuild,
    Work,
    affected_work,
    landed_since_last_build,
    last_green_build,
    project_digest,
    recorded_batches,
    relations_digest,
)
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse

BUILT = [("control.batch_date", 1, "a"), ("market", 1, "b"), ("control.batch_date", 2, "c")]


@pytest.fixture
def warehouse(tmp_path: Path) -> Callable[..., DuckDBWarehouse]:
    """Makes a warehouse that was built from some batches, and whose lake holds others."""

    def make(
        landed: list[tuple[str, int, str]],
        project: str | None = "this",
        after: str = "",
        status: str = "loaded",
    ) -> DuckDBWarehouse:
        file = tmp_path / "warehouse.duckdb"
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema operations")
            connection.execute("create schema staging")
            connection.execute("create schema marts")
            connection.execute("create table marts.fct_trades (trade_id bigint)")
            connection.execute(
                f"create view staging.stg_control__load_log as select '{status}' as status"
            )
            connection.execute(
                "create table operations.last_build (invocation_id varchar, feed varchar, batch_id integer, digest varchar,"
                " project_digest varchar, relations_digest varchar, accepted_tests varchar)"
            )
            connection.execute(
                "create table operations.lake_batches (feed varchar, batch_id integer, digest varchar)"
            )
            connection.executemany(
                "insert into operations.last_build values ('x', ?, ?, ?, ?, null, null)",
                [(*row, project) for row in BUILT],
            )
            connection.executemany("insert into operations.lake_batches values (?, ?, ?)", landed)
        warehouse = DuckDBWarehouse(file)
        names = relations_digest(warehouse)
        with duckdb.connect(str(file)) as connection:
            connection.execute("update operations.last_build set relations_digest = ?", [names])
            connection.execute(after or "select 1")
        return warehouse

    return make


def test_a_warehouse_that_holds_what_the_lake_holds_has_no_news(warehouse: Callable) -> None:
    assert landed_since_last_build(warehouse(BUILT), "this") == Changes({}, are_next=True)


def test_what_has_landed_can_be_compared_with_what_was_recorded(warehouse: Callable) -> None:
    built = {(feed, batch): digest for feed, batch, digest in BUILT}
    landed = [*BUILT, ("market", 3, "e")]
    made = warehouse(landed)
    changes = landed_since_last_build(made, "this")
    assert changes is not None
    assert changes.landed == {**built, ("market", 3): "e"}
    assert recorded_batches(made) == built


def test_a_new_batch_has_news_of_its_feeds_only(warehouse: Callable) -> None:
    landed = [*BUILT, ("control.batch_date", 3, "d"), ("market", 3, "e")]
    expected = Changes({"control.batch_date": {3}, "market": {3}}, are_next=True)
    assert landed_since_last_build(warehouse(landed), "this") == expected


def test_scores_come_after_their_batch_and_leave_other_rows_as_they_were(
    warehouse: Callable,
) -> None:
    landed = [*BUILT, ("control.batch_date", 3, "d"), ("market", 3, "e"), ("learn.score", 1, "s")]
    moved = {"control.batch_date": {3}, "market": {3}, "learn.score": {1}}
    changes = landed_since_last_build(warehouse(landed), "this")
    assert changes == Changes(moved, are_next=True)


@pytest.mark.parametrize(
    ("landed", "moved"),
    [
        ([*BUILT, ("market", 2, "late")], {"market": {2}}),
        ([BUILT[0], ("market", 1, "replaced"), BUILT[2]], {"market": {1}}),
        ([BUILT[0], BUILT[2]], {"market": {1}}),
    ],
    ids=["late", "replaced", "gone"],
)
def test_a_batch_that_is_not_next_is_news_of_rows_that_were_tested(
    warehouse: Callable, landed: list, moved: dict
) -> None:
    assert landed_since_last_build(warehouse(landed), "this") == Changes(moved, are_next=False)


def test_the_date_of_a_batch_moves_all_feeds_of_the_batch(warehouse: Callable) -> None:
    landed = [("control.batch_date", 1, "other"), *BUILT[1:]]
    changes = landed_since_last_build(warehouse(landed), "this")
    assert changes == Changes({"control.batch_date": {1}, "market": {1}}, are_next=False)


@pytest.mark.parametrize(
    ("project", "after"),
    [
        ("another", ""),
        (None, ""),
        ("this", "drop table marts.fct_trades"),
        ("this", "alter table marts.fct_trades rename to another"),
        ("this", "drop table operations.lake_batches"),
        ("this", "drop view staging.stg_control__load_log"),
        ("this", "alter table operations.last_build drop column relations_digest"),
        ("this", "update operations.last_build set accepted_tests = 'a_test'"),
    ],
)
def test_nothing_is_known_after_anything_but_a_green_build_of_this_project(
    warehouse: Callable, project: str | None, after: str
) -> None:
    assert landed_since_last_build(warehouse(BUILT, project, after), "this") is None


def test_a_green_build_of_this_project_may_be_published_and_so_may_one_that_was_accepted(
    warehouse: Callable,
) -> None:
    def found(project: str = "this", after: str = "") -> GreenBuild | None:
        found = warehouse(BUILT, project, after)
        with found.opened() as query:
            return last_green_build(found, query, "this")

    accepted = "update operations.last_build set accepted_tests = 'a_test another'"
    assert found() == GreenBuild("x", 2, ())
    assert found(after=accepted) == GreenBuild("x", 2, ("a_test", "another"))
    assert found(project="another") is None
    assert found(after="drop table marts.fct_trades") is None
    assert found(after="drop table operations.last_build") is None


def test_nothing_is_known_as_long_as_a_file_cannot_be_read(warehouse: Callable) -> None:
    assert landed_since_last_build(warehouse(BUILT, status="failed"), "this") is None


def test_nothing_is_known_of_a_new_warehouse(tmp_path: Path) -> None:
    assert landed_since_last_build(DuckDBWarehouse(tmp_path / "none.duckdb"), "this") is None
    file = tmp_path / "empty.duckdb"
    duckdb.connect(str(file)).close()
    assert landed_since_last_build(DuckDBWarehouse(file), "this") is None


def node(
    kind: str, layer: str, *parents: str, materialized: str = "table", name: str = ""
) -> SimpleNamespace:
    return SimpleNamespace(
        resource_type=kind,
        unique_id=f"{kind}.{name}",
        name=name,
        fqn=["project", layer, name],
        config=SimpleNamespace(materialized=materialized),
        depends_on_nodes=list(parents),
    )


@pytest.fixture
def manifest() -> SimpleNamespace:
    """Two feeds with a table of the raw vault each, and a mart of one of them."""
    sources = {
        f"source.{system}.{name}": SimpleNamespace(source_name=system, name=name)
        for system, name in (
            ("control", "batch_date"),
            ("control", "load_log"),
            ("a", "b"),
            ("c", "d"),
            ("operations", "run_started"),
        )
    }
    nodes = [
        node("model", "staging", "source.a.b", materialized="view", name="stg_b"),
        node("model", "raw_vault", "model.stg_b", "source.control.batch_date", materialized="incremental", name="hub_b"),
        node("model", "raw_vault", "source.c.d", "source.control.batch_date", materialized="incremental", name="hub_d"),
        node("model", "marts", "model.hub_d", name="dim_d"),
        node("model", "marts", "model.dim_d", materialized="ephemeral", name="int_d"),
        node("model", "marts", "model.int_d", materialized="view", name="view_of_d"),
        node("model", "quality", "source.control.load_log", name="load_log"),
        node("model", "operations", "source.operations.run_started", name="runs"),
        node("seed", "quality", name="texts"),
        node("test", "staging", "model.stg_b", name="test_of_a_view"),
        node("test", "raw_vault", "model.hub_d", "source.control.load_log", name="test_of_d"),
        node("test", "quality", "source.control.load_log", name="test_of_the_log"),
    ]  # fmt: skip
    return SimpleNamespace(sources=sources, nodes={each.unique_id: each for each in nodes})


def test_only_what_lies_downstream_of_a_moved_feed_is_built_and_tested(
    manifest: SimpleNamespace,
) -> None:
    changes = Changes({"a.b": {2}, "control.batch_date": {2}}, are_next=True)
    assert affected_work(manifest, changes) == Work(
        built=frozenset({"hub_b", "load_log", "runs"}),
        tested=frozenset({"test_of_a_view", "test_of_the_log"}),
    )
    changes = Changes({"c.d": {2}}, are_next=True)
    assert affected_work(manifest, changes) == Work(
        built=frozenset({"dim_d", "hub_d", "load_log", "runs", "view_of_d"}),
        tested=frozenset({"test_of_d", "test_of_the_log"}),
    )


def test_nothing_is_built_when_nothing_has_moved(manifest: SimpleNamespace) -> None:
    assert affected_work(manifest, Changes({}, are_next=True)) == Work(frozenset(), frozenset())


def test_the_digest_of_a_project_changes_with_each_of_its_files_and_with_the_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("dbt_project.yml", "profiles/profiles.yml", "models/a.sql", "macros/b.sql"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setenv("LAKE", "lake")
    digests = [project_digest(tmp_path), project_digest(tmp_path)]
    assert digests[0] == digests[1]
    (tmp_path / "models" / "a.sql").write_text("changed")
    digests.append(project_digest(tmp_path))
    (tmp_path / "macros" / "b.sql").rename(tmp_path / "macros" / "c.sql")
    digests.append(project_digest(tmp_path))
    monkeypatch.setenv("LAKE", "other")
    digests.append(project_digest(tmp_path))
    assert len(set(digests)) == 4
