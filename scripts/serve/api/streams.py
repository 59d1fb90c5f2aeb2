"""Answers that are sent piece by piece, while the next piece is read: memory is that of a piece, however large the answer is. And requests with a body.

Usage:
    return StreamedAnswer(pieces, stack, seconds=900, media_type="text/csv", headers={})
    app.add_api_route(path, with_body(endpoint), methods=["POST"])
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

# Of the body of a request; it is not read beyond that.
MOST_BYTES = 100_000


def with_body(endpoint: Callable[[Request], Response]) -> Callable[[Request], Any]:
    """An endpoint that finds the body of the request in its state; a body that is too long is not read to its end."""

    async def reading(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                break
        request.state.body = body
        return await run_in_threadpool(endpoint, request)

    return reading


class StreamedAnswer(StreamingResponse):
    """An answer, and what stays open until it is sent. If reading fails, or takes too long, the connection is cut: the client sees that it has not all of it."""

    def __init__(
        self,
        pieces: Iterator[bytes],
        stack: ExitStack,
        seconds: float,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(pieces, headers=dict(headers), media_type=media_type)
        self._stack = stack
        self._seconds = seconds

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it, as the server asks for."""
        try:
            async with asyncio.timeout(self._seconds):
                await super().__call__(scope, receive, send)
        finally:
            # To its end, even if the server is being stopped.
            await asyncio.shield(asyncio.to_thread(self._stack.close))

    def discard(self) -> None:
        """Close what is open: it is not sent."""
        self._stack.close()
