"""Answers that are sent piece by piece, while the next piece is read: memory is that of a piece, however large the answer is.

Usage:
    return StreamedAnswer(pieces, stack, seconds=900, media_type="text/csv", headers={})
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from fastapi.responses import StreamingResponse


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
