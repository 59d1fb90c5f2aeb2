"""The API over a small warehouse, on both engines: pages of one version, roles, formats, limits, problems, the log of who read what."""

import datetime
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from pyarrow import csv, parquet

from scripts.postgres_server import PostgresServer
from scripts.serve.api.app import create_app
from scripts.serve.api.limits import read_limits
from scripts.serve.api.service import STREAMS
from scripts.serve.sessions import Limits
from scripts.warehouse.base import Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.engines import WAREHOUSES
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT
from tests.python.serving import Served, running
from tests.python.small_warehouse import ROWS, SmallWarehouse

pytestmark = pytest.mark.integration

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"


@contextmanager
def _served(request: pytest.FixtureRequest, folder: Path) -> Iterator[Served]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.chdir(ROOT)
        patch.setenv("DBT_TARGET", request.param)
        warehouse: Warehouse
        if request.param is Target.POSTGRES:
            server: PostgresServer = request.getfixturevalue("postgres")
            warehouse = stack.enter_context(PostgresWarehouse.on(server))
        else:
            warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
        yield Served(SmallWarehouse(warehouse), folder)


@pytest.fixture(params=list(WAREHOUSES))
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """Nothing is published yet."""
    with _served(request, tmp_path) as served:
        yield served


@pytest.fixture(scope="module", params=list(WAREHOUSES))
def second(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The second build is published; for tests that only read."""
    with _served(request, tmp_path_factory.mktemp("served")) as served:
        served.publish(2)
        yield served


@pytest.fixture(scope="module")
def client(second: Served) -> Iterator[TestClient]:
    with second.client() as client:
        yield client


def pages(client: TestClient, address: str, headers: dict[str, str]) -> Iterator[dict[str, Any]]:
    """One page after the other, by the header that leads to the next one."""
    while True:
        answer = client.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        yield answer.json()
        if "next" not in answer.links:
            return
        address = str(answer.url.join(answer.links["next"]["url"]))


def test_all_pages_are_of_one_version_while_others_are_published(served: Served) -> None:
    first = served.publish(1)
    with served.client() as client:
        asked = pages(client, "/v1/trades?limit=30&order=-customer_id", served.key("analyst"))
        found = [next(asked)]
        served.publish(2)
        found.append(next(asked))
        served.publish(3)
        found += asked
        (now,) = pages(client, "/v1/trades?limit=1000", served.key("analyst"))
    assert {page["version"] for page in found} == {first}
    rows = [row["trade_id"] for page in found for row in page["data"]]
    assert rows == list(range(ROWS, 0, -1))
    assert len(now["data"]) == 3 * ROWS


def test_a_page_of_a_version_that_is_gone_says_to_begin_again(served: Served) -> None:
    first = served.publish(1)
    address = "/v1/trades?limit=30"
    with served.client() as client:
        page = next(pages(client, address, served.key("analyst")))
    served.publish(2)
    shutil.rmtree(served.folder / "published" / first, ignore_errors=True)
    # A server that was started again keeps no version of the database.
    with served.client() as client:
        answer = client.get(f"{address}&after={page['next']}", headers=served.key("analyst"))
    assert answer.status_code == 410
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["fix"] == "begin again without `after`"


def test_before_the_first_version_clients_are_told_to_come_back(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with served.client() as client:
        for address in ("/v1", "/v1/trades", "/v1/trades/1", "/v1/downloads/trades", "/readyz"):
            answer = client.get(address, headers=served.key("analyst"))
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "make build" in caplog.messages[-1]
            assert str(served.folder) not in answer.text
        assert client.get("/healthz").json() == {"status": "ok"}
        assert "brokerage_api_published_batch 0.0" in client.get("/metrics").text
        served.publish(1)
        assert client.get("/v1/trades/1", headers=served.key("analyst")).status_code == 200
        assert client.get("/readyz").json()["batch_id"] == 1
        figures = client.get("/metrics").text
    assert "brokerage_api_published_batch 1.0" in figures
    assert 'brokerage_api_requests_total{path="/v1/trades/{trade_id}",status="503"} 1.0' in figures


def test_each_role_gets_its_resources_with_its_masks_by_every_way(
    client: TestClient, second: Served
) -> None:
    marts = {"bought", "customers", "trades"}
    readable = {
        "analyst": marts | {"loads"},
        "application": marts,
        "auditor": marts | {"loads", "watched"},
    }
    masked, whole = {"tax_id": None, "born": "1970-01-01"}, {"tax_id": "7", "born": "1970-07-08"}
    for role, names in readable.items():
        headers = second.key(role)
        listed = client.get("/v1", headers=headers).json()
        assert {each["name"] for each in listed["resources"]} == names
        for name in ("bought", "customers", "trades", "loads", "watched"):
            key = {"watched": 2, "loads": 1}.get(name, 7)
            for address in (f"/v1/{name}", f"/v1/{name}/{key}", f"/v1/downloads/{name}"):
                status = client.get(address, headers=headers).status_code
                assert status == (200 if name in names else 403), (role, address)
        row = client.get("/v1/customers/7", headers=headers).json()
        expected = whole if role == "auditor" else masked
        assert row == {"customer_id": 7, **expected}
        download = client.get(
            "/v1/downloads/customers?customer_id=eq.7", headers={**headers, "Accept": ARROW}
        )
        (row,) = pa.ipc.open_stream(download.content).read_all().to_pylist()
        assert row["tax_id"] == expected["tax_id"]
        assert str(row["born"])[:10] == expected["born"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Basic eDp4",
        "Bearer key_00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_without_a_valid_key_nothing_is_read(client: TestClient, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for address in ("/v1", "/v1/trades", "/v1/trades/1", "/v1/downloads/trades", "/v1/metrics"):
        answer = client.get(address, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_key_that_is_revoked_is_refused_from_the_next_request_on(
    client: TestClient, second: Served
) -> None:
    text, key = second.keys.issue("reports", "analyst", days=1)
    headers = {"Authorization": f"Bearer {text}"}
    assert client.get("/v1/trades/1", headers=headers).status_code == 200
    second.keys.revoke(key.key_id)
    assert client.get("/v1/trades/1", headers=headers).status_code == 401


def test_every_format_has_the_same_rows(client: TestClient, second: Served) -> None:
    for path in ("/v1/customers?limit=40&customer_id=gt.150", "/v1/downloads/customers"):
        answers = {
            media_type: client.get(path, headers=second.key("auditor", Accept=media_type))
            for media_type in ("application/json", "text/csv", ARROW, PARQUET)
        }
        found = answers["application/json"].json()["data"]
        assert len(found) == (40 if "limit" in path else 2 * ROWS)
        tables = [
            csv.read_csv(BytesIO(answers["text/csv"].content)),
            pa.ipc.open_stream(answers[ARROW].content).read_all(),
            parquet.read_table(BytesIO(answers[PARQUET].content)),
        ]
        for table in tables:
            rows = [
                {name: str(cell)[:10] for name, cell in row.items()} for row in table.to_pylist()
            ]
            assert rows == [{name: str(cell) for name, cell in row.items()} for row in found]
        assert len({answer.headers["etag"] for answer in answers.values()}) == 4
    refused = client.get("/v1/trades", headers=second.key("analyst", Accept="text/html"))
    assert refused.status_code == 406


def test_nothing_is_sent_again_until_something_is_published(served: Served) -> None:
    served.publish(1)
    with served.client() as client:
        for address in ("/v1", "/v1/trades?limit=5", "/v1/trades/1", "/v1/downloads/trades"):
            tag = client.get(address, headers=served.key("analyst")).headers["etag"]
            again = client.get(address, headers=served.key("analyst", **{"If-None-Match": f'W/"x", {tag}'}))  # fmt: skip
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            other = client.get(address, headers=served.key("auditor", **{"If-None-Match": tag}))
            assert other.status_code == 200
        served.publish(2)
        for address in ("/v1", "/v1/trades?limit=5", "/v1/trades/1", "/v1/downloads/trades"):
            old = client.get(address, headers=served.key("analyst", **{"If-None-Match": tag}))
            assert old.status_code == 200 and old.headers["etag"] != tag


def test_all_rows_are_counted_only_if_the_client_asks(client: TestClient, second: Served) -> None:
    asked = client.get("/v1/trades?limit=3&count=true&customer_id=lte.50", headers=second.key("analyst"))  # fmt: skip
    assert (asked.json()["count"], asked.headers["x-total-count"]) == (50, "50")
    plain = client.get("/v1/trades?limit=3", headers=second.key("analyst"))
    assert "count" not in plain.json() and "x-total-count" not in plain.headers


def test_a_resource_that_goes_says_when(client: TestClient, second: Served) -> None:
    for address in ("/v1/bought", "/v1/bought/7", "/v1/downloads/bought"):
        answer = client.get(address, headers=second.key("analyst"))
        assert answer.headers["deprecation"] == "@1798675200"
        assert answer.headers["sunset"] == "Wed, 30 Jun 2027 00:00:00 GMT"
        assert "deprecation" not in client.get("/v1/trades", headers=second.key("analyst")).headers
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["paths"]["/v1/bought"]["get"]["deprecated"] is True
    assert "deprecated" not in document["paths"]["/v1/trades"]["get"]


def test_what_the_framework_refuses_is_a_problem_too(client: TestClient, second: Served) -> None:
    for address in ("/", "/v2", "/v1/nothing", "/v1/trades/", "/v1/trades/1/2", "/docs/x"):
        answer = client.get(address, headers=second.key("analyst"))
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")  # fmt: skip
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = client.request(method, "/v1/trades", headers=second.key("analyst"))
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    missing = client.get("/v1/trades/1000000", headers=second.key("analyst"))
    assert missing.status_code == 404 and missing.json()["detail"] == "trades: no row with this key"
    wrong = client.get("/v1/trades/one", headers=second.key("analyst"))
    assert (wrong.status_code, wrong.json()["parameter"]) == (400, "trade_id")


def test_who_read_what_is_written_down_without_values(served: Served) -> None:
    served.publish(1)
    with served.client() as client:
        asked = client.get(
            "/v1/customers?customer_id=in.(77,78)&select=tax_id", headers=served.key("auditor")
        )
        client.get("/v1/customers/77", headers=served.key("auditor"))
        client.get("/v1/loads", headers=served.key("application"))
        client.get("/v1/customers", headers={"Authorization": "Bearer nobody"})
    lines = served.log()
    assert asked.json()["data"] == [{"tax_id": "77"}, {"tax_id": "78"}]
    assert "77" not in json.dumps([{**line, "at": "", "request_id": "", "key_id": "", "seconds": 0, "version": ""} for line in lines])  # fmt: skip
    shown = [(line["role"], line["path"], line["filters"], line["rows"], line["status"]) for line in lines]  # fmt: skip
    assert shown == [
        ("auditor", "/v1/customers", ["customer_id.in"], 2, 200),
        ("auditor", "/v1/customers/{customer_id}", ["customer_id.eq"], 1, 200),
        ("application", "/v1/loads", [], None, 403),
    ]
    assert lines[0]["columns"] == ["tax_id"]
    assert lines[0]["request_id"] == asked.headers["x-request-id"]
    assert datetime.datetime.fromisoformat(lines[0]["at"])


def test_what_cannot_be_written_down_is_not_read(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.publish(1)
    (served.folder / "access").write_text("no folder")
    with served.client() as client:
        for address in ("/v1/trades", "/v1/trades/1", "/v1/downloads/trades"):
            # Nor does a download that is refused keep its place.
            for _ in range(STREAMS + 1):
                answer = client.get(address, headers=served.key("analyst"))
                assert answer.status_code == 503
                assert "set RUNS" in caplog.messages[-1]
                assert str(served.folder) not in answer.text
        assert client.get("/readyz").status_code == 503


def test_limits_of_a_role_hold(served: Served) -> None:
    served.publish(1)
    limits = read_limits()
    tight = replace(limits.default, rows_of_page=10, rows_of_stream=20, requests_per_minute=12)
    served.limits = replace(limits, roles={"application": tight})
    with served.client() as client:

        def ask(address: str) -> httpx.Response:
            return client.get(address, headers=served.key("application"))

        assert len(ask("/v1/trades").json()["data"]) == 10
        assert ask("/v1/trades?limit=11").json()["parameter"] == "limit"
        assert ask("/v1/downloads/trades").status_code == 422
        assert ask("/v1/downloads/trades?trade_id=lte.20").status_code == 200
        statuses = [ask("/v1/trades/1").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert int(ask("/v1/trades/1").headers["retry-after"]) >= 1
        assert client.get("/v1/trades/1", headers=served.key("analyst")).status_code == 200


def test_a_server_that_has_lost_its_database_says_so_and_finds_it_again(
    postgres: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DBT_TARGET", Target.POSTGRES)
    with PostgresWarehouse.on(postgres) as warehouse:
        served = Served(SmallWarehouse(warehouse), tmp_path)
        served.publish(1)
        service = served.service()
        with TestClient(create_app(service), raise_server_exceptions=False) as client:
            headers = served.key("analyst")
            page = client.get("/v1/trades?limit=5", headers=headers).json()
            # As a restart of the server does: all sessions end, also the one that keeps the version.
            warehouse.query(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            assert client.get("/v1/trades/1", headers=headers).status_code == 200
            after = client.get(f"/v1/trades?limit=5&after={page['next']}", headers=headers)
            assert after.status_code in (200, 410)
            away = replace(warehouse.database, port=1)
            service.published._database = away  # type: ignore[attr-defined]
            service.published.close()
            for address in ("/v1/trades/1", "/readyz"):
                answer = client.get(address, headers=headers)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
                assert "cannot be reached" in caplog.messages[-1]
                assert away.host not in answer.text
            service.published._database = warehouse.database  # type: ignore[attr-defined]
            assert client.get("/v1/trades/1", headers=headers).status_code == 200


def test_a_question_that_takes_too_long_is_ended_with_a_problem(served: Served) -> None:
    served.publish(1)
    limits = read_limits()
    served.limits = replace(limits, default=replace(limits.default, seconds=1))
    service = served.service()
    slow = {
        Target.DUCKDB: "(select range as trade_id, 1 as customer_id from range(100000000000)) as fct_trades",
        Target.POSTGRES: "(select trade_id, customer_id from published_marts.fct_trades, pg_sleep(60)) as fct_trades",
    }
    with TestClient(create_app(service), raise_server_exceptions=False) as client:
        with service.published.opened("analyst") as session:
            relations = session._relations
        relations["marts.fct_trades"] = slow[service.published.target]  # type: ignore[index]
        answer = client.get("/v1/trades?order=-customer_id", headers=served.key("analyst"))
        assert (answer.status_code, answer.json()["title"][:10]) == (422, "The answer")
        assert client.get("/v1/customers/1", headers=served.key("analyst")).status_code == 200


def test_clients_that_leave_in_the_middle_of_a_download_give_their_place_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DBT_TARGET", Target.DUCKDB)
    served = Served(SmallWarehouse(DuckDBWarehouse(tmp_path / "warehouse.duckdb")), tmp_path)
    served.publish(1)
    service = served.service()
    with running(create_app(service)) as address:
        with service.published.opened("analyst") as session:
            relations = session._relations
        relations["marts.fct_trades"] = "(select range as trade_id, 1 as customer_id from range(15000000)) as t"  # type: ignore[index]  # fmt: skip
        for _ in range(2 * STREAMS):
            with httpx.stream(
                "GET", f"{address}/v1/downloads/trades", headers=served.key("analyst", Accept=ARROW), timeout=60
            ) as answer:  # fmt: skip
                assert answer.status_code == 200
                next(answer.iter_bytes())
        del relations["marts.fct_trades"]  # type: ignore[attr-defined]
        for _ in range(200):
            if service.streams._value == STREAMS:
                break
            threading.Event().wait(0.05)
        assert service.streams._value == STREAMS
        assert service.published._free._value == Limits().sessions  # type: ignore[attr-defined]
