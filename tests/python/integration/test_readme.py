"""What the documentation tells people to do works, and what it points to is there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "target", "data", ".pytest_cache"} & set(path.relative_to(ROOT).parts)
)
SCRIPTS = sorted(
    path.stem if path.is_file() else path.name
    for path in (ROOT / "scripts").iterdir()
    if (path / "__main__.py").exists() or (path.suffix == ".py" and "typer.run" in path.read_text())
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_make_targets_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`|  )make ([a-z-]+)", _readme(), flags=re.M))
    assert targets >= {"build", "test", "batches", "help", "bench"}
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_paths_in_the_readme_exist() -> None:
    (tree,) = re.findall(r"## Where things are\n\n```\n(.*?)```", _readme(), flags=re.S)
    places = [line.split("  ")[0].split(",")[0] for line in tree.splitlines()]
    assert [
        place for place in places if not list(ROOT.glob(place.replace("<system>", "crm")))
    ] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_explains_itself(script: str) -> None:
    shown = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", f"scripts.{script}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0
    assert "Usage" in shown.stdout


@pytest.mark.integration
def test_first_command_of_the_readme_builds_a_clean_checkout(tmp_path: Path) -> None:
    first = re.search(r"```bash\n(make \w+)", _readme())
    assert first
    checkout = tmp_path / "checkout"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, tracked.decode().split("\0")):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, checkout / name, follow_symlinks=False)
    ours = ("SOURCES", "LAKE", "WAREHOUSE", "DBT_TARGET_PATH", "DBT_LOG_PATH", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if key not in ours}
    built = subprocess.run(
        first[1].split(), cwd=checkout, env=environment, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "Try next" in built.stdout
    with duckdb.connect(str(checkout / "data" / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("select count(*) from marts.dim_broker").fetchone() > (0,)


def _readme() -> str:
    return (ROOT / "README.md").read_text()
