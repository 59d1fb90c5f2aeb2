"""The commands in the documentation work, and the files that it names exist."""

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError

from scripts.postgres_server import PostgresServer
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from tests.python.browser import browser, free_port, watched_page

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "target", "data", ".pytest_cache"} & set(path.relative_to(ROOT).parts)
)
SCRIPTS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (*(ROOT / "scripts").iterdir(), ROOT / "bench", *(ROOT / "tests/python").iterdir())
    if (path / "__main__.py").exists() or (path.suffix == ".py" and "typer.run" in path.read_text())
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_options_of_programs_exist(page: Path) -> None:
    commands = re.findall(r"python -m ([\w.]+)([^`\n]*)", page.read_text())
    missing = [
        f"{module} {option}"
        for module, arguments in commands
        for option in re.findall(r"(?<!\S)--[a-z-]+", arguments)
        if option not in _help(module)
    ]
    assert missing == []


@cache
def _help(module: str) -> list[str]:
    """The options that a program lists."""
    shown = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", module, "--help"],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    return re.findall(r"--[a-z-]+", shown.stdout)


def test_make_targets_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = _make_targets()
    assert targets >= {"build", "test", "batches", "help", "bench"}
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_paths_in_the_readme_exist() -> None:
    (tree,) = re.findall(r"## Where things are\n\n```\n(.*?)```", _readme(), flags=re.S)
    places = [place for line in tree.splitlines() for place in line[:36].split(",")]
    assert [
        place for place in places if not list(ROOT.glob(place.strip().replace("<system>", "crm")))
    ] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_explains_itself(script: str) -> None:
    shown = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", script, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0
    assert "Usage" in shown.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean checkout in which the first command of the README has run."""
    first = re.search(r"```bash\n(make \w+)", _readme())
    assert first
    checkout = tmp_path_factory.mktemp("readme") / "checkout"
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
    assert "Try next" in _shell(first[1], checkout)
    return checkout


def _shell(command: str, checkout: Path) -> str:
    """What a line of the README prints, typed by somebody who has none of our variables."""
    done = subprocess.run(
        ["bash", "-c", command], cwd=checkout, env=_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    ours = ("SOURCES", "LAKE", "WAREHOUSE", "VIRTUAL_ENV")
    return {
        key: value
        for key, value in os.environ.items()
        if key not in ours and not key.startswith("DBT_")
    }


@pytest.mark.integration
def test_first_command_of_the_readme_builds_a_clean_checkout(checkout: Path) -> None:
    warehouse = DuckDBWarehouse(checkout / "data" / "warehouse.duckdb")
    assert warehouse.query("select count(*) from marts.dim_broker")[0] > (0,)


@pytest.mark.integration
def test_the_same_command_again_finds_nothing_to_do(checkout: Path) -> None:
    assert "Nothing has moved since the last green build" in _shell("make build", checkout)


@pytest.mark.integration
def test_first_query_of_the_readme_shows_rows(checkout: Path) -> None:
    activate, show = re.findall(r"^(source \.venv\S+|dbt show .*)", _readme(), flags=re.MULTILINE)
    parsed = checkout / "target/partial_parse.msgpack"
    before = parsed.stat().st_mtime_ns
    assert "Completed" in _shell(f"{activate} && {show}", checkout)
    assert parsed.stat().st_mtime_ns == before, "the project was parsed again"


@pytest.mark.integration
def test_the_line_of_python_in_the_readme_opens_what_is_published(checkout: Path) -> None:
    activate, python = re.findall(r"^(source \.venv\S+|python -c .*)", _readme(), re.MULTILINE)
    shown = _shell(f"{activate} && {python}", checkout)
    assert "sk_customer_id" in shown
    assert "NULL" in shown


@pytest.mark.integration
def test_make_help_lists_the_commands_of_the_readme(checkout: Path) -> None:
    shown = _shell("make help", checkout)
    assert all(f"make {target}" in shown for target in _make_targets() - {"help"})


@pytest.mark.integration
def test_make_docs_serves_the_documentation(checkout: Path) -> None:
    if _documentation() is not None:
        pytest.skip("something else is served on port 8080")
    server = subprocess.Popen(
        ["make", "docs"], cwd=checkout, env=_environment(), start_new_session=True
    )
    try:
        deadline = time.monotonic() + 300
        while (page := _documentation()) is None:
            assert server.poll() is None, "make docs has ended"
            assert time.monotonic() < deadline, "make docs serves nothing"
            time.sleep(1)
    finally:
        # Not an interrupt: whoever runs in the background ignores it.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    assert b"dbt Docs" in page


@pytest.mark.slow
@pytest.mark.integration
def test_make_dashboard_serves_what_make_build_has_published(checkout: Path) -> None:
    port = free_port()
    assert "make dashboard" in _readme()
    server = subprocess.Popen(
        ["make", "dashboard"],
        cwd=checkout,
        env=_environment() | {"PORT": str(port)},
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 600
        with browser() as chromium:
            page = watched_page(chromium).page
            while True:
                try:
                    page.goto(f"http://127.0.0.1:{port}")
                    break
                except PlaywrightError:
                    assert server.poll() is None, "make dashboard has ended"
                    assert time.monotonic() < deadline, "make dashboard serves nothing"
                    time.sleep(1)
            page.get_by_text("As of batch 3,").wait_for(timeout=120_000)
            page.get_by_text("audit OK").wait_for()
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.mark.slow
@pytest.mark.integration
def test_source_files_of_ones_own_are_built(
    checkout: Path, small_dataset: Path, tmp_path: Path
) -> None:
    (command,) = re.findall(r"`(make build SOURCES=)\S+`", _readme())
    places = f"LAKE={tmp_path}/lake WAREHOUSE={tmp_path}/warehouse.duckdb"
    assert "no test is red" in _shell(f"{places} {command}{small_dataset}", checkout)
    assert (tmp_path / "warehouse.duckdb").is_file()


@pytest.mark.slow
@pytest.mark.integration
def test_batches_go_one_by_one_and_no_further_than_to_the_last(checkout: Path) -> None:
    assert "make batches" in _readme()
    _shell("make batches", checkout)
    warehouse = DuckDBWarehouse(checkout / "data" / "warehouse.duckdb")
    finished = warehouse.query("select batch_id from operations.completed_batches")
    assert sorted(finished) == [(1,), (2,), (3,)]
    assert "Nothing has moved since the last green build" in _shell("make build", checkout)


@pytest.mark.slow
@pytest.mark.integration
def test_the_lines_about_postgres_build_on_a_server(
    checkout: Path, postgres: PostgresServer
) -> None:
    (lines,) = re.findall(r"## On Postgres\n.*?```bash\n(.*?)```", _readme(), flags=re.S)
    with postgres.new_database() as database:
        ours = database.environment()
        for name in re.findall(r"\b(PG[A-Z]+)=\S+", lines):
            lines = re.sub(rf"{name}=\S+", f"{name}={ours[name]}", lines)
        rest = f"export PGPORT={database.port} PGDATABASE={database.database}\n"
        assert f"database {database.database}" in _shell(rest + lines, checkout)


def _documentation() -> bytes | None:
    """What is served where the Makefile says; None if nothing is."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8080") as answer:
            page: bytes = answer.read()
            return page
    except OSError:
        return None


def _make_targets() -> set[str]:
    return set(re.findall(r"(?:^|`|  )make ([a-z-]+)", _readme(), flags=re.MULTILINE))


def _readme() -> str:
    return (ROOT / "README.md").read_text()
