"""A headless browser for tests of pages, which talks to nobody but the page.

Usage:
    with browser() as chromium:
        page = watched_page(chromium, "wide")
        page.goto(address)
        assert page.said == []
"""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = {"wide": (1440, 900), "narrow": (390, 844)}

needs_browser = pytest.mark.skipif(
    _PROGRAM is None, reason="there is no Chromium: apt-get install chromium"
)


@dataclass
class WatchedPage:
    """A page, and what it did.

    Attributes:
        page: of the browser.
        said: errors on its console.
        hosts: whom it has asked for anything.
    """

    page: Page
    said: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_PROGRAM, args=_SWITCHES)
        try:
            yield chromium
        finally:
            chromium.close()


def watched_page(chromium: Browser, screen: str = "wide") -> WatchedPage:
    """A new page on a screen of `SCREENS`."""
    width, height = SCREENS[screen]
    watched = WatchedPage(chromium.new_page(viewport={"width": width, "height": height}))
    page = watched.page
    page.on(
        "console", lambda line: watched.said.append(line.text) if line.type == "error" else None
    )
    page.on("pageerror", lambda error: watched.said.append(str(error)))
    page.on("request", lambda request: watched.hosts.add(request.url.split("/")[2]))
    return watched


def free_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
