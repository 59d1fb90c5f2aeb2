"""The endpoints of metrics: which there are, what they can be grouped by, their values.

Usage:
    add_routes(app, service)
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg2
from fastapi import FastAPI, Response

from scripts.metrics.definitions import MetricsError
from scripts.metrics.filters import ConditionError, parse_condition
from scripts.metrics.query import Answer
from scripts.serve.api import formats, problems
from scripts.serve.api.kinds import kind_of_value
from scripts.serve.api.openapi import (
    dimensions_operation,
    metric_operation,
    metrics_operation,
)
from scripts.serve.api.problems import Problem
from scripts.serve.api.service import (
    Call,
    Service,
    content_type,
    headers_of,
    json_response,
    not_modified,
)
from scripts.serve.metrics import Question

if TYPE_CHECKING:
    import pyarrow as pa

_LISTS = ("group_by", "order")
_PARAMETERS = (*_LISTS, "where", "limit")

# What an engine says of a condition whose value has another type than its dimension; anything else is our fault.
_WRONG_TYPES = (
    duckdb.BinderException,
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    psycopg2.DataError,
    psycopg2.errors.UndefinedFunction,
)


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the endpoints."""
    metrics = service.metrics.all()
    for path, handler, operation in (
        ("/v1/metrics", _metrics, metrics_operation()),
        ("/v1/metrics/{name}", _metric, metric_operation(metrics, service.limits.default)),
        ("/v1/metrics/{name}/dimensions", _dimensions, dimensions_operation(metrics)),
    ):
        app.add_api_route(
            path,
            service.guarded(path, partial(handler, service)),
            openapi_extra=operation,
        )


def _metrics(service: Service, call: Call) -> Response:
    _refuse_others(call, ())
    found = [asdict(metric) for metric in service.metrics.all().values()]
    return _definitions(service, call, {"data": found}, len(found))


def _dimensions(service: Service, call: Call) -> Response:
    _refuse_others(call, ())
    names = service.metrics.group_bys(_name(service, call))
    return _definitions(service, call, {"data": names}, len(names))


def _definitions(service: Service, call: Call, content: dict[str, Any], rows: int) -> Response:
    """What does not depend on the version."""
    tag = call.entity_tag("definitions", service.meaning)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
    if call.has(tag):
        return not_modified(headers)
    call.rows = rows
    return json_response(content, headers)


def _metric(service: Service, call: Call) -> Response:
    call.media_type = formats.accepted(call.request.headers.get("accept"))
    _refuse_others(call, _PARAMETERS)
    name = _name(service, call)
    question = _question(name, call)
    call.columns = [*question.group_by, name]
    call.filters = [_recorded(text) for text in question.where]
    with service.published.opened(call.key.role, seconds=call.limits.seconds) as session:
        version = call.version = session.manifest.version
        tag = call.entity_tag(version, service.meaning)
        headers = headers_of(call, tag, version)
        try:
            answer = service.metrics.answer(session, question)
        except MetricsError as error:
            raise Problem(
                problems.INVALID_PARAMETER,
                str(error),
                fix=f"GET /v1/metrics/{name}/dimensions lists what it can be grouped by",
            ) from error
        except _WRONG_TYPES as error:
            raise Problem(
                problems.INVALID_PARAMETER,
                "a value does not have the type of what it is compared with",
                parameter="where",
                fix="compare days with days (2017-01-01), numbers with numbers",
            ) from error
        if len(answer.rows) > call.limits.rows_of_page:
            raise Problem(
                problems.TOO_EXPENSIVE,
                f"the answer has more than {call.limits.rows_of_page} rows",
                fix="group by less, give a condition, or a `limit`",
            )
        call.rows = len(answer.rows)
        if call.has(tag):
            return not_modified(headers)
        about = {
            "version": version,
            "batch_id": session.manifest.batch_id,
            "published_at": session.manifest.published_at.isoformat(),
            "metric": asdict(service.metrics.all()[name]),
        }
        content = _content(call.media_type, answer, about)
        return Response(content, headers=dict(headers), media_type=content_type(call.media_type))


def _recorded(condition: str) -> str:
    """What a condition is about, without its values, for the log."""
    try:
        parsed = parse_condition(condition)
    except ConditionError:
        return "not understood"
    return f"{parsed.name} {parsed.operator}"


def _name(service: Service, call: Call) -> str:
    name = str(call.request.path_params["name"])
    if name not in service.metrics.all():
        raise Problem(
            problems.NOT_FOUND, f"{name[:50]}: no such metric", fix="GET /v1/metrics lists all"
        )
    return name


def _question(name: str, call: Call) -> Question:
    given = dict(call.parameters)
    lists = {
        each: tuple(part for part in given.get(each, "").split(",") if part) for each in _LISTS
    }
    where = [text for parameter, text in call.parameters if parameter == "where"]
    most = call.limits.rows_of_page
    limit = given.get("limit")
    if limit is not None and not (
        limit.isdecimal() and len(limit) < 10 and 1 <= int(limit) <= most
    ):
        raise Problem(
            problems.INVALID_PARAMETER,
            f"limit: {limit[:20]!r} is no number of rows",
            parameter="limit",
            fix=f"write a number from 1 to {most}",
        )
    # The same question has the same answer, so its rows are always sorted. Without a limit, one row more than may be given tells that there are too many.
    order = lists["order"] or lists["group_by"]
    return Question((name,), lists["group_by"], tuple(where), order, int(limit or most + 1))


def _refuse_others(call: Call, known: Sequence[str]) -> None:
    seen: set[str] = set()
    for name, _ in call.parameters:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "leave it out"
            raise Problem(
                problems.INVALID_PARAMETER,
                f"{name[:50]}: there is no such parameter",
                parameter=name[:50],
                fix=there,
            )
        if name in seen and name != "where":
            raise Problem(
                problems.INVALID_PARAMETER,
                f"{name}: is given twice",
                parameter=name,
                fix="give it once, values separated by commas",
            )
        seen.add(name)


def _content(media_type: str, answer: Answer, about: dict[str, Any]) -> bytes:
    if media_type == formats.JSON:
        columns = {
            name: kind_of_value(next((row[at] for row in answer.rows if row[at] is not None), None))
            for at, name in enumerate(answer.columns)
        }
        return formats.json_envelope(",\n".join(formats.json_rows(columns, answer.rows)), about)
    table = _table(answer)
    return b"".join(formats.written(media_type, table.schema, table.to_batches(), {}, {}))


def _table(answer: Answer) -> "pa.Table":
    import pyarrow as pa

    columns = zip(*answer.rows, strict=True) if answer.rows else ((),) * len(answer.columns)
    return pa.table(dict(zip(answer.columns, map(_array, columns), strict=True)))


def _array(values: Sequence[Any]) -> "pa.Array":
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowException, ValueError, TypeError):
        # Whole numbers beside fractions, or a type that Arrow does not have.
        return pa.array([None if value is None else str(value) for value in values], pa.string())
