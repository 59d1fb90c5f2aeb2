"""A proxy between the extraction and a server that disturbs what the server says: once, after so many bytes.

Usage:
    with DisturbingProxy.started("127.0.0.1", 5432) as proxy:
        proxy.fault = Fault("reset", 1000)
        connect(proxy.port)
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

KINDS = ("reset", "cut", "delay", "refuse")
_DELAY = 0.05


class Fault(NamedTuple):
    """What happens, and after how many bytes from the server.

    `reset` ends the connection with an error, `cut` ends it in the middle of what is said, `delay` waits, `refuse` ends the
    next connection at once.
    """

    kind: str
    after: int


class DisturbingProxy:
    """Passes bytes on, in both directions.

    Attributes:
        port: where it listens.
        fault: what happens next; None when it has happened.
        hits: how many faults have happened.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.fault: Fault | None = None
        self.hits = 0

    @classmethod
    @contextmanager
    def started(cls, host: str, port: int) -> "Iterator[DisturbingProxy]":
        """A proxy on a free port of this machine, until the block ends."""
        proxy = cls(host, port)
        threading.Thread(target=proxy._accept, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.fault and self.fault.kind == "refuse":
                self.fault = None
                self.hits += 1
                _reset(client)
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            for pump, source, sink in (
                (self._pass_on, client, server),
                (self._disturb, server, client),
            ):
                threading.Thread(target=pump, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        _end(source, sink)

    def _disturb(self, server: socket.socket, client: socket.socket) -> None:
        said = 0
        with suppress(OSError):
            while data := server.recv(1 << 14):
                fault = self.fault
                if fault and said + len(data) > fault.after:
                    self.fault = None
                    self.hits += 1
                    if fault.kind == "delay":
                        time.sleep(_DELAY)
                    else:
                        client.sendall(data[: max(0, fault.after - said)])
                        if fault.kind == "reset":
                            _reset(client)
                        break
                said += len(data)
                client.sendall(data)
        _end(server, client)


def _reset(connection: socket.socket) -> None:
    """End a connection so that the other side has an error."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Whoever waits for it lets go of it: only then is it closed.
        connection.shutdown(socket.SHUT_RD)
    connection.close()


def _end(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
