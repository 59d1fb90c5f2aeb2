"""The server that `python -m scripts.postgres_server` prints.

Usage:
    process = subprocess.Popen([sys.executable, "-m", "scripts.postgres_server"], stdout=subprocess.PIPE, text=True)
    server = read_printed_server(process)
"""

import re
import subprocess

from scripts.postgres_server import PostgresServer

_VARIABLES = 6


def read_printed_server(process: "subprocess.Popen[str]") -> PostgresServer:
    """Where the server is and who enters it, from the lines that a shell would be given; waits for them."""
    assert process.stdout
    lines = "".join(process.stdout.readline() for _ in range(_VARIABLES))
    exports = dict(re.findall(r"export (\w+)=(.+)", lines))
    server = PostgresServer(
        exports["PGHOST"],
        int(exports["PGPORT"]),
        exports["PGUSER"],
        exports["PGPASSWORD"],
        exports["PGDATABASE"],
    )
    assert server.environment() == exports
    return server
