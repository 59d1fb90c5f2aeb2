"""The application: the endpoints of all parts, on one service.

Usage:
    app = create_app(Service(published, keys, audit))

Another part is one more function in `PARTS`: it adds its endpoints, with `service.guarded` around each that reads.
"""

from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from scripts.serve.api import (
    data,
    metric_routes,
    model_routes,
    openapi,
    problems,
    share_routes,
    system_routes,
)
from scripts.serve.api.problems import Problem
from scripts.serve.api.service import Service, response_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PARTS: tuple[Callable[[FastAPI, Service], None], ...] = (
    system_routes.add_routes,
    share_routes.add_routes,
    metric_routes.add_routes,
    model_routes.add_routes,
    data.add_routes,
)

# What the framework refuses by itself: an unknown address, another method than the one that is answered.
_REFUSED = {404: problems.NOT_FOUND, 405: problems.METHOD_NOT_ALLOWED}


def create_app(service: Service) -> FastAPI:
    """The application.

    Raises:
        MetricsError: the metrics cannot be read.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> "AsyncIterator[None]":
        with _closing(service):
            yield

    # Its own pages would load scripts from elsewhere.
    app = FastAPI(
        title="Brokerage data API",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for add_routes in PARTS:
        add_routes(app, service)
    for status in _REFUSED:
        app.add_exception_handler(status, _explain)
    document: dict[str, Any] = {}

    def described() -> dict[str, Any]:
        if not document:
            document.update(
                get_openapi(
                    title=app.title,
                    version=app.version,
                    description=openapi.DESCRIPTION,
                    routes=app.routes,
                )
            )
            openapi.complete(document, service.resources)
        return document

    app.openapi = described  # type: ignore[method-assign]
    return app


@contextmanager
def _closing(service: Service) -> Iterator[None]:
    try:
        yield
    finally:
        service.at_end.close()


def _explain(_: Request, error: Exception) -> Response:
    """What the framework refuses, as problem details."""
    kind = _REFUSED[error.status_code]  # type: ignore[attr-defined]
    detail = {
        problems.NOT_FOUND: "there is nothing at this address",
        problems.METHOD_NOT_ALLOWED: "this method is not answered here",
    }[kind]
    headers = error.headers or {}  # type: ignore[attr-defined]
    return response_of(Problem(kind, detail, headers=headers))
