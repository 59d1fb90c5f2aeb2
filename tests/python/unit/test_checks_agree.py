"""`make lint`, the pre-commit hooks and the GitHub workflow run the same checks: none of them drifts from the others."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
SQL_FOLDERS = (
    "models",
    "macros",
    "snapshots",
    "seeds",
    "tests/singular",
    "tests/generic",
    "analyses",
    "packages",
)


def _read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def _commands_of_make_lint() -> list[str]:
    # The environment counts as up to date, so that only the recipe of `lint` is printed.
    printed = subprocess.run(
        ["make", "--dry-run", "--old-file", ".venv/.dev", "lint"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [line for line in printed if not line.startswith("mkdir ")]


def _command(hook: dict[str, Any]) -> str:
    """What the hook runs if every file is part of the commit."""
    command = str(hook["entry"]).removeprefix("env ")
    if hook.get("pass_filenames", True):
        folders = [name for name in SQL_FOLDERS if re.match(hook["files"], f"{name}/below/x.sql")]
        command = " ".join([command, *folders])
    return command


def test_pre_commit_runs_what_make_lint_runs() -> None:
    (local,) = _read(".pre-commit-config.yaml")["repos"]
    assert [_command(hook) for hook in local["hooks"]] == _commands_of_make_lint()


def test_the_workflow_runs_ci_run_on_the_oldest_python() -> None:
    (job,) = _read(".github/workflows/ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    (version,) = [
        step["with"]["python-version"]
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/setup-python@")
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={version}"


def test_ci_run_runs_make_test_which_lints() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "make test"
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.partition("\ntest: ")[2].partition("\n\n")[0]
    assert re.search(r"\$\(MAKE\) .*\blint pytest\b", recipe)
