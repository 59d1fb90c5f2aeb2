"""The address on which a server of ours listens.

Usage:
    listening = bound_socket("127.0.0.1", 8000)
"""

import errno
import socket


class PortError(Exception):
    """A server cannot listen there; says only why: `is taken`."""


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket on an address, which belongs to this process from now on; close it if it was only to find out.

    Raises:
        PortError: it is taken, or there is no such address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # `localhost` has two addresses; each client knows this one.
        family, kind, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        bound = socket.socket(family, kind)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        raise PortError("is taken" if is_taken else f"cannot be used ({error.strerror})") from error
    return bound
