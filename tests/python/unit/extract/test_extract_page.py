"""docs/extract.md: its first extractions work as they are written, and the tests that it names exist."""

import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
import yaml
from confluent_kafka import Producer
from typer.testing import CliRunner

from scripts.extract.__main__ import main as extract_main
from scripts.extract.rows import Number
from scripts.live_systems.agency import Agency
from scripts.load.__main__ import main as load_main
from scripts.load.origins import AUTHS, KINDS
from scripts.postgres_server import PostgresServer
from tests.python.living import LivingWarehouse

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "extract.md").read_text()
EXAMPLES = dict(
    re.findall(r"^## (From your own \w+)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
)
COMMANDS: dict[str, Callable[..., None]] = {
    "scripts.extract": extract_main,
    "scripts.load": load_main,
}


def follow(example: str, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Do what an example says, at the places of the test; returns the keys that have landed."""
    (contract,) = re.findall(r"```yaml\n(.*?)```", EXAMPLES[example], flags=re.DOTALL)
    (lines,) = re.findall(r"```bash\n(.*?)```", EXAMPLES[example], flags=re.DOTALL)
    assert len(contract.splitlines()) <= 11
    path = warehouse.folder / "contracts" / "shop" / "_shop__sources.yml"
    path.parent.mkdir(parents=True)
    path.write_text(contract)
    for name, place in (("SOURCES", "sources"), ("LAKE", "lake"), ("RUNS", "runs")):
        monkeypatch.setenv(name, str(warehouse.folder / place))
    commands = [line for line in lines.splitlines() if line.startswith("python -m")]
    assert len(commands) == 2
    for command in commands:
        _, _, module, *arguments = shlex.split(command)
        app = typer.Typer()
        app.command()(COMMANDS[module])
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
    (landed,) = (warehouse.folder / "lake" / "shop" / "orders").glob("batch_id=1/*.parquet")
    return sorted(pq.ParquetFile(landed).read().column("id").to_pylist())


def test_a_first_extraction_from_postgres(
    source_server: PostgresServer, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with source_server.new_database() as database:
        connection = database.connect()
        cursor = connection.cursor()
        cursor.execute("create table orders as select n as id from generate_series(1, 3) as n")
        (identity,) = re.findall(
            r"`(alter table orders [^`]+)`", EXAMPLES["From your own Postgres"]
        )
        cursor.execute(identity)
        cursor.execute("alter table orders alter id type bigint")
        monkeypatch.setenv("SHOP_DATABASE", database.uri("test"))
        assert follow("From your own Postgres", warehouse, monkeypatch) == [1, 2, 3]
        cursor.execute("select pg_drop_replication_slot('brokerage_warehouse_shop')")
        connection.close()


def test_a_first_extraction_from_a_bucket(
    store: Any, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2, 3]}), stream)
    store.pipe_file(f"{store.bucket}/news/orders-1.parquet", stream.getvalue())
    monkeypatch.setenv("SHOP_STORE", f"s3://{store.bucket}/news")
    assert follow("From your own bucket", warehouse, monkeypatch) == [1, 2, 3]


def test_a_first_extraction_from_an_api(
    warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Agency.started() as agency:
        agency.lists["orders"] = [{"id": Number(number)} for number in (1, 2, 3)]
        monkeypatch.setenv("SHOP_API", agency.address)
        monkeypatch.setenv("SHOP_TOKEN", agency.new_token()["access_token"])
        assert follow("From your own API", warehouse, monkeypatch) == [1, 2, 3]


def test_a_first_extraction_from_a_topic(
    warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = producer.list_topics("orders", timeout=10).brokers.values()
    for number in (1, 2, 3):
        producer.produce("orders", json.dumps({"id": number}))
    assert producer.flush(10) == 0
    monkeypatch.setenv("SHOP_STREAM", f"{broker.host}:{broker.port}")
    assert follow("From your own topic", warehouse, monkeypatch) == [1, 2, 3]


def test_each_promise_names_a_test_that_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    written = {
        name
        for path in (ROOT / "tests" / "python").rglob("test_extract_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), flags=re.MULTILINE)
    }
    assert len(named) > 20
    assert named - written == set()


def test_each_key_of_a_declaration_is_explained() -> None:
    keys = {key.removesuffix("?") for kind in KINDS.values() for key in (*kind.system, *kind.feed)}
    keys |= {key for auth in AUTHS.values() for key in auth} | set(AUTHS) | set(KINDS)
    assert {key for key in keys if key not in PAGE} == set()


def test_the_examples_are_whole_contracts() -> None:
    assert len(EXAMPLES) == 4
    for example in EXAMPLES.values():
        (contract,) = re.findall(r"```yaml\n(.*?)```", example, flags=re.DOTALL)
        assert yaml.safe_load(contract)["sources"][0]["config"]["meta"]["system"]["kind"] in KINDS
