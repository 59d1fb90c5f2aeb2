"""`make orchestrate` as people use it: files are dropped, batches are built, the page shows them, Ctrl-C ends everything."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.browser import SCREENS, browser, free_port, needs_browser, watched_page
from tests.python.dropping import drop_batch

pytestmark = [pytest.mark.integration, pytest.mark.slow]

RUNS = """
    { runsOrError(limit: 20) { ... on Runs { results { jobName status tags { key value } } } } }
"""
CODE = """
    { repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }
"""
BACKFILL = """
    mutation ($repository: RepositorySelector!) {
      launchPartitionBackfill(backfillParams: {
        selector: {partitionSetName: "batch_partition_set", repositorySelector: $repository},
        partitionNames: ["1"],
      }) { __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } }
    }
"""
LAUNCH = """
    mutation ($place: JobOrPipelineSelector!) {
      launchRun(executionParams: {selector: $place, mode: "default"}) {
        __typename ... on PythonError { message }
      }
    }
"""


@dataclass
class Server:
    """Dagster in a workspace of its own."""

    workspace: Workspace
    port: int
    process: "subprocess.Popen[str]"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """What the page asks, and how it starts runs."""
        request = urllib.request.Request(
            f"{self.address}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer)
        assert "errors" not in found, found
        return dict(found["data"])

    def code(self) -> dict[str, str]:
        """Where the page finds jobs."""
        (node,) = self.ask(CODE)["repositoriesOrError"]["nodes"]
        return {"repositoryName": node["name"], "repositoryLocationName": node["location"]["name"]}

    def runs(self, tag: str = "dagster/partition") -> dict[str, list[str]]:
        """The status of each run, by its batch or another tag, the last one first."""
        by_tag: dict[str, list[str]] = {}
        for run in self.ask(RUNS)["runsOrError"]["results"]:
            tags = {"job": run["jobName"], **{tag["key"]: tag["value"] for tag in run["tags"]}}
            by_tag.setdefault(tags.get(tag, ""), []).append(run["status"])
        return by_tag

    def published(self) -> int:
        """The batch that readers have."""
        manifest = self.workspace.folder / "published" / "current" / "manifest.json"
        return int(json.loads(manifest.read_text())["batch_id"])

    def wait_for(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait for something that takes minutes on a machine that is busy."""
        deadline = time.monotonic() + 900
        while not is_so():
            assert time.monotonic() < deadline, f"waited 15 minutes in vain until {what}"
            assert self.process.poll() is None, "Dagster has ended by itself"
            said = (self.workspace.folder / "output.txt").read_text()
            assert "Error loading repository location" not in said
            time.sleep(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With batch 1 green and batch 2 red."""
    workspace = Workspace.on_duckdb(tmp_path_factory.mktemp("dagster"))
    delivered = workspace.folder / "delivered"
    generate(Parameters(scale_factor=0.02), delivered)
    drop_batch(delivered, workspace.sources, 1)
    port = free_port()
    variables = {
        "DAGSTER_HOME": str(workspace.folder / "home"),
        "PUBLISHED": str(workspace.folder / "published"),
        "SOURCES": str(workspace.sources),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.orchestrate", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | workspace.environment | variables,
        stdout=(workspace.folder / "output.txt").open("w"),
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        server = Server(workspace, port, process)
        said = workspace.folder / "output.txt"
        server.wait_for("it is up", lambda: "Ctrl-C ends it" in said.read_text())
        server.wait_for("batch 1 is green", lambda: server.runs().get("1") == ["SUCCESS"])
        drop_batch(delivered, workspace.sources, 2)
        # An event for a security that nobody knows: its row cannot be modeled.
        watches = workspace.sources / "Batch2" / "WatchHistory.txt"
        first, *rest = watches.read_text().splitlines()
        flag, number, customer, _, at, action = first.split("|")
        unknown = f"{flag}|{number}|{customer}|NOBODY|{at}|{action}"
        watches.write_text("\n".join([unknown, *rest]) + "\n")
        server.wait_for("batch 2 is red", lambda: server.runs().get("2") == ["FAILURE"])
        yield server
        process.send_signal(signal.SIGINT)
        process.wait()


def test_a_dropped_batch_is_published_and_a_red_one_is_not(server: Server) -> None:
    assert server.published() == 1


def test_a_second_server_says_that_it_is_running_already(server: Server) -> None:
    for home, words in (
        (server.workspace.folder / "home", "Dagster is running already"),
        (server.workspace.folder / "other", f"port {server.port} is taken"),
    ):
        second = subprocess.run(
            [sys.executable, "-m", "scripts.orchestrate", "--port", str(server.port)],
            cwd=ROOT,
            env=os.environ | {"DAGSTER_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert words in second.stderr
        assert len(second.stderr.splitlines()) == 1


PAGES = {
    "graph": ("/asset-groups", "raw_vault"),
    "batches": ("/assets/marts/dim_trade?view=partitions", "dim_trade"),
    "table": ("/assets/marts/dim_trade?view=events", "has_news"),
    "failed_check": ("/assets/quality/rejected_rows?view=checks", "there_are_none"),
}


@needs_browser
@pytest.mark.parametrize("screen", SCREENS)
def test_the_page_shows_assets_batches_and_the_failed_check(
    server: Server, screen: str, tmp_path: Path
) -> None:
    """Screenshots are in the folder of the test, to be looked at."""
    with browser() as chromium:
        watched = watched_page(chromium, screen)
        for name, (path, text) in PAGES.items():
            watched.page.goto(server.address + path)
            watched.page.get_by_text(text).first.wait_for(state="attached", timeout=60_000)
            watched.page.wait_for_timeout(2_000)
            watched.page.screenshot(path=tmp_path / f"dagster_{name}_{screen}.png")
    assert watched.said == []
    assert watched.hosts == {f"127.0.0.1:{server.port}"}


def test_a_backfill_builds_the_batches_that_it_names(server: Server) -> None:
    launched = server.ask(BACKFILL, repository=server.code())["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    backfill = launched["backfillId"]
    server.wait_for(
        "the backfill has ended",
        lambda: server.runs("dagster/backfill").get(backfill) == ["SUCCESS"],
    )
    assert server.published() == 1


def test_the_job_of_the_schedule_and_the_sensor_build_a_corrected_batch_once(
    server: Server,
) -> None:
    name = "Batch2/WatchHistory.txt"
    shutil.copyfile(server.workspace.folder / "delivered" / name, server.workspace.sources / name)
    launched = server.ask(LAUNCH, place={**server.code(), "jobName": "every_batch"})["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    server.wait_for(
        "every_batch is green", lambda: server.runs("job").get("every_batch") == ["SUCCESS"]
    )
    server.wait_for("batch 2 is green", lambda: server.runs()["2"][0] == "SUCCESS")
    assert server.published() == 2


def test_ctrl_c_leaves_no_process(server: Server) -> None:
    """The last test of this file: it ends the server."""
    below = _processes_of(server.workspace.folder)
    assert server.process.pid in below
    assert len(below) > 3
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait() == 0
    assert _processes_of(server.workspace.folder) == []


def _processes_of(folder: Path) -> list[int]:
    """Processes that work in a workspace, by a variable that all of them have."""
    wanted = f"DAGSTER_HOME={folder / 'home'}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in process.read_bytes().split(b"\0"):
                found.append(int(process.parent.name))
        except OSError:
            continue
    return found
