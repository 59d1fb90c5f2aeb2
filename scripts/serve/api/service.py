"""What happens around each request: key, limits, audit, figures, problems. Handlers only answer.

Usage:
    service = Service(published, keys=KeyStore(file), audit=AuditLog(folder))
    app.add_api_route("/v1/things", service.guarded("/v1/things", handler))

A handler is a function from a `Call` to a response. Whatever reads something for somebody goes through `guarded`: nothing else looks at keys.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from secrets import token_hex
from typing import Any

import duckdb
import psycopg2
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from scripts.metrics.definitions import MetricsError
from scripts.serve.api import formats, problems
from scripts.serve.api.audit import AuditError, AuditLog, Entry
from scripts.serve.api.figures import Figures
from scripts.serve.api.keys import Key, KeyFileError, KeyStore
from scripts.serve.api.limits import AllLimits, RateLimiter, RoleLimits, read_limits
from scripts.serve.api.problems import Problem
from scripts.serve.api.resources import Resource, resources
from scripts.serve.api.streams import StreamedAnswer
from scripts.serve.metrics import PublishedMetrics
from scripts.serve.sessions import (
    NotAllowedError,
    Published,
    ServeError,
    TooExpensiveError,
    UnavailableError,
    VersionGoneError,
)
from scripts.warehouse.clock import utc_now

# How soon to try again when nothing can be read.
RETRY_SECONDS = 5
# Streams at the same time: each holds a session, and a client may read it slowly.
STREAMS = 4
_LOG = logging.getLogger("brokerage.api")


@dataclass
class Call:
    """A request with a valid key; the handler tells here what it has read.

    Attributes:
        request: of the client.
        key: that it came with.
        limits: of the role of the key.
        columns: of the answer.
        filters: by what rows were chosen, as `column.operator`.
        version: that was read.
        rows: of the answer.
        media_type: of the answer.
        path: for log and figures, if the template of the endpoint does not tell enough.
    """

    request: Request
    key: Key
    limits: RoleLimits
    columns: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    version: str | None = None
    rows: int | None = None
    media_type: str = formats.JSON
    path: str | None = None

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the request, in their order."""
        return self.request.query_params.multi_items()

    def entity_tag(self, version: str, meaning: str = "") -> str:
        """Identifies the answer: another version, role, question or format is another answer."""
        parts = [version, self.key.role, self.request.url.path, self.media_type, meaning]
        parts += sorted(f"{name}={value}" for name, value in self.parameters)
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return f'"{digest[:32]}"'

    def has(self, entity_tag: str) -> bool:
        """Whether the client has the answer already."""
        given = self.request.headers.get("if-none-match", "")
        tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
        return entity_tag.removeprefix("W/") in tags or tags == ["*"]


Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class Door:
    """How requests come in.

    Attributes:
        key_of: who asks; raises a `Problem` if that is nobody.
        refusal: the answer that tells a problem.
    """

    key_of: Callable[[Request], Key]
    refusal: Callable[[Problem], Response]


class Service:
    """What all endpoints share.

    Attributes:
        published: what is read.
        resources: the tables that are served, by name.
        metrics: the metrics of the project.
        keys: who may read.
        limits: how much.
        audit: who has read what.
        figures: for Prometheus.
        streams: taken by each answer that is streamed as a whole.
        at_end: what is closed when the server ends.
    """

    def __init__(
        self,
        published: Published,
        keys: KeyStore,
        audit: AuditLog,
        limits: AllLimits | None = None,
        metrics: PublishedMetrics | None = None,
    ) -> None:
        self.published = published
        self.resources = resources(published.declarations)
        self.metrics = metrics or PublishedMetrics()
        self.keys = keys
        self.limits = limits or read_limits()
        self.audit = audit
        self.figures = Figures()
        self.streams = threading.BoundedSemaphore(STREAMS)
        self.at_end = ExitStack()
        self.at_end.callback(audit.close)
        self.at_end.callback(published.close)
        self._rate = RateLimiter()
        self._door = Door(self._key_of, response_of)

    @cached_property
    def meaning(self) -> str:
        """Identifies the declarations: they decide what an answer looks like, besides the version."""
        return self.published.declarations.digest

    def guarded(
        self, path: str, handler: Handler, door: Door | None = None
    ) -> Callable[[Request], Response]:
        """The endpoint of a handler: it is called for requests with a valid key, within the limits, and recorded.

        Args:
            path: its template, which stands for all its addresses in the log and the figures.
            handler: answers, or raises a `Problem` or a `ServeError`.
            door: how its requests come in; None for those with keys of the API.
        """
        door = door or self._door

        def endpoint(request: Request) -> Response:
            started = time.perf_counter()
            call = None
            try:
                call = self._begun(request, door)
                response = handler(call)
            except Exception as error:
                response = self.response_to(error, door)
            seconds = time.perf_counter() - started
            asked = path
            if call is not None:
                asked = call.path or path
                response = self._recorded(call, asked, response, seconds, door)
            self.figures.add(asked, response.status_code, seconds)
            return response

        return endpoint

    def open(self, handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """The endpoint of a handler for which no key is needed: it reads nothing that is published."""

        def endpoint(request: Request) -> Response:
            try:
                return handler(request)
            except Exception as error:
                return self.response_to(error)

        return endpoint

    def may_read(self, key: Key, resource: Resource) -> bool:
        """Whether the role of a key may read a resource."""
        return resource.table in self.published.declarations.readable_by(key.role)

    def response_to(self, error: Exception, door: Door | None = None) -> Response:
        """The answer when something has gone wrong."""
        problem = problem_of(error)
        if problem.type is problems.INTERNAL:
            _LOG.exception("A request has failed", exc_info=error)
        elif problem.type is problems.UNAVAILABLE:
            # Where files are and which server is asked is nothing for clients.
            _LOG.warning("Nothing can be read: %s", error)
        return (door or self._door).refusal(problem)

    def _key_of(self, request: Request) -> Key:
        authorization = request.headers.get("authorization", "")
        key = self.keys.sent(authorization)
        if key is None or key.role not in self.published.declarations.roles:
            # What is wrong with a key is not told to who may have guessed it.
            raise Problem(
                problems.UNAUTHORIZED,
                "the key is not valid" if authorization.partition(" ")[2] else "no key was sent",
                headers={"WWW-Authenticate": 'Bearer realm="brokerage"'},
            )
        return key

    def _begun(self, request: Request, door: Door) -> Call:
        key = door.key_of(request)
        limits = self.limits.of(key.role)
        if wait := self._rate.seconds_to_wait(key.key_id, limits.requests_per_minute):
            raise Problem(
                problems.TOO_MANY_REQUESTS,
                f"more than {limits.requests_per_minute} requests a minute with this key",
                headers={"Retry-After": str(max(1, round(wait)))},
            )
        return Call(request, key, limits)

    def _recorded(
        self, call: Call, path: str, response: Response, seconds: float, door: Door
    ) -> Response:
        """The response, when it is written down who has read what; otherwise nothing is read."""
        request_id = token_hex(8)
        response.headers["X-Request-Id"] = request_id
        client = call.request.client
        entry = Entry(
            at=utc_now(),
            request_id=request_id,
            key_id=call.key.key_id,
            key_name=call.key.name,
            role=call.key.role,
            client=client.host if client else "",
            path=path,
            columns=call.columns,
            filters=call.filters,
            media_type=call.media_type,
            version=call.version,
            rows=call.rows,
            status=response.status_code,
            seconds=round(seconds, 6),
        )
        try:
            self.audit.write(entry)
        except AuditError as error:
            if isinstance(response, StreamedAnswer):
                response.discard()
            return self.response_to(error, door)
        return response


def problem_of(error: Exception) -> Problem:
    """What an error is for a client."""
    match error:
        case Problem():
            return error
        case VersionGoneError():
            return Problem(problems.VERSION_GONE, str(error))
        case NotAllowedError():
            return Problem(problems.FORBIDDEN, str(error))
        case TooExpensiveError():
            return Problem(problems.TOO_EXPENSIVE, str(error))
        case UnavailableError() | KeyFileError() | AuditError():
            headers = {"Retry-After": str(RETRY_SECONDS)}
            return Problem(
                problems.UNAVAILABLE,
                "nothing can be read now; the log of the server says why",
                headers=headers,
            )
        case MetricsError():
            return Problem(problems.INVALID_PARAMETER, str(error))
        case ServeError() | duckdb.Error() | psycopg2.Error() | Exception():
            return Problem(problems.INTERNAL, "the request could not be answered")


def response_of(problem: Problem) -> Response:
    """The answer that tells a problem."""
    return JSONResponse(
        problem.content,
        problem.type.status,
        headers={**problem.headers, "Cache-Control": "no-store"},
        media_type=problems.MEDIA_TYPE,
    )


def headers_of(call: Call, entity_tag: str, version: str) -> Mapping[str, str]:
    """The headers of an answer with data."""
    return {
        "ETag": entity_tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
        "X-Version": version,
        "X-Content-Type-Options": "nosniff",
    }


def not_modified(headers: Mapping[str, str]) -> Response:
    """The answer when the client has it already."""
    return Response(status_code=304, headers=dict(headers))


def content_type(media_type: str) -> str:
    """With the encoding of text."""
    return f"{media_type}; charset=utf-8" if media_type == formats.CSV else media_type


def json_response(content: Any, headers: Mapping[str, str]) -> Response:
    """JSON with headers."""
    return JSONResponse(content, headers=dict(headers))
