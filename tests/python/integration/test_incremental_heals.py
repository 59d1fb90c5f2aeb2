"""Any sequence of late batches, corrected files, partial selections and repeated runs, then one plain build: the rows of a full refresh.

Each sequence is drawn from a seed, played on a copy of a warehouse that holds the historical batch, or most of it, and ended by `load` and `dbt build`.

    pytest tests/python/integration/test_incremental_heals.py
    INCREMENTAL_SEQUENCES=100 pytest tests/python/integration/test_incremental_heals.py
"""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.dbt import WITHOUT_FILES, WITHOUT_TESTS, Project
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.fingerprints import Fingerprint
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.compared_engines import LAYERS, NEVER_SCORED
from tests.python.corrections import plant_corrections
from tests.python.hard_data import Sources, plant

pytestmark = pytest.mark.integration

SEQUENCES = int(os.environ.get("INCREMENTAL_SEQUENCES", "20"))
# `make test` plays these on one of the engines: on Postgres, where a sequence takes three times as long, each tenth. `make test-slow` plays the rest.
SHORT_SEQUENCES = 20
EVERY_TENTH = 10
# Tables about runs are no part of what is compared.
WITHOUT_RUNS = ("--exclude", "path:models/operations")
DAILY_BATCHES = (2, 3, 4)
LATE_FEEDS = (
    "brokerage.account",
    "brokerage.cash_transaction",
    "brokerage.customer",
    "brokerage.holding_history",
    "brokerage.trade",
    "brokerage.watch_history",
    "market",
    "prospect",
)
SYSTEMS = ("brokerage", "control", "crm", "finwire", "hr", "market", "prospect", "reference")
# What may be missing in the historical batch, and come after the daily ones.
LATE_SYSTEMS = ("crm", "finwire", "hr", "market", "prospect")
FILES = (
    "Account.txt",
    "CashTransaction.txt",
    "DailyMarket.txt",
    "HoldingHistory.txt",
    "Prospect.csv",
    "Trade.txt",
    "WatchHistory.txt",
)


@dataclass
class Player:
    """A warehouse that sequences are played on, and the rows that each must end with."""

    workspace: Workspace
    project: Project
    sources: Path
    expected: dict[str, Fingerprint]

    def load(self, *batches: int, feeds: tuple[str, ...] = (), force: bool = False) -> None:
        """Load some batches, or all; a feed that cannot be loaded yet comes later."""
        target = self.workspace.warehouse.target
        options = LoadOptions(
            str(self.sources),
            str(self.workspace.lake),
            batches,
            feeds,
            force=force,
            target=target,
        )
        load(options)

    def run(self, *arguments: str) -> str:
        """Run dbt; returns what went wrong, if anything."""
        run = self.project.run(*arguments, *WITHOUT_FILES, *WITHOUT_RUNS)
        return "" if run.outcome.success else run.problem

    def rows(self) -> dict[str, Fingerprint]:
        """The fingerprint of every table of the layers."""
        found = self.workspace.warehouse.fingerprints()
        return {name: table for name, table in found.items() if name.partition(".")[0] in LAYERS}

    def begin(self, state: str | None, lake: str | None) -> None:
        """Put the warehouse and the lake into a saved state; none for empty ones."""
        warehouse = self.workspace.warehouse
        if isinstance(warehouse, DuckDBWarehouse):
            # dbt keeps a file open until its process ends, so each time is a file of its own, with the name that the project was parsed with.
            saved = warehouse
            folder = Path(tempfile.mkdtemp(dir=self.workspace.folder))
            warehouse = DuckDBWarehouse(folder / saved.file.name)
            if state is not None:
                shutil.copy2(self.workspace.folder / state, warehouse.file)
            self.workspace = replace(self.workspace, warehouse=warehouse)
        elif state is not None:
            warehouse.restore(state)
        else:
            warehouse.empty()
        shutil.rmtree(self.workspace.lake, ignore_errors=True)
        if lake is not None:
            shutil.copytree(self.workspace.folder / lake, self.workspace.lake)
        self.workspace.enter()

    def save(self, state: str, lake: str) -> None:
        """Keep the state of warehouse and lake."""
        warehouse = self.workspace.warehouse
        if isinstance(warehouse, DuckDBWarehouse):
            warehouse.query("checkpoint")
            shutil.copy2(warehouse.file, self.workspace.folder / state)
        else:
            warehouse.save(state)
        shutil.copytree(self.workspace.lake, self.workspace.folder / lake)

    def restart(self, state: str = "historical") -> None:
        """Back to a saved state: after the historical batch, or after what came of it at first."""
        self.begin(state, f"{state}_lake")

    @contextmanager
    def a_damaged_file(self, batch: int, chance: random.Random) -> Iterator[str]:
        """For a while, a file of the batch lacks some of its lines; gives its name."""
        name = f"Batch{batch}/{chance.choice(FILES)}"
        file = self.sources / name
        content = file.read_bytes()
        lines = content.splitlines(keepends=True)
        file.write_bytes(b"".join(line for line in lines if chance.random() < 0.7) or lines[0])
        try:
            yield name
        finally:
            file.write_bytes(content)


def on_engine(target: Target, *values: object, is_slow: bool = False) -> ParameterSet:
    """Parameters of a test that needs the player of an engine; the tests of an engine share a worker."""
    marks = [pytest.mark.xdist_group(f"incremental_{target}"), *([pytest.mark.slow] * is_slow)]
    return pytest.param(target, *values, marks=marks, id="-".join(map(str, (target, *values))))


def is_long(target: Target, seed: int) -> bool:
    """Whether a sequence is for `make test-slow`."""
    engine = Target.DUCKDB if seed % EVERY_TENTH else Target.POSTGRES
    return seed >= SHORT_SEQUENCES or target != engine


ENGINES = [on_engine(target) for target in WAREHOUSES]
PLAYED = [
    on_engine(target, seed, is_slow=is_long(target, seed))
    for target in WAREHOUSES
    for seed in range(SEQUENCES)
]


@pytest.fixture(scope="module")
def player(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Player]:
    folder = tmp_path_factory.mktemp("incremental")
    sources = folder / "sources"
    generate(
        Parameters(scale_factor=0.01, incremental_batches=len(DAILY_BATCHES)), sources, workers=1
    )
    # Rows that are rejected in one state of the lake may be right in another.
    planted = Sources(sources)
    plant(planted)
    plant_corrections(planted, random.Random(0))
    with (
        pytest.MonkeyPatch.context() as patch,
        WAREHOUSES[request.param].temporary(folder) as warehouse,
    ):
        patch.chdir(ROOT)
        workspace = Workspace(folder, warehouse)
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        player = Player(workspace, Project(), sources, {})
        player.begin(None, None)
        player.load()
        assert player.run("build", *WITHOUT_TESTS) == ""
        player.expected = player.rows()
        player.begin(None, None)
        player.load(1)
        assert player.run("build", *WITHOUT_TESTS) == ""
        player.save("historical", "historical_lake")
        player.begin(None, None)
        late = random.Random(0).sample(LATE_SYSTEMS, 2)
        player.load(1, feeds=tuple(name for name in SYSTEMS if name not in late))
        assert player.run("build", *WITHOUT_TESTS) == ""
        player.save("incomplete", "incomplete_lake")
        yield player


def steps(player: Player, chance: random.Random) -> Iterator[str]:
    """Play a random sequence; yields what was done."""
    models = sorted(
        name.split(".")[1] for name in player.expected if not name.startswith("quality.")
    )
    batches = chance.sample(DAILY_BATCHES, len(DAILY_BATCHES))
    for batch in batches:
        feeds = () if chance.random() < 0.6 else tuple(chance.sample(LATE_FEEDS, 2))
        with ExitStack() as stack:
            damaged = (
                stack.enter_context(player.a_damaged_file(batch, chance))
                if chance.random() < 0.3
                else "nothing"
            )
            player.load(batch, feeds=(*feeds, "control") if feeds else ())
        yield f"load batch {batch} of {', '.join(feeds) or 'all feeds'}, {damaged} damaged"
        (kind,) = chance.choices(("nothing", "partial", "whole", "again"), (3, 5, 1, 1))
        if kind == "again":
            player.load(chance.choice(DAILY_BATCHES), force=True)
            yield "load a batch again"
        if kind in ("partial", "again"):
            chosen = [name + chance.choice(("", "+")) for name in chance.sample(models, 2)]
            flags = ("--full-refresh",) if chance.random() < 0.2 else ()
            problem = player.run("run", "--select", *chosen, *flags)
            yield f"run {' '.join((*chosen, *flags))}: {problem or 'green'}"
        if kind == "whole":
            yield f"build: {player.run('build', *WITHOUT_TESTS) or 'green'}"


@pytest.mark.parametrize(("player", "seed"), PLAYED, indirect=["player"], scope="module")
def test_a_plain_build_gives_the_rows_of_a_full_refresh_after_any_sequence(
    player: Player, seed: int
) -> None:
    chance = random.Random(seed)
    state = chance.choice(("historical", "historical", "incomplete"))
    player.restart(state)
    played = [state, *steps(player, chance)]
    player.load()
    problem = player.run("build", *WITHOUT_TESTS)
    story = "\n".join((f"seed {seed}", *played))
    assert problem == "", f"{story}\n{problem}"
    rows = player.rows()
    different = {name for name in player.expected if rows.get(name) != player.expected[name]}
    assert different == set(), story


@pytest.mark.parametrize("player", ENGINES[:1], indirect=True)
def test_batch_by_batch_gives_the_rows_of_all_at_once_and_of_a_full_refresh(player: Player) -> None:
    empty = {name for name, (rows, _) in player.expected.items() if rows == 0}
    assert empty == NEVER_SCORED | {"quality.quarantined_rows"}, (
        "a table without rows proves nothing"
    )
    player.restart()
    for batch in DAILY_BATCHES:
        player.load(batch)
        assert player.run("build", *WITHOUT_TESTS) == ""
    assert player.rows() == player.expected
    assert player.run("build", "--full-refresh", *WITHOUT_TESTS) == ""
    assert player.rows() == player.expected


@pytest.mark.parametrize("player", ENGINES, indirect=True)
def test_an_empty_run_is_refused_on_a_built_warehouse(player: Player) -> None:
    player.restart()
    before = player.rows()
    assert "would empty its tables" in player.run("build", "--empty", *WITHOUT_TESTS)
    assert player.rows() == before
