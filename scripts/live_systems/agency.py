"""An HTTP API that publishes lists, as the agency of prospects does: a token for clients, pages, versions of pages, limits.

Usage:
    with Agency.started() as agency:
        agency.lists["prospects"] = [{"agency_id": "a"}]
        requests.get(f"{agency.address}/prospects?limit=100", headers={"Authorization": f"Bearer {token}"})

A page is asked for by `cursor` or by `offset`, with `limit`; the answer has the next cursor, a `Link` to the next page, and the total, also as a header.
"""

import hashlib
import json
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from scripts.extract.rows import json_text

_PAGE = 100
# How a version is asked for, and how a time.
_ASKED = {False: "If-None-Match", True: "If-Modified-Since"}
CLIENT = "warehouse"


@dataclass
class Agency:
    """The API and what it publishes.

    Attributes:
        address: where it is.
        lists: what it publishes, by name.
        client_secret: of the client `warehouse`.
        token_seconds: how long a token holds.
        most_per_second: requests that are answered in a second; None for all.
        has_times: pages say when they have changed, in place of their version.
        disturb: called for each request before it is answered; returns whether it has answered itself.
    """

    address: str = ""
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    token_seconds: float = 300
    most_per_second: int | None = None
    has_times: bool = False
    disturb: Callable[[BaseHTTPRequestHandler], bool] = lambda _: False
    requests: int = 0
    _changed: dict[str, str] = field(default_factory=dict)
    _tokens: dict[str, float] = field(default_factory=dict)
    _answered: list[float] = field(default_factory=list)

    @classmethod
    @contextmanager
    def started(cls, **settings: Any) -> "Iterator[Agency]":
        """A server on a free port of this machine, until the block ends."""
        agency = cls(**settings)
        handler = type("Handler", (_Handler,), {"agency": agency})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        agency.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield agency
        finally:
            server.shutdown()
            server.server_close()

    def new_token(self) -> dict[str, Any]:
        """A token for a client."""
        token = secrets.token_urlsafe(16)
        self._tokens[token] = time.monotonic() + self.token_seconds
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds}

    def forget_tokens(self) -> None:
        """Let all tokens expire."""
        self._tokens.clear()

    def is_known(self, authorization: str) -> bool:
        """Whether a request has a token that holds."""
        return self._tokens.get(authorization.removeprefix("Bearer "), 0.0) > time.monotonic()

    def is_too_much(self) -> bool:
        """Whether this request is one too many."""
        self.requests += 1
        if self.most_per_second is None:
            return False
        now = time.monotonic()
        self._answered = [moment for moment in self._answered if moment > now - 1]
        if len(self._answered) >= self.most_per_second:
            return True
        self._answered.append(now)
        return False


class _Handler(BaseHTTPRequestHandler):
    """Answers requests."""

    agency: Agency
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Give a token to a client that says who it is."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        expected = b64encode(f"{CLIENT}:{self.agency.client_secret}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {expected}":
            self.answer(401, {"error": "invalid_client"})
        else:
            self.answer(200, self.agency.new_token())

    def do_GET(self) -> None:
        """Answer with a page."""
        agency = self.agency
        if agency.is_too_much():
            self.answer(429, {"error": "too many requests"}, {"Retry-After": "1"})
            return
        if agency.disturb(self):
            return
        if not agency.is_known(self.headers.get("Authorization", "")):
            self.answer(401, {"error": "no token, or it has expired"})
            return
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        found = agency.lists.get(parts.path.strip("/"))
        if found is None:
            self.answer(404, {"error": "no such list"})
            return
        start = int(query.get("cursor") or query.get("offset") or 0)
        limit = int(query.get("limit", _PAGE))
        items = found[start : start + limit]
        end = start + len(items)
        is_last = end >= len(found)
        body = {
            "items": items,
            "next": None if is_last else str(end),
            "total": len(found),
        }
        headers = {"X-Total-Count": str(len(found))}
        if not is_last:
            following = urlencode({"cursor": end, "limit": limit})
            headers["Link"] = f'<{parts.path}?{following}>; rel="next"'
        self.answer(200, body, headers)

    def answer(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        """Send an answer; only that nothing has changed, if the asker has this version."""
        content = json_text(json.loads(json.dumps(body)) if status != 200 else body).encode()
        version, asked = self._version(content), _ASKED[self.agency.has_times]
        if status == 200 and self.command == "GET" and self.headers.get(asked) == version:
            status, content = 304, b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Last-Modified" if self.agency.has_times else "ETag", version)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _version(self, content: bytes) -> str:
        """What is said of the version of a page: a digest, or a time that is a second later for each version."""
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if not self.agency.has_times:
            return f'"{digest}"'
        known = self.agency._changed
        return known.setdefault(digest, formatdate(1_500_000_000 + len(known), usegmt=True))
