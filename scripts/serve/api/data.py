"""The endpoints of tables: rows page by page or as a whole, one row by its key, and the list of what there is. They follow from the declarations; no table has code of its own.

Usage:
    add_routes(app, service)
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, time
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Response

from scripts.publish.manifest import Manifest
from scripts.serve.api import formats, problems
from scripts.serve.api.kinds import Kind
from scripts.serve.api.openapi import (
    download_operation,
    index_operation,
    row_operation,
    rows_operation,
)
from scripts.serve.api.problems import Problem
from scripts.serve.api.questions import Question, one_row, selected
from scripts.serve.api.resources import Resource
from scripts.serve.api.service import (
    Call,
    Service,
    content_type,
    headers_of,
    json_response,
    not_modified,
)
from scripts.serve.api.streams import StreamedAnswer
from scripts.serve.sessions import Session, UnavailableError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_OF_A_PIECE = 10_000


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the endpoints of all resources."""
    app.add_api_route(
        "/v1",
        service.guarded("/v1", partial(_index, service)),
        name="List what there is",
        openapi_extra=index_operation(),
    )
    for resource in service.resources.values():
        for path, handler, operation in (
            (resource.path, _rows, rows_operation(resource, service.limits.default)),
            (resource.key_path, _row, row_operation(resource)),
            (resource.download_path, _download, download_operation(resource)),
        ):
            app.add_api_route(
                path,
                service.guarded(path, partial(handler, service, resource)),
                openapi_extra=operation,
                deprecated=resource.deprecated_on is not None or None,
            )


def _index(service: Service, call: Call) -> Response:
    _refuse_parameters(call)
    manifest = service.published.current()
    call.version = manifest.version
    tag = call.entity_tag(manifest.version, service.meaning)
    headers = headers_of(call, tag, manifest.version)
    if call.has(tag):
        return not_modified(headers)
    found = [
        {
            "name": each.name,
            "path": each.path,
            "key": list(each.key),
            "description": each.description,
        }
        for each in service.resources.values()
        if service.may_read(call.key, each)
    ]
    call.rows = len(found)
    content = {**_about(manifest), "role": call.key.role, "resources": found}
    return json_response(content, headers)


def _rows(service: Service, resource: Resource, call: Call) -> Response:
    call.media_type = formats.accepted(call.request.headers.get("accept"))
    question = Question.parse(resource, call.parameters, call.limits.rows_of_page)
    call.columns = list(question.columns)
    call.filters = [f"{each.column}.{each.operator}" for each in question.conditions]
    _check_role(service, resource, call)
    version = question.version or service.published.current().version
    tag = call.entity_tag(version, service.meaning)
    headers = {**headers_of(call, tag, version), **_deprecation(resource)}
    if call.has(tag):
        call.version = version
        return not_modified(headers)
    with service.published.opened(call.key.role, question.version, call.limits.seconds) as session:
        # Another one may have been published since.
        version = session.manifest.version
        headers["ETag"] = call.entity_tag(version, service.meaning)
        headers["X-Version"] = call.version = version
        relation = session.relation(resource.table)
        if question.is_counted:
            headers["X-Total-Count"] = str(_count(session, question, relation))
        return _page(session, question, relation, call, headers)


def _page(
    session: Session, question: Question, relation: str, call: Call, headers: dict[str, str]
) -> Response:
    limit = question.limit or 0
    statement = question.rows(relation)
    names = (*question.columns, *question.hidden)
    table: pa.Table | None = None
    if call.media_type == formats.JSON:
        rows = session.query(statement.sql, statement.values)
        size, last = len(rows), rows[limit - 1] if len(rows) > limit else None
    else:
        table = session.arrow(statement.sql, statement.values)
        size = table.num_rows
        last = None
        if size > limit:
            (row,) = table.slice(limit - 1, 1).to_pylist()
            last = tuple(row[name] for name in names)
    call.rows = min(size, limit)
    cursor = None
    if last is not None:
        cursor = question.next_cursor(session.manifest.version, names, last).text
        session.keep()
        kept = [(name, value) for name, value in call.parameters if name != "after"]
        headers["Link"] = f'<?{urlencode([*kept, ("after", cursor)])}>; rel="next"'
    kinds = _kinds(question)
    if table is None:
        shown = len(question.columns)
        cells = (row[:shown] for row in rows[:limit])
        data = ",\n".join(formats.json_rows(kinds, cells))
        about = {**_about(session.manifest), "next": cursor}
        if question.is_counted:
            about["count"] = int(headers["X-Total-Count"])
        content = formats.json_envelope(data, about)
    else:
        table = table.select(list(question.columns)).slice(0, limit)
        content = b"".join(
            formats.written(call.media_type, table.schema, table.to_batches(), kinds, {})
        )
    return Response(content, headers=headers, media_type=content_type(call.media_type))


def _download(service: Service, resource: Resource, call: Call) -> Response:
    call.media_type = formats.accepted(call.request.headers.get("accept"))
    question = Question.parse(resource, call.parameters, largest_page=None)
    call.columns = list(question.columns)
    call.filters = [f"{each.column}.{each.operator}" for each in question.conditions]
    _check_role(service, resource, call)
    if not service.streams.acquire(blocking=False):
        raise UnavailableError("too many answers are streamed at the same time; try again later")
    with ExitStack() as stack:
        stack.callback(service.streams.release)
        session = stack.enter_context(
            service.published.opened(call.key.role, seconds=call.limits.stream_seconds)
        )
        version = call.version = session.manifest.version
        # Weak: the same rows, but perhaps in another order.
        tag = f"W/{call.entity_tag(version, service.meaning)}"
        headers = {**headers_of(call, tag, version), **_deprecation(resource)}
        if call.has(headers["ETag"]):
            return not_modified(headers)
        relation = session.relation(resource.table)
        call.rows = _count(session, question, relation)
        headers["X-Total-Count"] = str(call.rows)
        if call.rows > call.limits.rows_of_stream:
            raise Problem(
                problems.TOO_EXPENSIVE,
                f"{call.rows} rows are more than {call.limits.rows_of_stream}, the most for role {call.key.role}",
            )
        statement = question.rows(relation)
        batches = session.batches(statement.sql, statement.values, _ROWS_OF_A_PIECE)
        pieces = formats.written(
            call.media_type,
            batches.schema,
            batches,
            _kinds(question),
            {**_about(session.manifest), "count": call.rows},
        )
        # What goes wrong before the first piece can still be told.
        first = next(pieces)
        return StreamedAnswer(
            _with_first(first, pieces),
            stack.pop_all(),
            call.limits.stream_seconds,
            content_type(call.media_type),
            headers,
        )


def _with_first(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _row(service: Service, resource: Resource, call: Call) -> Response:
    call.media_type = formats.accepted(call.request.headers.get("accept"))
    columns = selected(resource, call.parameters)
    keys = [_key(resource, name, call.request.path_params[name]) for name in resource.key]
    call.columns = list(columns)
    call.filters = [f"{name}.eq" for name in resource.key]
    _check_role(service, resource, call)
    with service.published.opened(call.key.role, seconds=call.limits.seconds) as session:
        version = call.version = session.manifest.version
        tag = call.entity_tag(version, service.meaning)
        headers = {**headers_of(call, tag, version), **_deprecation(resource)}
        statement = one_row(resource, session.relation(resource.table), columns, keys)
        if call.media_type == formats.JSON:
            rows = session.query(statement.sql, statement.values)
            size = len(rows)
        else:
            table = session.arrow(statement.sql, statement.values)
            size = table.num_rows
        call.rows = size
        if not size:
            raise Problem(problems.NOT_FOUND, f"{resource.name}: no row with this key")
        if call.has(tag):
            return not_modified(headers)
        kinds = {name: resource.columns[name].kind for name in columns}
        if call.media_type == formats.JSON:
            content = next(formats.json_rows(kinds, rows)).encode()
        else:
            content = b"".join(
                formats.written(call.media_type, table.schema, table.to_batches(), kinds, {})
            )
        return Response(content, headers=headers, media_type=content_type(call.media_type))


def _key(resource: Resource, name: str, text: str) -> Any:
    try:
        return resource.columns[name].kind.parse(text)
    except ValueError as error:
        raise Problem(problems.INVALID_PARAMETER, str(error), parameter=name) from error


def _count(session: Session, question: Question, relation: str) -> int:
    statement = question.count(relation)
    ((rows,),) = session.query(statement.sql, statement.values)
    return int(rows)


def _check_role(service: Service, resource: Resource, call: Call) -> None:
    if not service.may_read(call.key, resource):
        raise Problem(problems.FORBIDDEN, f"role {call.key.role} may not read {resource.name}")


def _refuse_parameters(call: Call) -> None:
    for name, _ in call.parameters:
        raise Problem(
            problems.INVALID_PARAMETER,
            f"{name[:50]}: there is no such parameter",
            parameter=name[:50],
            fix="leave it out",
        )


def _kinds(question: Question) -> Mapping[str, Kind]:
    return {name: question.resource.columns[name].kind for name in question.columns}


def _about(manifest: Manifest) -> dict[str, Any]:
    return {
        "version": manifest.version,
        "batch_id": manifest.batch_id,
        "published_at": manifest.published_at.isoformat(),
    }


def _deprecation(resource: Resource) -> dict[str, str]:
    """The headers of RFC 9745 and RFC 8594."""
    headers = {}
    if resource.deprecated_on:
        moment = datetime.combine(resource.deprecated_on, time(), UTC)
        headers["Deprecation"] = f"@{int(moment.timestamp())}"
    if resource.sunset:
        moment = datetime.combine(resource.sunset, time(), UTC)
        headers["Sunset"] = format_datetime(moment, usegmt=True)
    return headers
