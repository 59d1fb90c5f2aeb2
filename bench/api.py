"""How fast the API answers: requests in a second and how long each takes, against the same SQL without HTTP, and against an endpoint that does nothing else.

Usage:
    figures = measure_answers(workspace.environment, folder, seconds=5)
    figures["answers"]["look-up"]["API"]["8"]["p99_ms"]

Everything runs on this machine, the clients too: they take their share of the processors, the same for each server.
"""

import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from scripts.warehouse.base import Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.engines import from_environment
from scripts.warehouse.settings import Target, setting
from scripts.warehouse.workspace import ROOT

CLIENTS = (1, 8, 32)
SEED = 41
_TRADES = 200
_SECONDS_TO_START = 120.0
_DOWNLOAD = "/v1/downloads/market_history"
# What a server says once it listens, and what it is for: addresses of the API by question, `{}` for a trade.
ADDRESSES = {
    "look-up": "/v1/trades/{}",
    "page of 1,000": "/v1/trades?limit=1000",
    "metric by month": "/v1/metrics/trades_completed?group_by=metric_time__month",
}


def measure_answers(environment: Mapping[str, str], folder: Path, seconds: float) -> dict[str, Any]:
    """Figures of the API, of plain SQL, and (for files) of a bare endpoint, for each question and number of clients.

    Args:
        environment: of programs that read what is published.
        folder: for the key and the output of the servers.
        seconds: how long each is asked.
    """
    os.environ.update(environment)
    statements = _statements()
    trades = _some_trades()
    answers: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in ADDRESSES}
    for name in ADDRESSES:
        answers[name]["SQL"] = {
            str(clients): _ask_by_sql(statements[name], trades, clients, seconds)
            for clients in CLIENTS
        }
    servers: list[tuple[str, Any]] = [("API", serving_api(environment, folder))]
    if environment.get("DBT_TARGET") == "duckdb":
        servers.append(("bare endpoint", _bare(environment, folder, statements)))
    memory: dict[str, Any] = {}
    for server, started in servers:
        with started as (port, headers, process_id):
            for name, address in ADDRESSES.items():
                answers[name][server] = {
                    str(clients): asyncio.run(
                        _ask(port, address, trades, headers, clients, seconds)
                    )
                    for clients in CLIENTS
                }
            if server == "API":
                memory = _download(port, headers, process_id)
    return {"answers": answers, "download": memory}


def _statements() -> dict[str, tuple[str, bool]]:
    """The SQL of each question, and whether it takes a trade: what the API runs."""
    from scripts.serve.api.questions import Question, one_row
    from scripts.serve.api.resources import resources
    from scripts.serve.metrics import PublishedMetrics
    from scripts.serve.metrics import Question as MetricQuestion
    from scripts.serve.published import open_published

    published = open_published()
    trades = resources(published.declarations)["trades"]
    with published.opened("analyst") as session:
        relation = session.relation(trades.table)
        page = Question.parse(trades, [("limit", "1000")], largest_page=1000)
        metric = PublishedMetrics().statement(
            session, MetricQuestion(("trades_completed",), ("metric_time__month",), (), ("metric_time__month",))
        )  # fmt: skip
        found = {
            "look-up": (one_row(trades, relation, tuple(trades.columns), [0]).sql, True),
            "page of 1,000": (page.rows(relation).sql, False),
            "metric by month": (metric.sql, False),
        }
    published.close()
    return found


def _some_trades() -> list[int]:
    from scripts.serve.published import open_published

    published = open_published()
    with published.opened("analyst") as session:
        relation = session.relation("marts.dim_trade")
        ((first, last),) = session.query(f"select min(trade_id), max(trade_id) from {relation}")
        chance = random.Random(SEED)
        wanted = [chance.randint(first, last) for _ in range(_TRADES)]
        places = ", ".join("?" for _ in wanted)
        found = session.query(
            f"select trade_id from {relation} where trade_id in ({places})", wanted
        )
    published.close()
    return [trade for (trade,) in found]


def _ask_by_sql(
    statement: tuple[str, bool], trades: list[int], clients: int, seconds: float
) -> dict[str, float]:
    """The same SQL without anything around it: a connection and a thread for each client."""
    warehouse = _read_directly()
    sql, takes_trade = statement
    times: list[float] = []

    def ask(number: int, end: float) -> None:
        chance = random.Random(f"{SEED} {number}")
        with warehouse.opened() as query:
            while time.perf_counter() < end:
                started = time.perf_counter()
                query(sql.replace("?", str(chance.choice(trades))) if takes_trade else sql)
                times.append(time.perf_counter() - started)

    ask(0, time.perf_counter() + 0.5)
    times.clear()
    end = time.perf_counter() + seconds
    _in_threads(lambda number: ask(number, end), clients)
    return answer_times(times, seconds)


def _read_directly() -> Warehouse:
    target = Target(setting("DBT_TARGET"))
    if target is Target.DUCKDB:
        return DuckDBWarehouse(
            (Path(setting("PUBLISHED")) / "current" / "analyst.duckdb").resolve()
        )
    return from_environment(target)


def _in_threads(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def _ask(
    port: int,
    address: str,
    trades: list[int],
    headers: str,
    clients: int,
    seconds: float,
) -> dict[str, float]:
    """Clients that each ask again as soon as they have an answer, over a connection that stays open."""
    # What is read for the first time is not counted.
    await _client(port, address, trades, headers, time.perf_counter() + 0.5, 0, [])
    times: list[float] = []
    end = time.perf_counter() + seconds
    await asyncio.gather(
        *(_client(port, address, trades, headers, end, number, times) for number in range(clients))
    )
    return answer_times(times, seconds)


async def _client(
    port: int,
    address: str,
    trades: list[int],
    headers: str,
    end: float,
    number: int,
    times: list[float],
) -> None:
    chance = random.Random(f"{SEED} {address} {number}")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    while time.perf_counter() < end:
        started = time.perf_counter()
        path = address.format(chance.choice(trades))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 200 " not in head.partition("\r\n")[0]:
            raise RuntimeError(f"{path}: {head.partition(chr(13))[0]}")
        await reader.readexactly(int(head.partition("content-length:")[2].partition("\r\n")[0]))
        times.append(time.perf_counter() - started)
    writer.close()


def answer_times(times: list[float], seconds: float) -> dict[str, float]:
    """Answers in a second, and how long half, 95 and 99 % of them took at most."""
    parts = statistics.quantiles(times, n=100) if len(times) > 1 else [times[0]] * 99
    return {
        "per_second": len(times) / seconds,
        **{f"p{part}_ms": parts[part - 1] * 1000 for part in (50, 95, 99)},
    }


@contextmanager
def serving_api(environment: Mapping[str, str], folder: Path) -> Iterator[tuple[int, str, int]]:
    """The API as it is started, without a limit of requests; its port, the headers of a request, its process."""
    from scripts.serve.api.keys import KeyStore

    folder.mkdir(parents=True, exist_ok=True)
    keys, limits = folder / "api_keys.json", folder / "api_limits.yml"
    text, _ = KeyStore(keys).issue("bench", "analyst", timedelta(days=1).days)
    limits.write_text("default: {requests_per_minute: 1000000000}\n", encoding="utf-8")
    options = ("--limits", str(limits), "--file", str(keys))
    command = ("-m", "scripts.serve.api", "serve", *options)
    with _started(command, environment, folder / "api.txt") as (port, process_id):
        yield port, f"Authorization: Bearer {text}\r\n", process_id


@contextmanager
def _bare(
    environment: Mapping[str, str], folder: Path, statements: Mapping[str, tuple[str, bool]]
) -> Iterator[tuple[int, str, int]]:
    """An endpoint that only runs SQL on the published file."""
    file = Path(environment["PUBLISHED"]) / "current" / "analyst.duckdb"
    given = {f"BARE_{number}": sql for number, (sql, _) in enumerate(statements.values())} | {
        "BARE_FILE": str(file.resolve())
    }
    command = ("-m", "bench.bare_endpoint")
    with _started(command, {**environment, **given}, folder / "bare.txt") as (port, process_id):
        yield port, "", process_id


@contextmanager
def _started(
    command: tuple[str, ...], environment: Mapping[str, str], output: Path
) -> Iterator[tuple[int, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port)],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + _SECONDS_TO_START
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(output.read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _download(port: int, headers: str, process_id: int) -> dict[str, Any]:
    """Everything of the largest table in one answer: rows, seconds, and how much memory the server takes more for it."""
    import http.client

    name, _, value = headers.strip().partition(": ")
    before = _peak_mib(process_id)
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", _DOWNLOAD, headers={name: value, "Accept": "text/csv"})
    answer = connection.getresponse()
    size = 0
    while piece := answer.read(2**20):
        size += len(piece)
    return {
        "rows": int(answer.headers["X-Total-Count"]),
        "bytes": size,
        "seconds": time.perf_counter() - started,
        "peak_mib_before": before,
        "peak_mib": _peak_mib(process_id),
    }


def _peak_mib(process_id: int) -> float:
    """The most memory that a process has had; 0 where there is no /proc."""
    status = Path(f"/proc/{process_id}/status")
    if not status.exists():
        return 0.0
    lines = dict(
        line.split(":", 1)
        for line in status.read_text(encoding="utf-8").splitlines()
        if ":" in line
    )
    return int(lines["VmHWM"].split()[0]) / 1024
