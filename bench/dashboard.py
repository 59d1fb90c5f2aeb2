"""What a reader of the dashboards waits for: the first paint of each page, the whole page, and a filter. In a browser without a window.

Usage:
    with served(environment, output) as address:
        for visit in visit_pages(address):
            print(visit.page, visit.first_paint, visit.complete, visit.filter)

Needs the extra `browser`, and Chromium.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.serve.dashboard.exposures import HOST, shown_exposures
from scripts.warehouse.settings import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SECONDS_TO_WAIT = 120
# Until it has asked what pages ask at the beginning (scripts/serve/dashboard/__main__.py), which a new version does once for all readers.
_SECONDS_TO_WARM = 15
_SCREEN = {"width": 1440, "height": 900}
_SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# The first of them that a page shows is its first paint.
_FIRST = '[data-testid="stMetric"], [data-testid="stDataFrame"]'
_IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_CHANGES = """
    () => {
        window.runs = 0;
        const app = document.querySelector('[data-testid="stApp"]');
        new MutationObserver(() => {
            if (app.dataset.testScriptState === 'notRunning') window.runs += 1;
        }).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
    }
"""


@dataclass(frozen=True)
class Visit:
    """What one reader waited for, in seconds.

    Attributes:
        page: which was visited.
        first_paint: from asking for the address until the key figures are there.
        complete: until all of it is there.
        filter: from the choice of a filter until all of it shows that.
    """

    page: str
    first_paint: float
    complete: float
    filter: float


@contextmanager
def served(environment: Mapping[str, str], output: Path) -> Iterator[str]:
    """Start the dashboards, let them ask what they ask at the beginning, and end them; yields their address.

    Raises:
        RuntimeError: they did not start.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    address = f"http://{HOST}:{port}"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.serve.dashboard", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | dict(environment),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(address, process)
        time.sleep(_SECONDS_TO_WARM)
        yield address
    finally:
        process.terminate()
        process.wait()


def visit_pages(address: str) -> Iterator[Visit]:
    """Visit each page as a new reader, with nothing in the browser's cache, and set a filter that nobody has set before."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_SWITCHES)
        for exposure in shown_exposures():
            context = browser.new_context(viewport=_SCREEN)  # type: ignore[arg-type]
            page = context.new_page()
            page.set_default_timeout(_SECONDS_TO_WAIT * 1000)
            started = time.perf_counter()
            page.goto(f"{address}/{exposure.name}", wait_until="commit")
            page.locator(_FIRST).first.wait_for()
            painted = time.perf_counter()
            page.locator(_IDLE).wait_for()
            complete = time.perf_counter()
            seconds = _set_filter(page)
            yield Visit(exposure.name, painted - started, complete - started, seconds)
            context.close()
        browser.close()


def _set_filter(page: "Page") -> float:
    """Choose the last value of the last list; on a page without lists, type a number, or look at other rows. Returns the seconds until it is shown."""
    page.evaluate(_CHANGES)
    lists = page.get_by_role("combobox")
    if lists.count():
        lists.last.click()
        page.keyboard.press("End")
        option = page.get_by_role("option").last
        option.wait_for()
        started = time.perf_counter()
        option.click()
    elif page.get_by_placeholder("Number").count():
        page.get_by_placeholder("Number").fill("7")
        started = time.perf_counter()
        page.keyboard.press("Enter")
    else:
        started = time.perf_counter()
        page.get_by_test_id("stButtonGroup").get_by_role("radio").last.click()
    page.wait_for_function("window.runs > 0")
    return time.perf_counter() - started


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health"):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the dashboards did not start")
