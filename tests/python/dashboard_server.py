"""The dashboards as people start them, and their pages as people see them; its command takes the pictures of README.

Usage:
    python -m tests.python.dashboard_server http://127.0.0.1:8501 docs/images       of dashboards that are running

    with running_dashboard(environment, tmp_path) as server:
        server.address
"""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Page

from scripts.warehouse.workspace import ROOT
from tests.python.browser import browser, free_port, watched_page

# A limit for what never comes, not for a slow machine.
SECONDS_TO_WAIT = 120
PICTURES = {
    "dashboard.png": ("portfolio_review", "wide"),
    "dashboard_phone.png": ("branch_review", "narrow"),
}


@dataclass
class Server:
    """The dashboards on a port."""

    port: int
    process: "subprocess.Popen[str]"
    output: Path
    base_path: str = ""

    @property
    def address(self) -> str:
        """Where the first page is."""
        return f"http://127.0.0.1:{self.port}/{self.base_path}".rstrip("/")

    def end(self, with_signal: int = signal.SIGINT) -> int:
        """End it; returns its exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(SECONDS_TO_WAIT)


@contextmanager
def running_dashboard(
    environment: Mapping[str, str], folder: Path, port: int | None = None, base_path: str = ""
) -> Iterator[Server]:
    """Start the dashboards, wait until they answer, and end them.

    Args:
        environment: which version they read.
        folder: for their output.
        port: None for any.
        base_path: below which they are served.
    """
    port = port or free_port()
    output = folder / f"dashboard_{port}.txt"
    with output.open("w") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "scripts.serve.dashboard"),
                *("--port", str(port), "--base-path", base_path),
            ],
            cwd=ROOT,
            env=os.environ | dict(environment),
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    server = Server(port, process, output, base_path)
    try:
        _wait(server)
        yield server
    finally:
        if process.poll() is None:
            server.end()


def _wait(server: Server) -> None:
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while server.process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{server.address}/_stcore/health"):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the dashboards did not start:\n{server.output.read_text()}")


def settled(page: Page, title: str) -> None:
    """Wait until a page with a title is complete, its charts and tables drawn."""
    milliseconds = SECONDS_TO_WAIT * 1000
    page.get_by_role("heading", name=title, exact=True).wait_for(timeout=milliseconds)
    page.get_by_text("As of batch").wait_for(timeout=milliseconds)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(
        timeout=milliseconds
    )
    page.locator('[data-testid="stSkeleton"]').first.wait_for(
        state="detached", timeout=milliseconds
    )


def take_pictures(address: str, folder: Path) -> list[Path]:
    """Write the pictures of README; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    with browser() as chromium:
        for name, (path, screen) in PICTURES.items():
            page = watched_page(chromium, screen).page
            page.goto(f"{address}/{path}")
            settled(page, path.replace("_", " ").capitalize())
            # Charts and tables fade in.
            page.wait_for_timeout(2_000)
            page.screenshot(path=folder / name)
    return [folder / name for name in PICTURES]


def main(
    address: Annotated[str, typer.Argument(help="Where the dashboards are.")],
    folder: Annotated[Path, typer.Argument(help="Where the pictures go.")],
) -> None:
    """Take the pictures of README from dashboards that are running."""
    for path in take_pictures(address, folder):
        typer.echo(f"{path} is written")


if __name__ == "__main__":
    typer.run(main)
