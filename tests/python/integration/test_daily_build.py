"""A build of what has moved: the rows of a full build, and tests that find a fault in the rows of the day.

pytest -m slow tests/python/integration/test_daily_build.py
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.builder import Builder
from scripts.warehouse.changes import Changes, landed_since_last_build, project_digest
from scripts.warehouse.dbt import WITHOUT_TESTS, ProjectError
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# A table, what happens to its rows of some batch, and the test that finds it.
FAULTS = (
    (
        ("marts", "fct_market_history"),
        "update {table} set fifty_two_week_low = day_low + 1 where batch_id = {batch}",
        "fct_market_history__the_year_includes_the_day",
    ),
    (
        ("raw_vault", "nhl_cash_transaction"),
        "insert into {table} select * from {table} where batch_id = {batch}",
        "nhl_cash_transaction__nothing_is_loaded_twice",
    ),
    (
        ("raw_vault", "nhl_watch_event"),
        "delete from {table} where batch_id = {batch}",
        "assert_brokerage_watch_history__rebuilt_from_vault",
    ),
)


@dataclass
class Replay:
    """A warehouse that is built day by day."""

    workspace: Workspace
    builder: Builder

    def load(self, batch: int) -> None:
        sources, lake = str(self.workspace.sources), str(self.workspace.lake)
        target = self.workspace.warehouse.target
        assert load(LoadOptions(sources, lake, batches=(batch,), target=target)).failures == []

    def day(self, batch: int) -> None:
        """Load, build and test a batch."""
        self.load(batch)
        self.builder.begin()
        self.builder.build("build")
        self.builder.test("test")
        self.builder.finish()

    @contextmanager
    def faults(self, batch: int) -> Iterator[None]:
        """For a while, there are faults in the rows of a batch."""
        query = self.workspace.warehouse.query
        for table, statement, _ in FAULTS:
            query(f"create table operations.sound_{table[1]} as select * from {'.'.join(table)}")
            query(statement.format(table=".".join(table), batch=batch))
        yield
        for table, _, _ in FAULTS:
            query(f"delete from {'.'.join(table)}")
            query(f"insert into {'.'.join(table)} select * from operations.sound_{table[1]}")
            query(f"drop table operations.sound_{table[1]}")


Red = Callable[[Builder], set[str]]


@pytest.fixture
def red(capsys: pytest.CaptureFixture[str]) -> Red:
    """The names of the tests of a build that are red."""

    def test(builder: Builder) -> set[str]:
        capsys.readouterr()
        with suppress(ProjectError):
            builder.test("test")
        said = capsys.readouterr().err.splitlines()
        return {line.split(":")[1].strip() for line in said if line.strip().startswith("fail:")}

    return test


@pytest.fixture(params=list(WAREHOUSES))
def replay(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replay]:
    monkeypatch.chdir(ROOT)
    with WAREHOUSES[request.param].temporary(tmp_path) as warehouse:
        workspace = Workspace(tmp_path, warehouse)
        for name, value in workspace.environment.items():
            monkeypatch.setenv(name, value)
        generate(Parameters(scale_factor=0.01, incremental_batches=3), workspace.sources)
        yield Replay(workspace, Builder(warehouse))


def test_a_day_is_built_from_its_news_and_tested_on_its_rows(replay: Replay, red: Red) -> None:
    warehouse = replay.workspace.warehouse
    for batch in (1, 2, 3):
        replay.day(batch)
    replay.load(4)
    replay.builder.begin()
    replay.builder.build("build")
    rows = warehouse.fingerprints()
    full = Builder(warehouse)
    full.begin(is_full=True)
    tests = {test for *_, test in FAULTS}
    with replay.faults(batch=4):
        assert tests <= red(replay.builder)
    with replay.faults(batch=2):
        assert tests.isdisjoint(red(replay.builder))
        assert tests <= red(full)
    assert red(replay.builder) == red(full) == set()
    replay.builder.run("build", "--full-refresh", *WITHOUT_TESTS).ensure_green()
    assert warehouse.fingerprints() == rows


def test_after_whatever_came_between_nothing_is_taken_for_built(replay: Replay) -> None:
    warehouse, builder = replay.workspace.warehouse, replay.builder
    digest = project_digest(ROOT)
    replay.day(1)
    assert landed_since_last_build(warehouse, digest) == Changes({}, are_next=True)
    # A load that ends after the nodes were chosen, and before dbt looks at the lake.
    replay.load(2)
    builder.begin()
    replay.load(3)
    builder.build("build")
    builder.finish()
    assert landed_since_last_build(warehouse, digest) is None
    builder.begin()
    builder.build("build")
    builder.finish()
    assert landed_since_last_build(warehouse, digest) == Changes({}, are_next=True)
    rows = warehouse.fingerprints()
    builder.run("seed").ensure_green()
    assert landed_since_last_build(warehouse, digest) is None
    # An older version of the project has left the record with other columns.
    warehouse.query("alter table operations.last_build drop column relations_digest")
    builder.run("build", "--full-refresh", *WITHOUT_TESTS).ensure_green()
    assert warehouse.fingerprints() == rows
    replay.day(3)
    assert landed_since_last_build(warehouse, digest) == Changes({}, are_next=True)
