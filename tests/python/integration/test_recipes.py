"""The recipes of `docs/recipes.md`, followed to the letter in a copy of the project."""

import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
# Path of a file between backquotes on a line of its own, then the file.
FILES = re.findall(
    r"^   `([\w./]+)`\n\n   ```\w+\n(.*?)^   ```$",
    (ROOT / "docs" / "recipes.md").read_text(),
    flags=re.MULTILINE | re.DOTALL,
)
ANSWERS = "customer_id,answered_at,score,remark\r\n{}\r\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with everything that the recipes add."""
    folder = tmp_path_factory.mktemp("recipes") / "project"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "data", "target", "logs", "scratch", ".*cache"
    )
    shutil.copytree(ROOT, folder, symlinks=True, ignore=ignored)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    for name, content in FILES:
        assert not (folder / name).exists()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(content))
    _add(folder / "dbt-bouncer.yml", "|control", "|survey")
    hub = "    feeds=[\n", '        (ref("stg_survey__answers"), "customer_id"),\n'
    _add(folder / "models/raw_vault/hubs/hub_customer.sql", *hub)
    covered = (
        "feeds:\n",
        " " * 18 + "- {stage: \"ref('stg_survey__answers')\", column: customer_id}\n",
    )
    _add(folder / "models/raw_vault/hubs/hub_customer.yml", *covered)
    return folder


def _add(path: Path, after: str, text: str) -> None:
    content = path.read_text()
    assert content.count(after) == 1
    path.write_text(content.replace(after, after + text))


def _run(project: Path, *command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _OURS}
    done = subprocess.run(
        command,
        cwd=project,
        env=environment | {"DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


_OURS = ("SOURCES", "LAKE", "WAREHOUSE", "DBT_TARGET", "DBT_TARGET_PATH", "DBT_LOG_PATH")


def test_the_recipes_lead_from_a_file_to_a_mart(project: Path) -> None:
    assert len(FILES) == 8
    sources = project / "data" / "sources"
    generate(Parameters(scale_factor=0.01), sources)
    (sources / "Batch1" / "Survey.csv").write_text(
        ANSWERS.format('3,2017-01-01 10:00:00,9,\r\n3,2017-02-01 10:00:00,8,"good, on the whole"')
    )
    # A customer whom only the survey knows.
    (sources / "Batch2" / "Survey.csv").write_text(
        ANSWERS.format("99999999,2017-07-08 09:00:00,,who?")
    )
    _run(project, ".venv/bin/python", "-m", "scripts.load")
    _run(
        project,
        *(".venv/bin/dbt", "--log-level", "warn", "build", "--indirect-selection", "cautious"),
        *("--select", "+rpt_customer_satisfaction"),
    )
    found = DuckDBWarehouse(project / "data" / "warehouse.duckdb").query(
        "select customer_id, answer_count, cast(mean_score as double)"
        " from marts.rpt_customer_satisfaction order by customer_id"
    )
    assert found == [(3, 2, 8.5), (99999999, 0, None)]


def test_what_the_recipes_add_passes_the_linters(project: Path) -> None:
    _run(project, ".venv/bin/dbt", "parse", "--quiet")
    _run(project, ".venv/bin/dbt-bouncer", "--config-file", "dbt-bouncer.yml")
    _run(project, ".venv/bin/python", "-m", "scripts.check_project")
    views = [name for name, _ in FILES if name.endswith(".sql")]
    _run(project, ".venv/bin/sqlfluff", "lint", "--disable-progress-bar", *views)
