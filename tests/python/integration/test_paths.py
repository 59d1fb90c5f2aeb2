"""A path means the same to the loader and to dbt, whatever characters are in it, and a setting that cannot be used says so."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.load.run import LoadOptions, load
from scripts.warehouse.workspace import DBT, ROOT

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


def test_a_warehouse_that_lacks_its_inputs_says_what_to_do(
    small_dataset: Path, tmp_path: Path
) -> None:
    # Empty is as good as not there.
    outcome = dbt(tmp_path, "run", "-s", "stg_control__batches", DBT_THREADS="")
    assert outcome.returncode != 0
    assert f"Nothing was loaded: the lake {tmp_path}/lake (LAKE)" in outcome.stdout
    assert "Load first: python -m scripts.load" in outcome.stdout
    options = LoadOptions(str(small_dataset), str(tmp_path / "lake"), (1,), ("control",))
    assert load(options).failures == []
    # Its texts are a seed, which it reads through ephemeral models too.
    outcome = dbt(tmp_path, "run", "-s", "di_messages")
    assert outcome.returncode != 0
    assert "The warehouse lacks the seeds message_texts, " in outcome.stdout
    assert "Load them first: dbt seed" in outcome.stdout
    outcome = dbt(tmp_path, "run", "-s", "stg_control__batches")
    assert outcome.returncode == 0, outcome.stdout
    # There are batches, but no days.
    outcome = dbt(tmp_path, "run", "-s", "bv_broker__state")
    assert outcome.returncode != 0
    assert "The calendar is empty: no row of Date.txt was loaded" in outcome.stdout
    # Tables that others build: of a model, and of a snapshot through a view.
    outcome = dbt(tmp_path, "run", "-s", "dim_trade")
    assert outcome.returncode != 0
    assert "The warehouse lacks bridge_trade, bv_trade__life_cycle, " in outcome.stdout
    assert "dbt build -s +dim_trade" in outcome.stdout
    outcome = dbt(tmp_path, "snapshot")
    assert outcome.returncode != 0
    assert "The warehouse lacks " in outcome.stdout
    assert "which the selection reads" in outcome.stdout


def test_tests_on_a_new_warehouse_say_what_to_do(small_dataset: Path, tmp_path: Path) -> None:
    options = LoadOptions(str(small_dataset), str(tmp_path / "lake"), (1,), ("control",))
    assert load(options).failures == []
    outcome = dbt(tmp_path, "test", "-s", "dim_trade__trade_id_is_unique")
    assert outcome.returncode != 0
    assert "The warehouse lacks dim_trade, which the selection reads" in outcome.stdout


def test_dbt_runs_from_another_folder(small_dataset: Path, tmp_path: Path) -> None:
    options = LoadOptions(str(small_dataset), str(tmp_path / "lake"), (1,), ("control",))
    assert load(options).failures == []
    command = [DBT, "run", "-s", "stg_control__batches"]
    places = {
        "LAKE": str(tmp_path / "lake"),
        "WAREHOUSE": str(tmp_path / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
        "DO_NOT_TRACK": "1",
    }
    outcome = subprocess.run(
        [*command, "--project-dir", ROOT, "--profiles-dir", ROOT],
        cwd=tmp_path,
        env=os.environ | places,
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stdout
