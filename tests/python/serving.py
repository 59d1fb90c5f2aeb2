"""A small warehouse, published and served: as tests of the API ask it.

Usage:
    served = Served(SmallWarehouse(warehouse), folder)
    served.publish(1)
    with served.client() as client:
        client.get("/v1/trades", headers=served.key("analyst"))
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from fastapi.testclient import TestClient

from scripts.metrics.definitions import Definitions
from scripts.publish.run import publish
from scripts.publish.tables import published_tables
from scripts.publish.versions import Versions
from scripts.serve.api.app import create_app
from scripts.serve.api.audit import AuditLog
from scripts.serve.api.keys import KeyStore, new_key
from scripts.serve.api.limits import AllLimits, read_limits
from scripts.serve.api.service import Service
from scripts.serve.declarations import Declarations
from scripts.serve.duckdb_files import DuckDBPublished
from scripts.serve.metrics import PublishedMetrics
from scripts.serve.postgres import PostgresPublished
from scripts.serve.sessions import Limits, Published
from scripts.warehouse.changes import project_digest
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.workspace import ROOT
from tests.python.small_warehouse import SmallWarehouse

# `meta.api` of the tables of the small warehouse.
API: dict[str, dict[str, Any]] = {
    "marts.fct_trades": {"name": "trades", "key": ["trade_id"], "filters": ["customer_id"]},
    "marts.dim_customer": {"name": "customers", "key": ["customer_id"]},
    "marts.rpt_bought": {"name": "bought", "key": ["customer_id"], "sunset": "2027-06-30"},
    "marts.rpt_watched": {"name": "watched", "key": ["trades"]},
    "quality.load_log": {"name": "loads", "key": ["batch_id"]},
}
COLUMNS = {
    "marts.rpt_bought": {"customer_id": "bigint"},
    "marts.rpt_watched": {"trades": "integer"},
    "quality.load_log": {"batch_id": "integer"},
}
DEPRECATED_ON = "2026-12-31T00:00:00+00:00"


def small_declarations(small: SmallWarehouse) -> Declarations:
    """What dbt would have written, as far as the API looks at it."""
    project = small.project
    nodes = {}
    for node in project.nodes.values():
        name = f"{node.schema}.{node.alias}"
        types = COLUMNS.get(name) or {key: each.data_type for key, each in node.columns.items()}
        nodes[name] = {
            "alias": node.alias,
            "description": node.description,
            "columns": {
                key: {"data_type": kind, "description": "What it says.", "constraints": []}
                for key, kind in types.items()
            },
            "config": {"meta": {"api": API.get(name)}},
            "deprecation_date": DEPRECATED_ON if "sunset" in API.get(name, {}) else None,
        }
    tables = {table.name: table for table in published_tables(project)}
    return Declarations(nodes, tables, project_digest(ROOT))


@dataclass
class Served:
    """A small warehouse, where it is published, and who may read it.

    Attributes:
        small: the warehouse.
        folder: of the published versions, and of the log of who read what.
        limits: of the roles.
        sessions: limits of all sessions.
    """

    small: SmallWarehouse
    folder: Path
    limits: AllLimits = field(default_factory=read_limits)
    sessions: Limits = field(default_factory=Limits)
    keys: KeyStore = field(init=False)
    _texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = KeyStore(self.folder / "keys.json")
        for role in ("analyst", "application", "auditor"):
            self._texts[role], key = new_key(f"{role} of the test", role, timedelta(days=1))
            self.keys.add_own(key)

    def publish(self, build: int) -> str:
        """Build again and publish; returns the version."""
        self.small.build(build)
        published = publish(self.small.warehouse, self.folder / "published", self.small.project)
        return published.manifest.version

    def key(self, role: str, **headers: str) -> dict[str, str]:
        """The headers of a request with a key."""
        return {"Authorization": f"Bearer {self._texts[role]}", **headers}

    def service(self) -> Service:
        """What a server that is started now would have."""
        declarations, warehouse = small_declarations(self.small), self.small.warehouse
        published: Published
        if isinstance(warehouse, PostgresWarehouse):
            published = PostgresPublished(warehouse.database, declarations, self.sessions)
        else:
            versions = Versions(self.folder / "published")
            published = DuckDBPublished(versions, declarations, self.sessions)
        audit = AuditLog(self.folder / "access")
        return Service(published, self.keys, audit, self.limits, self._no_metrics())

    @contextmanager
    def client(self) -> Iterator[TestClient]:
        """A server in this process."""
        with TestClient(create_app(self.service()), raise_server_exceptions=False) as client:
            yield client

    def log(self) -> list[dict[str, Any]]:
        """Who has read what."""
        files = sorted((self.folder / "access").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def _no_metrics(self) -> PublishedMetrics:
        manifest = self.folder / "semantic_manifest.json"
        nothing = {
            "metrics": [],
            "semantic_models": [],
            "project_configuration": {"time_spines": []},
        }
        manifest.write_text(json.dumps(nothing))
        return PublishedMetrics(lambda relations: Definitions(manifest, relations))


@contextmanager
def running(app: Any) -> Iterator[str]:
    """A server on a free port of the loopback interface, in a thread; yields its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
