"""Any sequence of late batches, partial selections, repeated and refused runs, then one plain build: the rows of a full refresh.

Each sequence is drawn from a seed, played on a copy of a warehouse that holds the historical batch, and ended by `load` and `dbt build`. Runs
in between may fail (a fact may come before its customer); they must leave a state from which the plain build gives the right rows.

    pytest tests/python/integration/test_incremental_heals.py
    INCREMENTAL_SEQUENCES=200 pytest tests/python/integration/test_incremental_heals.py
"""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.dbt import WITHOUT_TESTS, Project
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.fingerprints import Fingerprint
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.hard_data import Sources, plant

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("incremental")]

SEQUENCES = int(os.environ.get("INCREMENTAL_SEQUENCES", "20"))
DAILY_BATCHES = (2, 3, 4)
LATE_FEEDS = ("brokerage.customer", "brokerage.trade", "brokerage.holding_history", "market")
LAYERS = ("raw_vault", "business_vault", "marts", "quality")


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
        run = self.project.run(*arguments)
        return "" if run.outcome.success else run.problem

    def rows(self) -> dict[str, Fingerprint]:
        """The fingerprint of every table of the layers."""
        found = self.workspace.warehouse.fingerprints()
        return {name: table for name, table in found.items() if name.partition(".")[0] in LAYERS}

    def restart(self) -> None:
        """Back to the state after the historical batch."""
        self.workspace.warehouse.restore("historical")
        shutil.rmtree(self.workspace.lake)
        shutil.copytree(self.workspace.folder / "historical_lake", self.workspace.lake)


@pytest.fixture(scope="module", params=list(Target))
def player(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Player]:
    folder = tmp_path_factory.mktemp("incremental")
    sources = folder / "sources"
    generate(
        Parameters(scale_factor=0.01, incremental_batches=len(DAILY_BATCHES)), sources, workers=1
    )
    # Rows that are rejected in one state of the lake may be right in another.
    plant(Sources(sources))
    with (
        pytest.MonkeyPatch.context() as patch,
        WAREHOUSES[request.param].temporary(folder) as warehouse,
    ):
        patch.chdir(ROOT)
        workspace = Workspace(folder, warehouse)
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        player = Player(workspace, Project(), sources, {})
        player.load()
        assert player.run("build", *WITHOUT_TESTS) == ""
        player.expected = player.rows()
        shutil.rmtree(workspace.lake)
        warehouse.empty()
        player.load(1)
        assert player.run("build", *WITHOUT_TESTS) == ""
        shutil.copytree(workspace.lake, folder / "historical_lake")
        warehouse.save("historical")
        yield player


def steps(player: Player, chance: random.Random) -> Iterator[str]:
    """Play a random sequence; yields what was done."""
    models = sorted(
        name.split(".")[1] for name in player.expected if not name.startswith("quality.")
    )
    batches = chance.sample(DAILY_BATCHES, len(DAILY_BATCHES))
    for batch in batches:
        feeds = () if chance.random() < 0.6 else tuple(chance.sample(LATE_FEEDS, 2))
        player.load(batch, feeds=(*feeds, "control") if feeds else ())
        yield f"load batch {batch} of {', '.join(feeds) or 'all feeds'}"
        kind = chance.choice(("nothing", "partial", "partial", "partial", "whole", "again"))
        if kind == "again":
            player.load(chance.choice(DAILY_BATCHES), force=True)
            yield "load a batch again"
        if kind in ("partial", "again"):
            chosen = [
                chance.choice(("", "", "+")) + name + chance.choice(("", "+"))
                for name in chance.sample(models, chance.choice((1, 3)))
            ]
            flags = ("--full-refresh",) if chance.random() < 0.2 else ()
            problem = player.run("run", "--select", *chosen, *flags)
            yield f"run {' '.join((*chosen, *flags))}: {problem or 'green'}"
        if kind == "whole":
            yield f"build: {player.run('build', *WITHOUT_TESTS) or 'green'}"


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_a_plain_build_gives_the_rows_of_a_full_refresh_after_any_sequence(
    player: Player, seed: int
) -> None:
    player.restart()
    played = list(steps(player, random.Random(seed)))
    player.load()
    problem = player.run("build", *WITHOUT_TESTS)
    story = "\n".join((f"seed {seed}", *played))
    assert problem == "", f"{story}\n{problem}"
    rows = player.rows()
    different = {name for name in player.expected if rows.get(name) != player.expected[name]}
    assert different == set(), story


def test_an_empty_run_is_refused_on_a_built_warehouse(player: Player) -> None:
    player.restart()
    before = player.rows()
    assert "would empty its tables" in player.run("build", "--empty", *WITHOUT_TESTS)
    assert player.rows() == before
