"""The recipe of `docs/dashboards.md`, followed to the letter in a copy of the project: the page is there, and nothing that checks pages complains."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.xdist_group("built")]

PAGE = (ROOT / "docs" / "dashboards.md").read_text()
# Path of a file between backquotes on a line of its own, then the file.
FILES = re.findall(r"^   `([\w./]+)`\n\n   ```\w+\n(.*?)^   ```$", PAGE, re.MULTILINE | re.DOTALL)
EXPOSURES = re.findall(
    r"In `(models/exposures\.yml)`:\n\n   ```yaml\n(.*?)^   ```$", PAGE, re.MULTILINE | re.DOTALL
)
SHOW = '''
from streamlit.testing.v1 import AppTest

PAGE = """
from scripts.serve.dashboard.exposures import shown_exposures
from scripts.serve.dashboard.pages import show_page

show_page(shown_exposures()[-1], "analyst")
"""
app = AppTest.from_string(PAGE, default_timeout=300).run()
assert not app.exception, app.exception
print(app.title[0].value, app.metric[0].label, len(app.dataframe[0].value))
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with everything that the recipe adds."""
    folder = tmp_path_factory.mktemp("dashboards") / "project"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "data", "target", "logs", "scratch", ".*cache"
    )
    shutil.copytree(ROOT, folder, symlinks=True, ignore=ignored)
    for name, content in FILES:
        assert not (folder / name).exists()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(content))
    ((name, exposure),) = EXPOSURES
    with (folder / name).open("a") as file:
        file.write("\n" + textwrap.indent(textwrap.dedent(exposure), "  "))
    return folder


def run(project: Path, workspace: Workspace, *arguments: str) -> str:
    """Run a module of Python there; its target folder of dbt is its own."""
    places = {"DBT_TARGET_PATH": "target", "DBT_LOG_PATH": "logs"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=os.environ | workspace.environment | places,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_recipe_adds_a_page(project: Path, published_workspace: Workspace) -> None:
    assert len(FILES) == 2
    title, rest = run(project, published_workspace, "-c", SHOW).strip().split(" Clients ")
    assert title == "Watch lists"
    assert int(rest) > 10


def test_what_the_recipe_adds_is_checked_and_clean(
    project: Path, published_workspace: Workspace
) -> None:
    run(project, published_workspace, "-m", "pytest", "-q", "tests/python/unit/serve")
    page = "scripts/serve/dashboard/pages/watch_lists.py"
    for command in ("check", "format"):
        run(
            project,
            published_workspace,
            "-m",
            "ruff",
            command,
            *(["--check"] * (command == "format")),
            page,
        )
    folder = "scripts/serve/dashboard/questions/watch_lists"
    run(
        project,
        published_workspace,
        *("-m", "scripts.sqlfluff", "lint", "--disable-progress-bar", "--templater", "placeholder"),
        folder,
    )
