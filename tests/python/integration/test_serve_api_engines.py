"""The API gives the same on both engines, over warehouses that were loaded, built and published from the same files."""

from collections.abc import Iterator
from typing import Any

import pytest

from scripts.serve.api.resources import Resource
from scripts.warehouse.workspace import Workspace
from tests.python.integration.test_serve_api_built import ROLES, Api, api_over

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.xdist_group("built"),
]

PAGES = 3
# When builds ran, and how long it took, differs.
OF_RUNS = {
    "loaded_at",
    "message_date_and_time",
    "built_at",
}
SCHEMA_OF_RUNS = "operations."


@pytest.fixture(scope="module")
def apis(
    published_workspace: Workspace,
    published_on_postgres: Workspace,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Api]]:
    """On DuckDB, and on Postgres."""
    duckdb, postgres = (tmp_path_factory.mktemp("api") for _ in range(2))
    with (
        api_over(published_workspace, duckdb) as on_files,
        api_over(published_on_postgres, postgres) as on_server,
    ):
        yield [on_files, on_server]


def _pages(api: Api, resource: Resource, role: str) -> tuple[Any, list[Any]]:
    """How many rows there are, and those of the first pages."""
    order = ",".join(resource.key)
    address = f"{resource.path}?limit=500&count=true&order={order}"
    count, rows = None, []
    for _ in range(PAGES):
        page = api.get(address, role).json()
        count = page.get("count", count)
        rows += [
            {name: value for name, value in row.items() if name not in OF_RUNS}
            for row in page["data"]
        ]
        if not page.get("next"):
            break
        address = f"{resource.path}?limit=500&order={order}&after={page['next']}"
    return count, rows


@pytest.mark.parametrize("role", ROLES)
def test_a_resource_has_the_same_pages_and_the_same_rights_on_both_engines(
    apis: list[Api], role: str
) -> None:
    for resource in apis[0].service.resources.values():
        if resource.table.startswith(SCHEMA_OF_RUNS):
            continue
        statuses = {api.get(resource.path, role).status_code for api in apis}
        assert len(statuses) == 1, resource.name
        if statuses == {200}:
            assert _pages(apis[1], resource, role) == _pages(apis[0], resource, role), resource.name


def test_a_metric_is_the_same_on_both_engines(apis: list[Api]) -> None:
    for metric in apis[0].service.metrics.all():
        address = f"/v1/metrics/{metric}?group_by=metric_time__year"
        on_files, on_server = (api.get(address, "auditor").json() for api in apis)
        assert [row["metric_time__year"] for row in on_server["data"]] == [
            row["metric_time__year"] for row in on_files["data"]
        ], metric
        if metric == "load_time":
            continue
        for found, expected in zip(on_server["data"], on_files["data"], strict=True):
            assert found == pytest.approx(expected), metric
