"""Whatever goes wrong on the way, a plain re-run gives the warehouse of an unharmed run: the short form of `make faults`."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import Workspace
from tests.python.faults.environment import FAULTS
from tests.python.faults.kills import kills
from tests.python.faults.mutations import mutated_builds, mutations
from tests.python.faults.outcome import Outcome
from tests.python.faults.values import mutated_values
from tests.python.faults.workbench import Workbench

pytestmark = pytest.mark.integration

SEED = 7
KILLS = 10
MUTATIONS = 20
VALUES = 8
# In `make test-slow`.
MORE_VALUES = 40


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset") / "sources"
    generate(Parameters(scale_factor=0.02), folder, workers=1)
    return folder


def problems(outcomes: list[Outcome]) -> list[str]:
    return [
        f"{outcome.fault}, {outcome.place}: {problem}"
        for outcome in outcomes
        for problem in outcome.problems
    ]


def test_runs_killed_at_ten_moments_of_load_and_build_end_in_the_same_warehouse(
    sources: Path, tmp_path: Path
) -> None:
    with WAREHOUSES[Target.DUCKDB].temporary(tmp_path / "warehouse") as warehouse:
        workbench = Workbench(tmp_path, sources, warehouse, with_increment=False)
        outcomes = list(kills(workbench, KILLS, random.Random(SEED), in_a_row=KILLS))
    assert problems(outcomes) == []
    # Most moments fell inside a run, or nothing would be proven.
    assert [outcome.effect for outcome in outcomes].count("killed") > KILLS // 2


def test_mutated_files_are_refused_or_reconcile(sources: Path, tmp_path: Path) -> None:
    outcomes = list(mutations(sources, tmp_path / "mutated", MUTATIONS, random.Random(SEED)))
    assert problems(outcomes) == []
    assert len({outcome.effect for outcome in outcomes}) > 1


@pytest.mark.parametrize("count", [VALUES, pytest.param(MORE_VALUES, marks=pytest.mark.slow)])
def test_wrong_values_are_modeled_rejected_or_quarantined(
    sources: Path, tmp_path: Path, count: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        workspace = Workspace.on_duckdb(tmp_path)
        # They are set again by each build, and must not outlive the test.
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        outcomes = list(mutated_values(sources, workspace, count, random.Random(SEED)))
    assert problems(outcomes) == []


@pytest.fixture(scope="module", params=list(WAREHOUSES))
def workbench(
    request: pytest.FixtureRequest, sources: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp("workbench")
    with WAREHOUSES[request.param].temporary(folder / "warehouse") as warehouse:
        yield Workbench(folder, sources, warehouse)


@pytest.mark.slow
def test_kills_from_any_state_are_repaired_one_by_one(workbench: Workbench) -> None:
    assert problems(list(kills(workbench, KILLS, random.Random(SEED)))) == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_faults_of_the_machine_are_reported_clearly_and_repaired(
    workbench: Workbench, fault: object
) -> None:
    assert callable(fault)
    outcomes = list(fault(workbench, random.Random(SEED)))
    if not outcomes:
        pytest.skip("this engine cannot be brought into it")
    assert problems(outcomes) == []


@pytest.mark.slow
def test_a_build_on_a_mutated_file_is_green_or_says_what_is_wrong(workbench: Workbench) -> None:
    assert problems(list(mutated_builds(workbench, 2, random.Random(SEED)))) == []
