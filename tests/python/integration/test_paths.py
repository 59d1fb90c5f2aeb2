"""A path means the same to the loader and to dbt, whatever characters are in it, and a setting that cannot be used says so."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.load.run import LoadOptions, load
from scripts.warehouse.dbt import WITHOUT_FILES, Project
from scripts.warehouse.workspace import DBT, ROOT, Workspace

pytestmark = pytest.mark.integration

# All that has a meaning to a shell, SQL, Jinja, a pattern or a format, and a folder that looks like one of the lake's own.
ODD_NAME = 'it\'s * [1] ?x {2} %(name)s %d \u00fc "q" #;& '
# What the pattern would find too if it were taken as one.
NEIGHBOR = ODD_NAME.replace("*", "A").replace("?", "y").replace("[1]", "1")


def dbt(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run dbt with places of its own below a folder."""
    places = {
        "LAKE": str(folder / "lake"),
        "WAREHOUSE": str(folder / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }
    return subprocess.run(
        [DBT, *arguments],
        cwd=ROOT,
        env=os.environ | places | environment,
        capture_output=True,
        text=True,
    )


def test_an_odd_path_is_the_same_lake_in_loader_and_dbt(
    small_dataset: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "batch_id=7" / ODD_NAME
    sources = Path(shutil.copytree(small_dataset, folder / "sources"))
    lake = folder / "lake"
    options = LoadOptions(str(sources), str(lake), feeds=("control",))
    assert load(options).failures == []
    # Another lake, of another dataset.
    neighbor = tmp_path / "batch_id=7" / NEIGHBOR / "lake"
    assert load(LoadOptions(str(small_dataset), str(neighbor), (1,), ("control",))).failures == []
    query = "select string_agg(distinct batch_id, ',' order by batch_id) as batches from {{ ref('stg_control__load_log') }}"
    # For a warehouse, these are refused.
    place = tmp_path / re.sub("[#?]", "", ODD_NAME)
    place.mkdir()
    warehouse = str(place / "warehouse.duckdb")
    built = dbt(tmp_path, "run", "-s", "stg_control__load_log", LAKE=str(lake), WAREHOUSE=warehouse)
    assert built.returncode == 0, built.stdout
    shown = dbt(
        tmp_path,
        "show",
        "-q",
        "--inline",
        query,
        "--output",
        "json",
        LAKE=str(lake),
        WAREHOUSE=warehouse,
    )
    assert '"1,2,3"' in shown.stdout, shown.stdout


@pytest.mark.parametrize("threads", ["abc", "0", "-1"])
def test_threads_that_are_no_number_are_said_in_one_line(threads: str, tmp_path: Path) -> None:
    outcome = dbt(tmp_path, "parse", DBT_THREADS=threads)
    assert outcome.returncode != 0
    assert "'DBT_THREADS, a whole number from 1'" in outcome.stdout
    assert "Traceback" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("name", ["it's.duckdb", "a#b/w.duckdb", "a\\b/w.duckdb"])
def test_a_warehouse_whose_name_dbt_cannot_write_is_said_in_one_line(
    name: str, tmp_path: Path
) -> None:
    outcome = dbt(tmp_path, "parse", WAREHOUSE=str(tmp_path / name))
    assert outcome.returncode != 0
    assert "'WAREHOUSE, a path without # ? and backslash" in outcome.stdout
    assert "Traceback" not in outcome.stdout + outcome.stderr


@dataclass
class Site:
    """An empty lake and a warehouse that does not exist yet."""

    sources: Path
    lake: Path
    project: Project

    def load_control(self) -> None:
        """Load the first batch without its data."""
        options = LoadOptions(str(self.sources), str(self.lake), (1,), ("control",))
        assert load(options).failures == []

    def refusal(self, *arguments: str) -> str:
        """What dbt says about a command that it cannot carry out."""
        run = self.project.run(*arguments, *WITHOUT_FILES)
        assert not run.outcome.success
        return "; ".join((run.problem, *run.errors))


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Project]]:
    """The project as dbt has read it once for all tests that use it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        workspace = Workspace.on_duckdb(tmp_path_factory.mktemp("paths"))
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        yield workspace, Project()


@pytest.fixture
def site(
    parsed: tuple[Workspace, Project],
    small_dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    workspace, project = parsed
    shutil.rmtree(workspace.lake, ignore_errors=True)
    monkeypatch.setenv("WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    return Site(small_dataset, workspace.lake, project)


def test_a_lake_without_files_is_named_with_what_to_do(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Empty is as good as not there.
    monkeypatch.setenv("DBT_THREADS", "")
    message = site.refusal("run", "-s", "stg_control__batches")
    assert f"Nothing was loaded: the lake {site.lake} (LAKE)" in message
    assert "Load first: python -m scripts.load" in message


def test_a_warehouse_that_lacks_its_inputs_says_what_to_do(site: Site) -> None:
    site.load_control()
    # Its texts are a seed, which it reads through ephemeral models too.
    message = site.refusal("run", "-s", "di_messages")
    assert "The warehouse lacks the seeds message_texts, " in message
    assert "Load them first: dbt seed" in message
    site.project.run("run", "-s", "stg_control__batches").ensure_green()
    # There are batches, but no days.
    message = site.refusal("run", "-s", "bv_broker__state")
    assert "The calendar is empty: no row of Date.txt was loaded" in message
    # Tables that others build: of a model, and of a snapshot through a view.
    message = site.refusal("run", "-s", "dim_trade")
    assert "The warehouse lacks bridge_trade, bv_trade__life_cycle, " in message
    assert "dbt build -s +dim_trade" in message
    message = site.refusal("snapshot")
    assert "The warehouse lacks " in message
    assert "which the selection reads" in message


def test_tests_on_a_new_warehouse_say_what_to_do(site: Site) -> None:
    site.load_control()
    message = site.refusal("test", "-s", "dim_trade__trade_id_is_unique")
    assert "The warehouse lacks dim_trade, which the selection reads" in message


def test_dbt_runs_from_another_folder(
    parsed: tuple[Workspace, Project], site: Site, tmp_path: Path
) -> None:
    workspace, _ = parsed
    site.load_control()
    outcome = subprocess.run(
        [DBT, "run", "-s", "stg_control__batches", "--project-dir", ROOT, "--profiles-dir", ROOT],
        cwd=tmp_path,
        env=os.environ | workspace.environment,
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stdout
    assert workspace.warehouse.query("select batch_id from staging.stg_control__batches") == [(1,)]
