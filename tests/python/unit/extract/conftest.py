"""Servers that the tests of extraction share, and a warehouse for each test."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import s3fs
from moto.server import ThreadedMotoServer

from scripts.postgres_server import PostgresServer, postgres_server
from tests.python.living import LivingWarehouse


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivingWarehouse:
    return LivingWarehouse(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def source_server() -> Iterator[PostgresServer]:
    """A Postgres server whose changes can be read from its log."""
    with postgres_server(is_source=True) as server:
        yield server


@pytest.fixture(scope="session")
def store_server() -> Iterator[str]:
    """The address of an object store."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(store_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket of its own, `TEST_STORE`, and a client of it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anybody")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", store_server)
    # One that was made for another server of this process would be found again.
    s3fs.S3FileSystem.clear_instance_cache()
    client = s3fs.S3FileSystem(endpoint_url=store_server, skip_instance_cache=True)
    client.bucket = f"bucket-{abs(hash(tmp_path))}"
    client.mkdir(client.bucket)
    monkeypatch.setenv("TEST_STORE", f"s3://{client.bucket}/news")
    return client
