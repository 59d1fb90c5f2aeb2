"""The endpoints for those who run the server, and the page that explains it.

Usage:
    add_routes(app, service)
"""

import base64
import hashlib
import html
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from scripts.publish.manifest import Manifest
from scripts.serve.api import problems
from scripts.serve.api.openapi import open_operation, problems_of
from scripts.serve.api.service import Service
from scripts.serve.sessions import ServeError

_PAGE = Path(__file__).with_name("page.html")


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the endpoints."""

    def healthz(_: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    def readyz(_: Request) -> Response:
        manifest = service.published.current()
        service.audit.check()
        content: dict[str, Any] = {
            "status": "ready",
            "version": manifest.version,
            "batch_id": manifest.batch_id,
            "published_at": manifest.published_at.isoformat(),
        }
        return app_response(content)

    def metrics(_: Request) -> Response:
        manifest: Manifest | None = None
        # If nothing can be read, the figures say so.
        with suppress(ServeError):
            manifest = service.published.current()
        return Response(
            service.figures.text(manifest), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    def docs(_: Request) -> Response:
        page, policy = _page()
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
        return Response(page, media_type="text/html", headers=headers)

    status = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string"}},
    }
    for path, handler, operation in (
        ("/healthz", healthz, open_operation("The process is alive.", "application/json", status)),
        (
            "/readyz",
            readyz,
            open_operation("There is something to read.", "application/json", status)
            | {
                "responses": open_operation("", "application/json", status)["responses"]
                | problems_of(problems.UNAVAILABLE)
            },
        ),
        (
            "/metrics",
            metrics,
            open_operation("Figures for Prometheus.", "text/plain", {"type": "string"}),
        ),
    ):
        app.add_api_route(path, service.open(handler), openapi_extra=operation)
    app.add_api_route("/docs", service.open(docs), include_in_schema=False)


def app_response(content: dict[str, Any]) -> Response:
    """JSON that must not be kept."""
    from fastapi.responses import JSONResponse

    return JSONResponse(content, headers={"Cache-Control": "no-store"})


@cache
def _page() -> tuple[str, str]:
    """The page, and what it may load: nothing but itself and this server."""
    rows = "".join(
        f'<tr id="problem-{each.name}"><td>{each.status}</td><td><code>{each.name}</code></td>'
        f"<td>{html.escape(each.title)}</td><td>{html.escape(each.advice)}</td></tr>"
        for each in problems.TYPES
    )
    page = _PAGE.read_text(encoding="utf-8").replace("<!-- problems -->", rows)
    hashes = {
        tag: " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for text in re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        )
        for tag in ("script", "style")
    }
    policy = (
        f"default-src 'none'; connect-src 'self'; script-src {hashes['script']};"
        f" style-src {hashes['style']}; base-uri 'none'; frame-ancestors 'none'"
    )
    return page, policy
