"""The share that comes with the project, by its command, on a real warehouse."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from scripts.serve.api.app import create_app
from scripts.serve.api.audit import AuditLog
from scripts.serve.api.keys import KeyStore
from scripts.serve.api.service import Service
from scripts.serve.published import open_published
from scripts.share.__main__ import app
from scripts.share.index import Index
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.serving import running

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

PAGE = ROOT / "docs/sharing.md"
SHARE = "market_research/trading_activity"


@pytest.fixture(scope="module")
def folder(
    published_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Where shares and keys are; the environment is that of somebody who builds them."""
    folder = tmp_path_factory.mktemp("shares")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in published_workspace.environment.items():
            patch.setenv(name, value)
        # The share is approved for some years; tests are not to expire with it.
        for module in ("__main__", "build"):
            patch.setattr(f"scripts.share.{module}.utc_now", lambda: datetime(2026, 12, 1, 12))
        # A copy: other tests of this process may have the files open, with other settings than those of a share, which DuckDB refuses.
        shutil.copytree(os.environ["PUBLISHED"], folder / "published", symlinks=True)
        patch.setenv("PUBLISHED", str(folder / "published"))
        patch.setenv("RUNS", str(folder / "runs"))
        patch.setenv("SHARES", str(folder / "shares"))
        patch.setenv("SHARE_KEYS", str(folder / "keys"))
        yield folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture(scope="module")
def current(folder: Path) -> Path:
    """The current version of the share, built by the command."""
    done = run("build", "trading_activity")
    assert done.exit_code == 0, done.output
    assert f"built: {SHARE}: " in done.output
    return folder / "shares" / SHARE / "current"


def test_the_share_holds_what_the_warehouse_has(
    current: Path, published_workspace: Workspace
) -> None:
    index = Index.read(current)
    rows = {dump.table: dump.rows for dump in index.dumps}
    count = published_workspace.warehouse.query
    trades = "select count(*) from marts.dim_trade where status in ('Completed', 'Canceled')"
    assert rows["trades"] == count(trades)[0][0] > 10_000
    assert rows["securities"] == count("select count(*) from marts.dim_security")[0][0]
    people = """
        select count(*)
        from marts.dim_customer
        where status = 'Active' and (country is null, coalesce(country, ''), coalesce(year(dob), 0)) in (
            select (country is null, coalesce(country, ''), coalesce(year(dob), 0))
            from marts.dim_customer
            where status = 'Active'
            group by country is null, coalesce(country, ''), coalesce(year(dob), 0)
            having count(distinct customer_id) >= 5
        )
    """
    assert rows["customers"] == count(people)[0][0] > 50


def test_no_tax_number_and_no_name_is_in_any_file(
    current: Path, published_workspace: Workspace
) -> None:
    columns = ("tax_id", "first_name || ' ' || last_name", "email1", "phone1", "address_line1")
    texts = set()
    for column in columns:
        found = published_workspace.warehouse.query(
            f"select distinct {column} from marts.dim_customer"
        )
        texts |= {text for (text,) in found if text and len(text) > 6}
    assert len(texts) > 500
    with duckdb.connect() as connection:
        for file in current.resolve().rglob("*.parquet"):
            relation = f"read_parquet('{file}')"
            names = [
                name
                for name, *_ in connection.execute(f"describe select * from {relation}").fetchall()
            ]
            for name in names:
                values = connection.execute(
                    f'select distinct cast("{name}" as varchar) from {relation}'
                )
                assert not texts & {value for (value,) in values.fetchall()}, f"{file.name}: {name}"


def test_a_second_build_does_nothing(current: Path) -> None:
    before = current.resolve()
    done = run("build")
    assert done.exit_code == 0
    assert f"built before: {SHARE}" in done.output
    assert current.resolve() == before


def test_the_command_verifies_a_version(current: Path, tmp_path: Path) -> None:
    assert "whole" in run("verify", str(current)).output
    damaged = shutil.copytree(current.resolve(), tmp_path / "damaged")
    (damaged / "tables/trades.csv.gz").unlink()
    done = run("verify", str(damaged))
    assert (done.exit_code, done.output.strip()) == (1, "share: tables/trades.csv.gz: missing")
    assert run("verify", str(tmp_path / "nothing")).exit_code == 1


def test_lists_say_what_is_shared_and_what_was_given(current: Path) -> None:
    version = Index.read(current).version
    (line,) = [line for line in run("list").output.splitlines() if "trading_activity" in line]
    assert line.split()[:5] == [
        "market_research",
        "trading_activity",
        "allowed",
        "2029-11-30",
        version,
    ]
    given = run("list", "--given").output.splitlines()
    assert sum("marts.dim_trade" in line for line in given) == 1
    told = run("list", "--table", "marts.dim_customer").output.splitlines()
    assert len(told) == 2
    assert "tax_id:keyed_hash,dob:year" in told[1]
    assert len(run("list", "--table", "marts.dim_broker").output.splitlines()) == 1


def test_check_tells_which_shares_a_change_breaks(
    current: Path, published_workspace: Workspace, tmp_path: Path
) -> None:
    done = run("check")
    assert (done.exit_code, done.output.strip()) == (0, "1 shares keep the rules")
    old = json.loads((published_workspace.target / "manifest.json").read_text())
    before = tmp_path / "manifest.json"
    before.write_text(json.dumps(old))
    assert run("check", "--against", str(before)).exit_code == 0
    trades = old["nodes"]["model.brokerage_warehouse.dim_trade"]["columns"]
    trades["quantity"]["data_type"] = "bigint"
    trades["commission"]["data_type"] = "bigint"
    before.write_text(json.dumps(old))
    done = run("check", "--against", str(before))
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"share: {SHARE}: changes_of_models_break_no_share: trades: quantity was bigint and is integer"
    ]
    before.write_text("{}")
    assert run("check", "--against", str(before)).exit_code == 2


def test_unknown_names_and_missing_versions_are_told_in_one_line(folder: Path) -> None:
    done = run("build", "nothing")
    assert done.exit_code == 2
    assert done.output.strip() == "share: nothing: no such share; there are trading_activity"
    done = run("build", "--version", "batch-0009-20261130T000000Z")
    assert done.exit_code == 2
    assert len(done.output.splitlines()) == 1
    done = run("revoke", "market_research/nothing", "--reason", "x")
    assert done.exit_code == 2
    assert "nobody was given it" in done.output


def blocks(language: str) -> list[str]:
    """The examples of the page, as somebody copies them."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), flags=re.S)


def test_the_commands_of_the_page_work(current: Path, published_workspace: Workspace) -> None:
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    places = {
        "data/shares/market_research/trading_activity/current": str(current),
        "target/manifest.json": str(published_workspace.target / "manifest.json"),
    }
    ran = []
    for line in lines:
        command, *_ = line.partition("#")
        command, *_ = command.partition(">")
        for written, place in places.items():
            command = command.replace(written, place)
        program, _, arguments = command.strip().partition("scripts.share ")
        if program == "python -m " and not arguments.startswith("revoke"):
            done = run(*shlex.split(arguments))
            assert done.exit_code == 0, f"{line}: {done.output}"
            ran.append(arguments)
        elif command.startswith("cd "):
            subprocess.run(["bash", "-euc", command], check=True, capture_output=True)
    assert len(ran) == 10
    shown = subprocess.run(["make", "-n", "share"], cwd=ROOT, capture_output=True, text=True)
    assert "-m scripts.share build" in shown.stdout


def test_recipients_read_the_files_as_the_page_says(current: Path) -> None:
    _, _, pandas, spark = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", pandas], cwd=current, capture_output=True, text=True
    )
    assert "Completed" in done.stdout, done.stderr
    assert spark.count("tables/trades") == 1
    _, question = blocks("sql")
    with duckdb.connect(config={"file_search_path": str(current)}) as connection:
        rows = connection.execute(question).fetchall()
    assert len(rows) == 10
    counts = [count for _, count in rows]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 0


def test_recipients_read_by_delta_sharing_as_the_page_says(
    current: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.share.offers.utc_now", lambda: datetime(2026, 12, 1, 12))
    service = Service(open_published(), KeyStore(tmp_path / "keys"), AuditLog(tmp_path / "access"))
    example, *_ = blocks("python")
    with running(create_app(service)) as address:
        issued = run(
            "profile", "issue", "market_research", "--endpoint", f"{address}/delta-sharing"
        )
        (tmp_path / "market_research.share").write_text(issued.stdout)
        done = subprocess.run(
            [sys.executable, "-c", example],
            cwd=tmp_path,
            env=os.environ | {"no_proxy": "127.0.0.1"},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    dump = Index.read(current).resource("trades", "dump")
    assert dump
    (count,) = re.findall(r"^Completed +(\d+)$", done.stdout, flags=re.M)
    assert 0 < int(count) <= dump.rows
    assert "name='customers'" in done.stdout
    assert "download" in run("list", "--given").output


@pytest.mark.parametrize(
    "name",
    ["market_research/.", "market_research/..", "../published", "market_research/", "/", "."],
)
def test_what_is_no_name_of_a_share_cannot_be_revoked(
    name: str, current: Path, folder: Path
) -> None:
    done = run("revoke", name, "--reason", "x")
    assert done.exit_code == 2, done.output
    assert "nobody was given it" in done.output
    assert current.exists()


def test_a_revoked_share_is_removed_and_recorded(
    current: Path, folder: Path, published_workspace: Workspace
) -> None:
    done = run("revoke", SHARE, "--reason", "The study is over.")
    assert done.exit_code == 0, done.output
    assert not current.exists()
    assert "refused: is_not_revoked" in run("list").output
    done = run("build")
    assert done.exit_code == 1
    assert "is_not_revoked: revoked on" in done.output
    given = run("list", "--given").output
    assert given.count("revoke ") == 3
