"""The dashboards as a reader finds them: in a browser, wide and narrow; while versions come, and after the server was killed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from scripts.publish.versions import Versions
from scripts.serve.dashboard.exposures import shown_exposures
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.browser import SCREENS, browser, needs_browser, watched_page
from tests.python.dashboard_server import (
    SECONDS_TO_WAIT,
    Server,
    running_dashboard,
    settled,
    take_pictures,
)
from tests.python.integration.test_dashboard import publish_again

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built"), needs_browser]

LABELS = [exposure.label for exposure in shown_exposures()]
MAXIMUM_BYTES = 250_000


@pytest.fixture(scope="module")
def server(
    published_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("dashboard")
    with running_dashboard(published_workspace.environment, folder) as server:
        yield server


def _figure(page: Page, label: str) -> str:
    metric = page.get_by_test_id("stMetric").filter(has_text=label)
    return metric.get_by_test_id("stMetricValue").inner_text()


def _is_wider_than_its_screen(page: Page) -> bool:
    found: bool = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".some(element => element.scrollWidth > element.clientWidth)"
    )
    return found


def test_each_page_renders_and_a_filter_is_in_its_address(
    server: Server, published_workspace: Workspace
) -> None:
    """The one walk of the normal run: from page to page, then a filter, then its link on a phone."""
    published = Path(published_workspace.environment["PUBLISHED"]) / "current" / "analyst.duckdb"
    warehouse = DuckDBWarehouse(published)
    read = "select sum(rows_read) from quality.load_log where status = 'loaded'"
    ((everything,),) = warehouse.query(read)
    ((second,),) = warehouse.query(f"{read} and batch_id = 2")
    with browser() as chromium:
        watched = watched_page(chromium)
        page = watched.page
        page.goto(server.address)
        for label in LABELS:
            page.get_by_test_id("stSidebarNavLink").filter(has_text=label).click()
            settled(page, label)
            assert page.get_by_test_id("stException").count() == 0
            assert not _is_wider_than_its_screen(page)
            path = urlsplit(page.url).path
            assert path == "/" + label.lower().replace(" ", "_")
            if label == LABELS[0]:
                assert page.get_by_test_id("stVegaLiteChart").count() == 2

        page.get_by_test_id("stSidebarNavLink").filter(has_text="Data quality review").click()
        settled(page, "Data quality review")
        assert _figure(page, "Rows read") == f"{everything:,}"
        page.get_by_role("combobox").click()
        page.get_by_role("option", name="Batch 2").click()
        page.get_by_text(f"{second:,}", exact=True).first.wait_for()
        assert parse_qs(urlsplit(page.url).query) == {"batch": ["Batch 2"]}
        assert watched.said == []
        assert watched.hosts == {f"127.0.0.1:{server.port}"}

        phone = watched_page(chromium, "narrow").page
        phone.goto(page.url)
        settled(phone, "Data quality review")
        assert _figure(phone, "Rows read") == f"{second:,}"
        assert not _is_wider_than_its_screen(phone)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "{port}"), "port {port} of 127.0.0.1 is taken"),
        (("--role", "nobody"), "nobody: no such role; there are analyst, "),
    ],
)
def test_a_server_that_cannot_start_says_why(
    server: Server, published_workspace: Workspace, arguments: tuple[str, str], said: str
) -> None:
    option, value = arguments
    second = subprocess.run(
        [sys.executable, "-m", "scripts.serve.dashboard", option, value.format(port=server.port)],
        cwd=ROOT,
        env=os.environ | published_workspace.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert said.format(port=server.port) in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_it_listens_on_the_loopback_interface_only(server: Server) -> None:
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex(("127.0.0.2", server.port)) != 0


@pytest.mark.slow
@pytest.mark.parametrize("screen", SCREENS)
def test_each_page_by_its_link(server: Server, screen: str, tmp_path: Path) -> None:
    """Screenshots are in the folder of the test, to be looked at."""
    with browser() as chromium:
        page = watched_page(chromium, screen).page
        for exposure in shown_exposures():
            page.goto(f"{server.address}/{exposure.name}")
            settled(page, exposure.label)
            assert page.get_by_test_id("stException").count() == 0
            assert not _is_wider_than_its_screen(page), exposure.name
            page.wait_for_timeout(1_000)
            page.screenshot(path=tmp_path / f"{exposure.name}_{screen}.png")


@pytest.mark.slow
def test_a_selected_row_leads_to_its_details_and_to_an_address(server: Server) -> None:
    with browser() as chromium:
        page = watched_page(chromium).page
        page.goto(f"{server.address}/trade_surveillance")
        settled(page, "Trade surveillance")
        # The table is a picture: the box of its first row is below the heading, on the left.
        page.get_by_test_id("stDataFrame").click(position={"x": 20, "y": 53})
        page.get_by_label("Status").wait_for()
        settled(page, "Trade surveillance")
        filters = parse_qs(urlsplit(page.url).query)
        assert filters["rows"] == ["Single trades"]
        assert filters.keys() == {"rows", "symbol", "day"}
        found = page.get_by_text(re.compile(r"^\d+ rows?$")).inner_text()

        page.goto(page.url)
        settled(page, "Trade surveillance")
        assert page.get_by_label("Rows of the day").input_value() == filters["day"][0]
        assert page.get_by_text(re.compile(r"^\d+ rows?$")).inner_text() == found


@pytest.mark.slow
def test_rows_are_downloaded_as_they_are_shown(server: Server) -> None:
    with browser() as chromium:
        page = watched_page(chromium).page
        page.goto(f"{server.address}/prospect_campaigns?tag=Inherited")
        settled(page, "Prospect campaigns")
        count = int(_figure(page, "In this campaign").replace(",", ""))
        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()
        lines = Path(download.value.path()).read_text().splitlines()
        assert len(lines) == count + 1
        name = lines[0].split(",").index("last_name")
        assert {line.split(",")[name] for line in lines[1:]} == {""}
        assert "prospect_campaigns_prospects_batch-0003-" in download.value.suggested_filename


@pytest.mark.slow
def test_who_keeps_a_page_open_is_told_of_each_new_version_and_the_old_one_may_go(
    published_workspace: Workspace, tmp_path: Path
) -> None:
    source = Path(published_workspace.environment["PUBLISHED"]) / "current"
    folder = tmp_path / "versions"
    folder.mkdir()
    publish_again(folder, source, 1)
    environment = published_workspace.environment | {"PUBLISHED": str(folder)}
    with running_dashboard(environment, tmp_path) as server, browser() as chromium:
        watched = watched_page(chromium)
        page = watched.page
        page.goto(server.address)
        settled(page, LABELS[0])
        for number in range(2, 12):
            first = Versions(folder).current_name()
            publish_again(folder, source, number)
            with Versions(folder).locked():
                Versions(folder).remove_old(1)
            if number == 6:
                # What is shown goes, whoever has it open.
                shutil.rmtree(folder / str(first))
            button = page.get_by_role("button", name="A new version is published: show it")
            button.click(timeout=SECONDS_TO_WAIT * 1000)
            page.get_by_text(f"As of batch {number},").wait_for(timeout=SECONDS_TO_WAIT * 1000)
        assert page.get_by_test_id("stException").count() == 0
        assert watched.said == []


@pytest.mark.slow
@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_page_that_is_open_goes_on_when_the_server_is_started_again(
    published_workspace: Workspace, tmp_path: Path, with_signal: int
) -> None:
    environment = published_workspace.environment
    link = "data_quality_review?batch=Batch+2"
    with browser() as chromium:
        page = watched_page(chromium).page
        with running_dashboard(environment, tmp_path) as server:
            page.goto(f"{server.address}/{link}")
            settled(page, "Data quality review")
            shown = _figure(page, "Rows read")
            code = server.end(with_signal)
            assert code == (-signal.SIGKILL if with_signal == signal.SIGKILL else 0)
            assert "Traceback" not in server.output.read_text()
        with running_dashboard(environment, tmp_path, port=server.port) as server:
            page.get_by_test_id("stSidebarNavLink").filter(has_text="Pipeline").click(
                timeout=SECONDS_TO_WAIT * 1000
            )
            settled(page, "Pipeline")
            page.goto(f"{server.address}/{link}")
            settled(page, "Data quality review")
            assert _figure(page, "Rows read") == shown


@pytest.mark.slow
def test_behind_a_proxy_the_dashboards_have_a_path(
    published_workspace: Workspace, tmp_path: Path
) -> None:
    environment = published_workspace.environment
    with (
        running_dashboard(environment, tmp_path, base_path="dashboards") as server,
        browser() as chromium,
    ):
        watched = watched_page(chromium)
        watched.page.goto(server.address)
        settled(watched.page, LABELS[0])
        assert urlsplit(watched.page.url).path == "/dashboards/portfolio_review"
        assert watched.said == []


@pytest.mark.slow
def test_the_pictures_of_the_readme_are_small(server: Server, tmp_path: Path) -> None:
    for path in (*take_pictures(server.address, tmp_path), *(ROOT / "docs/images").glob("*.png")):
        assert 10_000 < path.stat().st_size < MAXIMUM_BYTES
