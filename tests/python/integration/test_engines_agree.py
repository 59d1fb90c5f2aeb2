"""One generated world on DuckDB and on Postgres: every table of every layer has the same rows, hash keys included.

Postgres gets the history and then the later batches, these with every test of the project, and is then rebuilt from all of them at once;
DuckDB gets all at once (that its batches give the same is what test_vault_replay.py is for).

    pytest tests/python/integration/test_engines_agree.py
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from scripts.fingerprint import DuckDB, Engine, Postgres
from scripts.load.run import LoadOptions, Target, load
from scripts.postgres_server import PostgresServer

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
LAYERS = ("raw_vault", "business_vault", "marts", "quality")
MODELS_AND_SEEDS = ("--resource-type", "model", "--resource-type", "seed")
# What is loaded and built together: history, then what came after it.
STEPS = ((1,), (2, 3))
# Without a broken row there is nothing to quarantine.
NEVER_FILLED = {"quality.quarantined_rows"}
MAXIMUM_DIFFERENCES = 3


@dataclass
class Build:
    """What a build came to: the problems it reported, and its tables compared with those of DuckDB."""

    problems: list[str]
    differences: dict[str, str]


@dataclass
class Project:
    """A project of one target, parsed once; its environment is set."""

    target: str
    manifest: Manifest

    @classmethod
    def parsed(cls, target: str) -> "Project":
        manifest = dbtRunner().invoke(["--quiet", "parse", "--target", target]).result
        assert isinstance(manifest, Manifest)
        return cls(target, manifest)

    def build(self, *arguments: str) -> list[str]:
        """Build; returns what did not go well."""
        # A copy, as in scripts/batches.py.
        invocation = dbtRunner(manifest=self.manifest.deepcopy()).invoke(
            ["--quiet", "build", "--target", self.target, *arguments]
        )
        assert invocation.result is not None, invocation.exception
        return [
            f"{result.node.name}: {result.message}"
            for result in invocation.result
            if result.status not in ("success", "pass", "no-op")
        ]


def differing_tables(expected: Engine, found: Engine) -> dict[str, str]:
    """The tables that do not have the same rows on both sides, each with the first rows that only one has."""
    tables, others = _tables_of_layers(expected), _tables_of_layers(found)
    return {
        name: _first_differences(expected, found, name)
        if name in tables & others
        else "is only on one side"
        for name in sorted(tables | others)
        if name not in tables & others or expected.fingerprint(name) != found.fingerprint(name)
    }


def _tables_of_layers(engine: Engine) -> set[str]:
    return {f"{schema}.{name}" for schema, name in engine.tables() if schema in LAYERS}


def _first_differences(expected: Engine, found: Engine, table: str) -> str:
    columns = expected.columns(table)
    if columns != found.columns(table):
        return f"columns {columns} and {found.columns(table)}"
    rows, other_rows = set(expected.row_texts(table)), set(found.row_texts(table))
    lines = [
        f"only on {side}: {dict(zip(columns, row.split(chr(31)), strict=True))}"
        for side, only in (("DuckDB", rows - other_rows), ("Postgres", other_rows - rows))
        for row in sorted(only)[:MAXIMUM_DIFFERENCES]
    ]
    return "\n".join(lines) or "the same rows in other numbers"


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Iterator[PostgresServer]:
    with postgres.new_database() as server:
        yield server


@pytest.fixture(scope="module")
def builds(
    small_dataset: Path, database: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Build]]:
    """All builds of this module, by name."""
    folder = tmp_path_factory.mktemp("engines")
    warehouse = folder / "warehouse.duckdb"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        environment = {
            "LAKE": str(folder / "lake"),
            "WAREHOUSE": str(warehouse),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DO_NOT_TRACK": "1",
        }
        for name, value in (environment | database.environment()).items():
            patch.setenv(name, value)

        patch.setenv("DBT_TARGET_PATH", str(folder / "postgres"))
        project = Project.parsed("postgres")
        problems: list[str] = []
        for batches in STEPS:
            options = LoadOptions(
                str(small_dataset), str(folder / "lake"), batches, target=Target.POSTGRES
            )
            problems += load(options).failures
            problems += project.build(*(MODELS_AND_SEEDS if batches != STEPS[-1] else ()))

        patch.setenv("DBT_TARGET_PATH", str(folder / "duckdb"))
        assert Project.parsed("duckdb").build(*MODELS_AND_SEEDS) == []

        connection = database.connect()
        with duckdb.connect(str(warehouse)) as expected:
            engines = DuckDB(expected), Postgres(connection)
            empty = {
                name for name in _tables_of_layers(engines[0]) if not engines[0].row_texts(name)
            }
            assert empty == NEVER_FILLED, "a table without rows proves nothing"
            in_two_steps = Build(problems, differing_tables(*engines))
            patch.setenv("DBT_TARGET_PATH", str(folder / "postgres"))
            problems = project.build("--full-refresh", *MODELS_AND_SEEDS)
            at_once = Build(problems, differing_tables(*engines))
        connection.close()
        yield {"in two steps": in_two_steps, "at once": at_once}


@pytest.mark.parametrize("name", ["in two steps", "at once"])
def test_every_model_and_test_is_green_on_postgres(builds: dict[str, Build], name: str) -> None:
    assert builds[name].problems == []


@pytest.mark.parametrize("name", ["in two steps", "at once"])
def test_every_table_has_the_same_rows_on_both_engines(builds: dict[str, Build], name: str) -> None:
    report = [f"{table}: {what}" for table, what in builds[name].differences.items()]
    assert not report, "\n".join(report)
