"""One generated dataset on DuckDB and on Postgres: every table of every layer has the same rows, hash keys included, and
readers have the same rows.

Postgres gets the history and then the later batches, these with every test of the project, and is then rebuilt from all of them at once;
DuckDB gets all at once (that its batches give the same is what test_incremental_heals.py is for).

    pytest tests/python/integration/test_engines_agree.py
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.metrics.definitions import MANIFEST, Definitions
from scripts.postgres_server import PostgresServer
from scripts.publish.duckdb_files import write_files
from scripts.publish.postgres_schemas import in_transaction, write_schemas
from scripts.publish.tables import published_tables
from scripts.warehouse.base import Warehouse
from scripts.warehouse.dbt import WITHOUT_FILES, Project
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.compared_engines import (
    LAYERS,
    NEVER_FILLED,
    differing_tables,
    first_differences,
    layers,
)
from tests.python.metrics.questions import QUESTIONS, answer, differences
from tests.python.run_records import write_history

pytestmark = pytest.mark.integration

MODELS_AND_SEEDS = ("--resource-type", "model", "--resource-type", "seed")
# What is loaded and built together: history, then what came after it.
STEPS = ((1,), (2, 3))
# Models of the run history: their schema also records builds, which differ.
HISTORY = sorted(path.stem for path in (ROOT / "models" / "operations").glob("*.sql"))


@dataclass
class Build:
    """What a build came to: the problems it reported, and its tables and metrics compared with those of DuckDB."""

    problems: list[str]
    differences: dict[str, str]
    history_differences: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[str]] = field(default_factory=dict)


def build(project: Project, *arguments: str) -> list[str]:
    """Build; returns what did not go well."""
    run = project.run("build", *WITHOUT_FILES, *arguments)
    assert run.outcome.result is not None, run.problem
    return [
        f"{node.name}: {node.message}"
        for node in run.nodes
        if node.status not in ("success", "pass", "no-op")
    ]


def differing_history(expected: Warehouse, found: Warehouse) -> dict[str, str]:
    """The same for the tables about runs, which must have rows."""
    relations = {f"operations.{name}": f"operations.{name}" for name in HISTORY}
    tables, others = (warehouse.fingerprints(relations) for warehouse in (expected, found))
    assert all(table.rows for table in tables.values())
    return {
        name: first_differences(expected, found, name)
        for name in relations
        if tables[name] != others[name]
    }


def differing_metrics(folder: Path, expected: Warehouse, found: Warehouse) -> dict[str, list[str]]:
    """The figures that are not the same on both sides, by question. What dbt parsed for one engine serves both."""
    definitions = Definitions(folder / Target.POSTGRES / MANIFEST)
    return {
        question.name: differences(
            answer(question, expected, definitions), answer(question, found, definitions)
        )
        for question in QUESTIONS
    }


@pytest.fixture(scope="module")
def builds(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Build]]:
    """All builds of this module, by name."""
    folder = tmp_path_factory.mktemp("engines")
    generate(Parameters(scale_factor=0.02), folder / "sources", workers=1)
    expected = DuckDBWarehouse(folder / "warehouse.duckdb")
    with pytest.MonkeyPatch.context() as patch, PostgresWarehouse.on(postgres) as found:
        patch.chdir(ROOT)

        def enter(warehouse: Warehouse) -> Workspace:
            """One lake for both engines; what dbt has parsed is for one of them."""
            workspace = Workspace(folder, warehouse)
            workspace = workspace.with_variables(DBT_TARGET_PATH=str(folder / warehouse.target))
            for name, value in workspace.environment.items():
                patch.setenv(name, value)
            return workspace

        workspace = enter(found)
        project = Project()
        problems: list[str] = []
        write_history(workspace.runs)
        for batches in STEPS:
            options = LoadOptions(
                str(workspace.sources),
                str(workspace.lake),
                batches,
                target=Target.POSTGRES,
                with_apart=True,
            )
            loaded = load(options)
            problems += loaded.failures + loaded.apart
            problems += build(project, *(MODELS_AND_SEEDS if batches != STEPS[-1] else ()))

        enter(expected)
        assert build(Project(), *MODELS_AND_SEEDS) == []
        empty = {name for name, table in layers(expected).items() if table.rows == 0}
        assert empty == NEVER_FILLED, "a table without rows proves nothing"

        in_two_steps = Build(
            problems, differing_tables(expected, found), differing_history(expected, found)
        )
        enter(found)
        problems = build(project, "--full-refresh", *MODELS_AND_SEEDS)
        at_once = Build(
            problems,
            differing_tables(expected, found),
            differing_history(expected, found),
            differing_metrics(folder, expected, found),
        )
        published = Build([], _differently_published(project, expected, found, folder))
        yield {"in two steps": in_two_steps, "at once": at_once, "published": published}


@pytest.mark.parametrize("name", ["in two steps", "at once"])
def test_every_model_and_test_is_green_on_postgres(builds: dict[str, Build], name: str) -> None:
    assert builds[name].problems == []


def _differently_published(
    project: Project, on_duckdb: DuckDBWarehouse, on_postgres: PostgresWarehouse, folder: Path
) -> dict[str, str]:
    """The tables that readers do not have alike, masked for analysts; without those that record runs."""
    tables = [table for table in published_tables(project.manifest) if table.schema in LAYERS]
    assert any(table.masks for table in tables)
    files = folder / "published"
    files.mkdir()
    one, _ = write_files(on_duckdb, tables, files)
    other = in_transaction(
        on_postgres, tables, lambda query: write_schemas(on_postgres, query, tables, previous=None)
    )
    return {
        name: f"{one.get(name)} and {other.get(name)}"
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }


def test_readers_have_the_same_rows_on_both_engines(builds: dict[str, Build]) -> None:
    assert builds["published"].differences == {}


@pytest.mark.parametrize("name", ["in two steps", "at once"])
def test_every_table_has_the_same_rows_on_both_engines(builds: dict[str, Build], name: str) -> None:
    report = [f"{table}: {what}" for table, what in builds[name].differences.items()]
    assert not report, "\n".join(report)


@pytest.mark.parametrize("name", ["in two steps", "at once"])
def test_the_run_history_has_the_same_rows_on_both_engines(
    builds: dict[str, Build], name: str
) -> None:
    assert builds[name].history_differences == {}


def test_every_metric_is_the_same_on_both_engines(builds: dict[str, Build]) -> None:
    assert len(builds["at once"].metrics) == len(QUESTIONS)
    assert {name: found for name, found in builds["at once"].metrics.items() if found} == {}
