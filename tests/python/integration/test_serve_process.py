"""The API as a process: started as the documentation says, killed and started again, while versions come and go."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from scripts.serve.api.app import create_app
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.serving import Served, running
from tests.python.small_warehouse import ROWS, SmallWarehouse

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

SECONDS = 60


@dataclass
class Running:
    """A server that somebody has started in a terminal."""

    process: "subprocess.Popen[str]"
    address: str
    said: Path

    def end(self, number: signal.Signals) -> int:
        os.killpg(self.process.pid, number)
        return self.process.wait(SECONDS)


@contextmanager
def made(environment: dict[str, str], said: Path) -> Iterator[Running]:
    """`make api` on a free port, until the block is left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with said.open("w") as output:
        process = subprocess.Popen(
            ["make", "api"],
            cwd=ROOT,
            env=os.environ | environment | {"PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    server = Running(process, f"http://127.0.0.1:{port}", said)
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                httpx.get(f"{server.address}/healthz", timeout=5)
                break
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < deadline, said.read_text()
                time.sleep(0.1)
        yield server
    finally:
        if process.poll() is None:
            server.end(signal.SIGKILL)


def test_the_first_start_shows_data_and_a_killed_server_goes_on_where_it_was(
    published_workspace: Workspace, tmp_path: Path
) -> None:
    keys = {"API_KEYS": str(tmp_path / "keys.json")}
    environment = published_workspace.environment | keys | {"RUNS": str(tmp_path / "runs")}
    with made(environment, tmp_path / "first.txt") as server:
        said = server.said.read_text()
        (command,) = re.findall(r"curl -H '(.+): (.+)' '(.+)'", said)
        name, value, address = command
        first = server.address
        rows = httpx.get(address, headers={name: value}).json()
        assert len(rows["data"]) == 2
        assert f"{server.address}/docs#key={value.removeprefix('Bearer ')}" in said
        taken = subprocess.run(
            ["make", "api"],
            cwd=ROOT,
            env=os.environ | environment | {"PORT": server.address.rsplit(":", 1)[1]},
            capture_output=True,
            text=True,
        )
        assert taken.returncode != 0
        assert "is taken; set PORT or HOST to another one" in taken.stderr
        # The command of the page.
        issue = re.search(r"scripts\.serve\.api (keys issue .+)", (ROOT / "docs/serving.md").read_text())  # fmt: skip
        assert issue
        issued = _command(environment, *issue[1].split())
        shown = _command(environment, "keys", "list")
        assert "reports" in shown and issued not in shown
        headers = {"Authorization": f"Bearer {issued}"}
        page = httpx.get(f"{server.address}/v1/trades?limit=20", headers=headers).json()
        assert server.end(signal.SIGKILL) != 0
    with made(environment, tmp_path / "second.txt") as server:
        assert "key_" not in server.said.read_text()
        assert httpx.get(server.address + address.removeprefix(first), headers={name: value}).status_code == 401  # fmt: skip
        after = httpx.get(
            f"{server.address}/v1/trades?limit=20&after={page['next']}", headers=headers
        ).json()
        assert after["version"] == page["version"]
        assert after["data"][0]["trade_id"] > page["data"][-1]["trade_id"]
        key_id = issued.split("_")[1]
        assert key_id in _command(environment, "keys", "revoke", key_id)
        assert httpx.get(f"{server.address}/v1", headers=headers).status_code == 401
        server.end(signal.SIGTERM)
    lines = [line for file in (tmp_path / "runs" / "access").iterdir() for line in file.read_text().splitlines()]  # fmt: skip
    assert len(lines) == 3
    assert not any(secret in line for line in lines for secret in (issued, value))


def _command(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "scripts.serve.api", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_clients_see_whole_versions_while_ten_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DBT_TARGET", Target.DUCKDB)
    served = Served(SmallWarehouse(DuckDBWarehouse(tmp_path / "warehouse.duckdb")), tmp_path)
    served.publish(1)
    problems: list[str] = []
    seen: set[int] = set()
    is_over = threading.Event()

    def read(address: str, role: str) -> None:
        with httpx.Client(headers=served.key(role), timeout=60) as client:
            while not is_over.is_set():
                _read_all_pages(client, address, seen, problems)

    with running(create_app(served.service())) as address:
        threads = [
            threading.Thread(target=read, args=(address, role))
            for role in ("analyst", "application") * 4
        ]
        for thread in threads:
            thread.start()
        for build in range(2, 12):
            served.publish(build)
        is_over.set()
        for thread in threads:
            thread.join()
    assert problems == []
    assert len(seen) > 5


def _read_all_pages(
    client: httpx.Client, address: str, seen: set[int], problems: list[str]
) -> None:
    """All pages of the trades are those of one build, whose number their count says; or the server says to begin again."""
    rows, after, versions = 0, "", set()
    while True:
        answer = client.get(f"{address}/v1/trades?limit=150{after}")
        if answer.status_code == 410 and after:
            return
        if answer.status_code != 200:
            problems.append(f"{answer.status_code}: {answer.text}")
            return
        page = answer.json()
        rows += len(page["data"])
        versions.add((page["version"], page["batch_id"]))
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    ((_, batch),) = versions if len(versions) == 1 else (("several", 0),)
    if rows != batch * ROWS:
        problems.append(f"{rows} rows of {versions}")
    seen.add(batch)
