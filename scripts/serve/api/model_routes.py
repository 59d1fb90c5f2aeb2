"""The endpoints of models: what there is, and inference by the Open Inference Protocol, version 2, with features looked up by key.

Usage:
    add_routes(app, service)

A request names customers, or prospects, and nothing else: the features are those of the published version, so what is answered is what `python -m scripts.learn score` writes down. Without
the extra `learn`, the endpoints are not there.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Response

from scripts.serve.api import openapi, problems
from scripts.serve.api.audit import infer_path
from scripts.serve.api.problems import Problem
from scripts.serve.api.service import RETRY_SECONDS, Call, Service, json_response
from scripts.serve.api.streams import MOST_BYTES, with_body
from scripts.serve.sessions import UnavailableError
from scripts.warehouse.settings import setting

if TYPE_CHECKING:
    from scripts.learn.artifact import Model
    from scripts.learn.question import Question

MOST_KEYS = 1000
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the endpoints, if models can be asked here."""
    if find_spec("onnxruntime") is None:
        return
    models = _Models(service)
    if not (names := models.names):
        return
    app.add_api_route(
        "/v1/models/{name}",
        service.guarded("/v1/models/{name}", models.describe),
        openapi_extra=openapi.model_operation(names),
    )
    app.add_api_route(
        infer_path("{name}"),
        with_body(service.guarded(infer_path("{name}"), models.infer)),
        methods=["POST"],
        openapi_extra=openapi.infer_operation(names, models.tensors, MOST_KEYS),
    )


class _Models:
    """The models that the server has read; each version once."""

    def __init__(self, service: Service) -> None:
        from scripts.learn.question import NAMES, LearnError, question_of
        from scripts.learn.registry import Registry

        self._service = service
        self._registry = Registry(Path(setting("MODELS")))
        self._questions: dict[str, Question] = {}
        for name in NAMES:
            # A project without the features of a question has no model for it.
            with suppress(LearnError):
                self._questions[name] = question_of(name, service.published.declarations)
        self._lock = threading.Lock()
        self._read: dict[tuple[str, int], Model] = {}

    @property
    def names(self) -> list[str]:
        """Of the models that the project has features for."""
        return list(self._questions)

    @property
    def tensors(self) -> dict[str, str]:
        """The tensors that can be asked about, and their datatypes."""
        return {each.key: each.key_type.datatype for each in self._questions.values()}

    def describe(self, call: Call) -> Response:
        """What a model takes and gives, and which versions have a role."""
        question = self._question(call)
        aliases, datatype = self._aliases(question.name), question.key_type.datatype
        content = {
            "name": question.name,
            "versions": sorted({str(version) for version in aliases.values()}),
            "platform": "onnx",
            "inputs": [{"name": question.key, "datatype": datatype, "shape": [-1]}],
            "outputs": [
                {"name": question.key, "datatype": datatype, "shape": [-1]},
                {"name": "probability", "datatype": "FP64", "shape": [-1]},
                {"name": question.chosen, "datatype": "BOOL", "shape": [-1]},
            ],
            "parameters": {role: str(version) for role, version in aliases.items()},
        }
        return json_response(content, _NO_STORE)

    def infer(self, call: Call) -> Response:
        """How likely it happens to some, by the champion."""
        from scripts.learn.examples import read_today
        from scripts.learn.scores import probabilities_of

        question = self._question(call)
        request_id, keys = _asked(call.request.state.body, question)
        version, model = self._champion(question.name)
        call.columns, call.filters = ["probability"], [f"{question.key}.in"]
        call.path = infer_path(question.name)
        with self._service.published.opened(call.key.role) as session:
            found = read_today(session, question, sorted(set(keys)))
            published = session.manifest
        places = {key: place for place, key in enumerate(found.ids.tolist())}
        if unknown := sorted(set(keys) - places.keys()):
            raise Problem(
                problems.INVALID_PARAMETER,
                f"{question.absent}, in version {published.version}: {', '.join(map(str, unknown[:10]))}",
                "inputs",
                f"leave these {question.entities} out",
            )
        with _readable():
            scores = probabilities_of(model, found, question)
        rows = [places[key] for key in keys]
        probabilities = [float(scores[row]) for row in rows]
        call.rows, call.version = len(rows), published.version
        content: dict[str, Any] = {
            "model_name": question.name,
            "model_version": str(version),
            **({"id": request_id} if request_id is not None else {}),
            "outputs": [
                _output(question.key, question.key_type.datatype, keys),
                _output("probability", "FP64", probabilities),
                _output(
                    question.chosen,
                    "BOOL",
                    [each >= model.description.threshold for each in probabilities],
                ),
            ],
            "parameters": {
                "published_version": published.version,
                "as_of_date": str(found.dates[0]) if len(found) else None,
            },
        }
        return json_response(content, _NO_STORE)

    def _question(self, call: Call) -> "Question":
        name = call.request.path_params["name"]
        if name not in self._questions:
            raise Problem(problems.NOT_FOUND, f"there is no model {name}")
        question = self._questions[name]
        readable = self._service.published.declarations.readable_by(call.key.role)
        if question.today not in readable:
            raise Problem(
                problems.FORBIDDEN, f"role {call.key.role} may not read what {name} is asked from"
            )
        return question

    def _aliases(self, name: str) -> dict[str, int]:
        with _readable():
            return self._registry.aliases(name)

    def _champion(self, name: str) -> "tuple[int, Model]":
        """The version that answers now; a promotion counts from the next request on."""
        from scripts.learn.registry import CHAMPION

        version = self._aliases(name).get(CHAMPION)
        if version is None:
            raise Problem(
                problems.UNAVAILABLE,
                f"{name}: no version was promoted yet",
                fix="have a version promoted: python -m scripts.learn promote",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        with self._lock, _readable():
            if (name, version) not in self._read:
                self._read[name, version] = self._registry.model(name, version)
            return version, self._read[name, version]


@contextmanager
def _readable() -> Iterator[None]:
    """A model that cannot be read, or does not fit what is published, is a thing for the log of the server.

    Raises:
        UnavailableError: it is so.
    """
    from scripts.learn.question import LearnError

    try:
        yield
    except LearnError as error:
        raise UnavailableError(str(error)) from error


def _asked(body: bytes, question: "Question") -> tuple[str | None, list[Any]]:
    """The id of a request, and the keys that it asks about."""
    key, datatype = question.key, question.key_type.datatype
    if len(body) > MOST_BYTES:
        raise _wrong(
            f"the body has more than {MOST_BYTES:,} bytes", f"ask about fewer {question.entities}"
        )
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise _wrong("the body is not JSON", "send an object with `inputs`") from None
    inputs = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise _wrong("`inputs` is not a list of one tensor", f"send the tensor {key}")
    tensor = inputs[0]
    data, shape = tensor.get("data"), tensor.get("shape")
    if tensor.get("name") != key or tensor.get("datatype") != datatype:
        raise _wrong(f"the tensor is not {key} of datatype {datatype}", "send that one")
    is_key, kind = (_is_number, "whole numbers") if datatype == "INT64" else (_is_text, "texts")
    if not isinstance(data, list) or not all(map(is_key, data)):
        raise _wrong(f"`data` is not a flat list of {kind}", f"send keys of {question.entities}")
    if shape != [len(data)] or isinstance(shape[0], bool):
        raise _wrong(f"`shape` is not [{len(data)}]", "send the number of values in `data`")
    if not 1 <= len(data) <= MOST_KEYS:
        raise _wrong(
            f"{len(data)} {question.entities} were asked about", f"ask about 1 to {MOST_KEYS:,}"
        )
    request_id = content.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise _wrong("`id` is no text", "send a text, or none")
    return request_id, data


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_text(value: object) -> bool:
    """No engine has texts with NUL, or with half of a character."""
    return isinstance(value, str) and "\0" not in value and value.isprintable()


def _wrong(detail: str, fix: str) -> Problem:
    return Problem(problems.INVALID_PARAMETER, detail, "inputs", fix)


def _output(name: str, datatype: str, data: Sequence[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": list(data)}
