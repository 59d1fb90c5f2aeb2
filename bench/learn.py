"""What a model costs: training, scoring all customers, and how long one waits who asks for one customer while a hundred ask each second.

Usage:
    figures = measure_model(workspace.environment, folder, seconds=5)
    figures["online"]["p99_ms"]
"""

import http.client
import json
import os
import random
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.api import answer_times, serving_api

# As many ask in a second, whether the earlier ones have their answers or not.
REQUESTS_A_SECOND = 100
_SEED, _ROWS = 43, 1_000_000
_CONNECTIONS = 16


def measure_model(environment: Mapping[str, str], folder: Path, seconds: float) -> dict[str, Any]:
    """Train, promote, score, and ask, on what is published.

    Args:
        environment: of programs that read what is published.
        folder: for models, scores, keys and the output of the server.
        seconds: how long the server is asked.
    """
    places = {name: str(folder / name.lower()) for name in ("MODELS", "SCORES")}
    os.environ.update({**environment, **places})
    from scripts.learn.examples import read_examples, read_today
    from scripts.learn.question import NAMES, question_of
    from scripts.learn.registry import CHAMPION, Registry
    from scripts.learn.scores import score
    from scripts.learn.training import Source, train
    from scripts.serve.published import open_published
    from scripts.serve.sessions import Limits

    registry = Registry(folder / "models")
    published = open_published(limits=Limits(seconds=900))
    question = question_of(NAMES[0], published.declarations)
    figures: dict[str, Any] = {}
    with published.opened("analyst") as session:
        started = time.perf_counter()
        examples = read_examples(session, question)
        figures["read_seconds"] = time.perf_counter() - started
        started = time.perf_counter()
        trained = train(
            question,
            examples,
            Source(session.manifest.version, session.manifest.batch_id, None, ""),
        )
        figures.update(
            train_seconds=time.perf_counter() - started,
            examples=len(examples),
            kind=trained.description.kind,
            bytes=len(trained.graph),
        )
        version, _ = registry.add(trained)
        registry.assign(question.name, CHAMPION, version, "benchmark")
        started = time.perf_counter()
        (scored,) = score(session, question, registry, folder / "scores")
        figures.update(score_seconds=time.perf_counter() - started, customers=scored.rows)
        today = read_today(session, question)
    published.close()
    figures["scored_a_second"] = _rate(registry.model(question.name, version), today.inputs)
    with serving_api({**environment, **places}, folder) as (port, headers, _):
        figures["online"] = _ask(port, headers, today.ids.tolist(), seconds)
    return figures


def _rate(model: Any, inputs: "np.ndarray[Any, np.dtype[np.float32]]") -> float:
    """Examples whose probabilities are computed in a second, in one thread."""
    many = np.tile(inputs, (_ROWS // len(inputs) + 1, 1))[:_ROWS]
    started = time.perf_counter()
    model.probabilities(many)
    return _ROWS / (time.perf_counter() - started)


def _ask(port: int, headers: str, customers: list[int], seconds: float) -> dict[str, float]:
    """Requests at fixed times; the wait for a free connection counts, as it would for who asks."""
    name, _, value = headers.strip().partition(": ")
    # What is read for the first time is not counted.
    _one(http.client.HTTPConnection("127.0.0.1", port), customers[0], {name: value})
    begin = time.perf_counter() + 0.2
    due = iter(range(int(seconds * REQUESTS_A_SECOND)))
    lock, times = threading.Lock(), list[float]()
    chance = random.Random(_SEED)

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while True:
            with lock:
                if (number := next(due, None)) is None:
                    return
                customer = chance.choice(customers)
            at = begin + number / REQUESTS_A_SECOND
            time.sleep(max(0.0, at - time.perf_counter()))
            _one(connection, customer, {name: value})
            times.append(time.perf_counter() - at)

    threads = [threading.Thread(target=ask) for _ in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answer_times(times, seconds)


def _one(connection: http.client.HTTPConnection, customer: int, headers: dict[str, str]) -> None:
    tensor = {"name": "customer_id", "datatype": "INT64", "shape": [1], "data": [customer]}
    connection.request(
        "POST", "/v1/models/attrition/infer", json.dumps({"inputs": [tensor]}), headers
    )
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"customer {customer}: {answer.status}: {body.decode()}")
