"""The API over a real warehouse that is published: its description holds, nothing that is asked breaks it, and each role sees what is declared, by every way."""

import copy
import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
import schemathesis
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pyarrow import parquet
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from scripts.metrics.definitions import MANIFEST, Definitions
from scripts.metrics.query import query_metrics
from scripts.serve import declarations as declared
from scripts.serve.api.app import create_app
from scripts.serve.api.audit import AuditLog
from scripts.serve.api.keys import KeyStore, new_key
from scripts.serve.api.limits import read_limits
from scripts.serve.api.resources import problems_of
from scripts.serve.api.service import Service
from scripts.serve.declarations import Declarations
from scripts.serve.duckdb_files import DuckDBPublished
from scripts.serve.metrics import PublishedMetrics
from scripts.serve.published import open_published
from scripts.serve.sessions import Limits, NotAllowedError
from scripts.warehouse.changes import project_digest
from scripts.warehouse.clock import utc_now
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.serving import running

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

SEED = 31
ROLES = ("analyst", "application", "auditor")
ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
# In the normal run: few filters of each kind, a key of several parts, and what has neither.
REPRESENTATIVES = (
    "/v1/status_types",
    "/v1/downloads/trade_types",
    "/v1/positions/{account_id}/{symbol}/{valid_from}",
    "/v1/metrics",
    "/v1",
    "/healthz",
    "/readyz",
)
WORDS = (
    "'", '"', "--", ";", "/*", "%00", "\x00", "\\", "{{", "${x}", "' or 1=1 --", '" union select tax_id from marts.dim_customer --',
    "eq.", "in.(", "in.()", ")", ",", ".", "like.*", "like.%", "is.null", "is.", "null", "NaN", "-0", "1e999", "9" * 400, "x" * 5000,
    "ä", "💰", "\u202e", "\ud7ff", "\r\nX-Injected: 1", "../../etc/passwd", "2024-02-30", "0001-01-01", "9999-12-31", "true", "-1", "*",
)  # fmt: skip


@dataclass
class Api:
    """The application, a client of it, and a key for each role."""

    app: FastAPI
    client: TestClient
    service: Service
    keys: dict[str, str]
    nodes: dict[str, dict[str, Any]]

    def get(self, address: str, role: str = "analyst", **headers: str) -> Any:
        return self.client.get(
            address, headers={"Authorization": f"Bearer {self.keys[role]}", **headers}
        )


@contextmanager
def api_over(workspace: Workspace, folder: Path) -> Iterator[Api]:
    """The application over what is published in a workspace; keys and log are in the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        content = json.loads((workspace.target / declared.MANIFEST).read_text())
        declarations = Declarations.of_manifest(content, project_digest(ROOT))
        limits = read_limits()
        plenty = replace(limits.default, requests_per_minute=10**9)
        store = KeyStore(folder / "keys.json")
        keys = {}
        for role in ROLES:
            keys[role], key = new_key(role, role, timedelta(days=1))
            store.add_own(key)
        semantic = workspace.target / MANIFEST
        service = Service(
            open_published(declarations=declarations),
            store,
            AuditLog(folder / "access"),
            replace(limits, default=plenty, roles={}),
            PublishedMetrics(lambda relations: Definitions(semantic, relations)),
        )
        app = create_app(service)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Api(app, client, service, keys, content["nodes"])


@pytest.fixture(scope="module")
def api(published_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with api_over(published_workspace, tmp_path_factory.mktemp("api")) as found:
        yield found


# --- the description


def failures_of(api: Api, paths: tuple[str, ...] | None, examples: int) -> list[str]:
    """What all checks of schemathesis find, phase by phase; the server runs on a port, as it does for people."""
    # Which groupings and conditions make sense depends on the metric, which no schema can say. With settings of an operation, paths would not be chosen.
    refused = {"expected-statuses": ["2xx", "400", "401", "403", "404"]}
    # So do the keys that a model is asked about, and a tensor whose shape must be the number of its values.
    without_schema = [
        {"include-path": path, "checks": {"positive_data_acceptance": refused}}
        for path in ("/v1/metrics/{name}", "/v1/models/{name}/infer")
    ]
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"Authorization": f"Bearer {api.keys['analyst']}"},
            "generation": {"max-examples": examples, "no-shrink": True},
            # Values of answers are no filters: those have an operator before them.
            "phases": {
                "fuzzing": {"extra-data-sources": {"responses": False}},
                "stateful": {"enabled": False},
            },
            **({} if paths else {"operations": without_schema}),
        }
    )
    found = []
    with running(api.app) as address:
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)
        if paths:
            schema = schema.include(path=list(paths))
        tested = 0
        for event in from_schema(schema).execute():
            if isinstance(event, FatalError | NonFatalError):
                found.append(str(event))
            if isinstance(event, ScenarioFinished):
                for checks in event.recorder.checks.values():
                    tested += len(checks)
                    found += [
                        f"{event.recorder.label}: {each.name}: {each.failure_info.failure}"
                        for each in checks
                        if each.failure_info
                    ]
        assert tested > 300
    return found


def test_the_description_holds_for_each_kind_of_endpoint(api: Api) -> None:
    assert failures_of(api, REPRESENTATIVES, examples=3) == []


@pytest.mark.slow
def test_the_description_holds_for_all_endpoints(api: Api) -> None:
    assert failures_of(api, None, examples=10) == []


def test_every_column_of_a_resource_is_described(api: Api) -> None:
    document = api.client.get("/openapi.json").json()
    assert len(api.service.resources) >= 20
    for name, resource in api.service.resources.items():
        schema = document["components"]["schemas"][name]
        assert schema["description"].startswith("One row per")
        assert list(schema["properties"]) == list(resource.columns)
        assert all(each.get("description") for each in schema["properties"].values()), name


def test_the_recipe_of_the_page_makes_an_endpoint(api: Api) -> None:
    page = (ROOT / "docs" / "serving.md").read_text()
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    meta = yaml.safe_load(text)["config"]["meta"]
    nodes = copy.deepcopy(api.nodes)
    (node,) = [each for each in nodes.values() if each["alias"] == meta["api"]["name"]]
    node["config"]["meta"] = meta
    assert list(problems_of(node, {})) == []
    declarations = Declarations.of_manifest({"nodes": nodes}, api.service.meaning)
    published = DuckDBPublished(api.service.published._versions, declarations, Limits())  # type: ignore[attr-defined]
    service = Service(published, api.service.keys, api.service.audit, metrics=api.service.metrics)
    with TestClient(create_app(service)) as client:
        headers = {"Authorization": f"Bearer {api.keys['application']}"}
        rates = client.get("/v1/tax_rates?tx_rate=gt.0.1&limit=3", headers=headers).json()["data"]
        one = client.get(f"/v1/tax_rates/{rates[0]['tx_id']}", headers=headers).json()
    assert one == rates[0]
    assert rates == sorted(rates, key=lambda row: -row["tx_rate"])


# --- anything may be asked


def questions(count: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Requests of somebody who tries things: half of them nearly right, half of them nonsense."""
    chance = random.Random(SEED)
    names = ["select", "order", "limit", "after", "count", "status", "trade_id", "trade_price", "sk_customer_id", "is_current", "effective_date", "nothing"]  # fmt: skip
    operators = ["eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "like", "ilike", "or", ""]
    paths = ["/v1/trades", "/v1/customers", "/v1/downloads/accounts", "/v1/metrics/clients", "/v1/trades/{}", "/v1/customers/{}", "/v1/{}", "/v1/metrics/{}"]  # fmt: skip
    for _ in range(count):
        word = "".join(chance.choices(WORDS, k=chance.randint(1, 3)))
        parameters = []
        for _ in range(chance.randint(0, 4)):
            text = chance.choice([word, chance.choice(WORDS), "5", "Completed", "true"])
            if chance.random() < 0.6:
                text = f"{chance.choice(operators)}.{text}"
            parameters.append((chance.choice([*names, "group_by", "where", word[:50]]), text))
        yield chance.choice(paths).replace("{}", "{word}"), [("word", word), *parameters]


def _ask_anything(api: Api, count: int) -> None:
    tax_ids = {
        row["tax_id"]
        for row in pa.ipc.open_stream(api.get("/v1/downloads/customers", "auditor", Accept=ARROW).content)
        .read_all()
        .to_pylist()
    }  # fmt: skip
    statuses: dict[int, int] = {}
    for path, ((_, word), *parameters) in questions(count):
        address = path.replace("{word}", quote(word, safe=""))
        role = ("analyst", "application")[len(statuses) % 2]
        answer = api.client.get(
            address, params=parameters, headers={"Authorization": f"Bearer {api.keys[role]}"}
        )
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (address, parameters, answer.text)
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["fix"]
        assert "x-injected" not in answer.headers
        assert not any(tax_id in answer.text for tax_id in tax_ids if tax_id)
    assert statuses[200] > count / 20 and statuses[400] > count / 5, statuses


def test_whatever_is_asked_nothing_breaks_and_nothing_leaks(api: Api) -> None:
    _ask_anything(api, 150)


@pytest.mark.slow
def test_whatever_is_asked_a_thousand_times_nothing_breaks_and_nothing_leaks(api: Api) -> None:
    _ask_anything(api, 1000)


# --- permissions, once for all ways


def _declared_for(api: Api, role: str) -> dict[str, set[str]]:
    """By table that the role may read, its columns that are masked: from the YAML, without the code that enforces it."""
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    sees_all = f"brokerage_{role}" in project["vars"]["reads_personal_columns"]
    found = {}
    for node in api.nodes.values():
        grants = node["config"].get("grants", {}).get("select", ())
        if node["resource_type"] in ("model", "seed", "snapshot") and f"brokerage_{role}" in grants:
            personal = {n for n, c in node["columns"].items() if c["meta"].get("personal")}
            found[f"{node['schema']}.{node['alias']}"] = set() if sees_all else personal
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_the_same_by_sql_pages_single_rows_and_downloads(api: Api, role: str) -> None:
    may_read = _declared_for(api, role)
    whole = api.service.published
    shown = {}
    for resource in api.service.resources.values():
        ways = (resource.path, resource.download_path)
        if resource.table not in may_read:
            assert {api.get(way, role).status_code for way in ways} == {403}, resource.name
            with whole.opened(role) as session, pytest.raises(NotAllowedError):
                session.relation(resource.table)
            with whole.opened(role) as session, pytest.raises(NotAllowedError):
                session.query(f"select * from {resource.table}")
            continue
        masked = may_read[resource.table]
        columns = ", ".join(resource.columns)
        order = ", ".join(resource.key)
        with whole.opened(role) as session:
            relation = session.relation(resource.table)
            by_sql = session.arrow(f"select {columns} from {relation} order by {order} limit 20")
            ((total,),) = session.query(f"select count(*) from {relation}")
        with whole.opened("auditor") as session:
            everything = session.arrow(f"select {columns} from {resource.table} order by {order} limit 20")  # fmt: skip
        by_page = api.get(f"{resource.path}?limit=20&order={order.replace(' ', '')}", role, Accept=ARROW)  # fmt: skip
        assert pa.ipc.open_stream(by_page.content).read_all() == by_sql, resource.name
        download = api.get(resource.download_path, role, Accept=PARQUET)
        table = parquet.read_table(BytesIO(download.content))
        assert table.num_rows == total == int(download.headers["x-total-count"])
        # A table about runs is empty in a warehouse that no run was recorded for.
        for key in by_sql.slice(0, 1).select(list(resource.key)).to_pylist():
            address = resource.key_path.format(**key)
            one = pa.ipc.open_stream(api.get(address, role, Accept=ARROW).content).read_all()
            assert one == by_sql.slice(0, 1), resource.name
        for name in resource.columns:
            if name not in masked:
                assert by_sql[name] == everything[name], (resource.name, name)
                continue
            # Nothing, or less than there is: the first day of the year of a birth.
            left = [value for value in table[name].to_pylist() if value is not None]
            assert all(str(value).endswith("-01-01") for value in left), (resource.name, name)
            shown[name] = len(left)
    assert bool(shown) == (role != "auditor")


@pytest.mark.parametrize(
    ("role", "status"), [("analyst", 200), ("application", 403), ("auditor", 200)]
)
def test_a_metric_is_read_with_the_rights_to_its_tables(api: Api, role: str, status: int) -> None:
    assert api.get("/v1/metrics/audit_checks", role).status_code == status
    assert api.get("/v1/metrics/clients?group_by=metric_time__year", role).status_code == 200


def test_a_metric_is_what_the_command_says(api: Api, published_workspace: Workspace) -> None:
    definitions = Definitions(published_workspace.target / MANIFEST)
    grouping = ["metric_time__year"]
    expected = query_metrics(
        published_workspace.warehouse, ["trading_revenue"], grouping, order=grouping, definitions=definitions
    )  # fmt: skip
    address = "/v1/metrics/trading_revenue?group_by=metric_time__year"
    found = api.get(address).json()
    assert found["metric"]["unit"] == "currency"
    assert [tuple(row.values()) for row in found["data"]] == [
        (str(year), float(value)) for year, value in expected.rows
    ]
    table = pa.ipc.open_stream(api.get(address, Accept=ARROW).content).read_all()
    assert table.num_rows == len(expected.rows)
    few = api.get(
        f"{address}&where=metric_time__year >= 2016-01-01&order=-metric_time__year&limit=1"
    )
    assert few.json()["data"] == found["data"][-1:]
    api.get("/v1/metrics/clients?where=customer__state_prov=Nowhere&where=Smith")
    *_, line = (api.service.audit.folder / f"{utc_now():%Y-%m-%d}.jsonl").read_text().splitlines()
    assert json.loads(line)["filters"] == ["customer__state_prov =", "not understood"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/metrics/nothing", 404),
        ("/v1/metrics/clients?group_by=nothing", 400),
        ("/v1/metrics/clients?where=customer__tier%20is%20one", 400),
        ("/v1/metrics/clients?where=customer__tier%20%3D%20one", 400),
        ("/v1/metrics/clients?limit=0", 400),
        ("/v1/metrics/clients?order=nothing", 400),
        ("/v1/metrics/clients?by=customer__tier", 400),
        ("/v1/metrics/clients?limit=1&limit=2", 400),
        ("/v1/metrics?limit=1", 400),
        ("/v1/metrics/nothing/dimensions", 404),
    ],
)
def test_a_question_about_metrics_without_an_answer_is_a_problem(
    api: Api, address: str, status: int
) -> None:
    answer = api.get(address)
    assert answer.status_code == status, answer.text
    assert answer.json()["fix"]


def test_the_page_that_explains_the_api_needs_nothing_from_elsewhere(api: Api) -> None:
    page = api.client.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (
        "http://" not in page.text.replace("http://127.0.0.1", "") and "https://" not in page.text
    )
    for kind in Path(ROOT / "scripts/serve/api/problems.py").read_text().split('Type(\n    "')[1:]:
        assert f'id="problem-{kind.partition(chr(34))[0]}"' in page.text
