"""Serve what is published over HTTP, and issue the keys for it.

Usage:
    python -m scripts.serve.api serve                                 until Ctrl-C, on http://127.0.0.1:8000
    python -m scripts.serve.api serve --host 0.0.0.0 --port 8080 --limits own_limits.yml --root-path /data
    python -m scripts.serve.api keys issue reports --role analyst --days 90     prints the key, once
    python -m scripts.serve.api keys list
    python -m scripts.serve.api keys revoke 1f2e3d4c

It reads the variables that every command reads (PUBLISHED, RUNS, DBT_TARGET, ...), and API_KEYS, the file of the keys: `data/api_keys.json` if that is not set. As long as no
key was issued, a server on the loopback interface makes one for analysts and prints it; it ends with the server. docs/serving.md explains everything else.

Exit codes: 0 ended by Ctrl-C or SIGTERM, or done; 1 the server cannot start, or a key cannot be issued or revoked.
"""

import ipaddress
import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.table import Table

from scripts.metrics.definitions import MetricsError
from scripts.serve.api.audit import FOLDER, AuditError, AuditLog
from scripts.serve.api.keys import KeyFileError, KeyStore, new_key
from scripts.serve.api.limits import LimitsError, read_limits
from scripts.serve.declarations import Declarations
from scripts.serve.published import open_published
from scripts.serve.sessions import Limits, ServeError
from scripts.warehouse.clock import utc_now
from scripts.warehouse.ports import PortError, bound_socket
from scripts.warehouse.settings import Target, setting, use_setting
from scripts.warehouse.terminal import print_table

DEFAULT_KEYS = "data/api_keys.json"
_SESSION_DAYS = 30

# \b keeps the lines of a paragraph as they are.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=(__doc__ or "").replace("Usage:", "\b\nUsage:"),
    rich_markup_mode=None,
)
keys_app = typer.Typer(no_args_is_help=True, help="Issue, list and revoke keys.")
app.add_typer(keys_app, name="keys")

KeysOption = Annotated[
    Path, typer.Option("--file", envvar="API_KEYS", help="The file of the keys.")
]


@app.command()
def serve(
    host: Annotated[
        str,
        typer.Option(envvar="HOST", help="Address to listen on; this machine only, by default."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="PORT", min=1, max=65535, help="To listen on.")
    ] = 8000,
    root_path: Annotated[
        str, typer.Option(help="The address at which a proxy shows the server, such as /data.")
    ] = "",
    keys: KeysOption = Path(DEFAULT_KEYS),
    limits: Annotated[
        Path | None, typer.Option(help="A file of limits, instead of scripts/serve/api/limits.yml.")
    ] = None,
    memory: Annotated[
        str, typer.Option(help="Memory for all questions together, on DuckDB.")
    ] = "1GB",
    threads: Annotated[int, typer.Option(min=1, help="Threads of DuckDB.")] = 2,
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
) -> None:
    """Serve what is published, until Ctrl-C."""
    use_setting("DBT_TARGET", target)
    try:
        listening = _listening(host, port)
        # It takes a while to import.
        import uvicorn

        from scripts.serve.api.app import create_app
        from scripts.serve.api.service import Service

        _check_memory(memory)
        published = open_published(limits=Limits(memory=memory, threads=threads))
        service = Service(
            published, KeyStore(keys), AuditLog(Path(setting("RUNS")) / FOLDER), read_limits(limits)
        )
        service.audit.check()
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(service),
                root_path=root_path,
                log_level="warning",
                # It would write down the values of keys and filters; who has read what is in a log of its own.
                access_log=False,
                server_header=False,
                # A client that reads slowly does not keep the server from ending.
                timeout_graceful_shutdown=10,
            )
        )
        _greet(service.keys, host, port, root_path)
    except (ServeError, KeyFileError, LimitsError, AuditError, MetricsError, OSError) as error:
        typer.secho(f"api: {error}", fg="red", err=True)
        raise typer.Exit(1) from error
    server.run(sockets=[listening])


@keys_app.command("issue")
def issue(
    name: Annotated[str, typer.Argument(help="Who or what gets it.")],
    role: Annotated[str, typer.Option(help="analyst, application or auditor.")] = "application",
    days: Annotated[int, typer.Option(min=1, max=3650, help="Until it expires.")] = 90,
    file: KeysOption = Path(DEFAULT_KEYS),
) -> None:
    """Issue a key, and print it: it cannot be shown again."""
    if not (name.strip() and name.isprintable()):
        raise typer.BadParameter("say in one line who or what gets the key", param_hint="NAME")
    try:
        Declarations.of_project().readable_by(role)
        text, key = KeyStore(file).issue(name, role, days)
    except (ServeError, KeyFileError) as error:
        typer.secho(f"api: {error}", fg="red", err=True)
        raise typer.Exit(1) from error
    typer.echo(text)
    typer.secho(
        f"Key {key.key_id} for {name}, role {role}, until {key.expires_at:%Y-%m-%d}. It is not shown again.",
        err=True,
    )


@keys_app.command("list")
def list_keys(file: KeysOption = Path(DEFAULT_KEYS)) -> None:
    """Show all keys, without their secrets."""
    try:
        keys = KeyStore(file).all()
    except KeyFileError as error:
        typer.secho(f"api: {error}", fg="red", err=True)
        raise typer.Exit(1) from error
    table = Table("key", "name", "role", "issued", "expires", "state", box=None, pad_edge=False)
    for key in keys:
        days = (f"{each:%Y-%m-%d}" for each in (key.issued_at, key.expires_at))
        table.add_row(key.key_id, key.name, key.role, *days, key.state(utc_now()))
    print_table(table)


@keys_app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    file: KeysOption = Path(DEFAULT_KEYS),
) -> None:
    """End a key now; servers that are running refuse it from the next request on."""
    try:
        key = KeyStore(file).revoke(key_id)
    except KeyFileError as error:
        typer.secho(f"api: {error}", fg="red", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Key {key.key_id} of {key.name} is revoked.")


def _listening(host: str, port: int) -> socket.socket:
    """A socket on the address, before anything else takes time.

    Raises:
        ServeError: it is taken, or there is no such address.
    """
    try:
        return bound_socket(host, port)
    except PortError as error:
        raise ServeError(
            f"port {port} of {host} {error}; set PORT or HOST to another one, or end the program that has it"
        ) from error


def _check_memory(memory: str) -> None:
    """Find a size that DuckDB does not understand before anybody asks for something.

    Raises:
        ServeError: it is none.
    """
    try:
        duckdb.connect(":memory:", config={"memory_limit": memory}).close()
    except duckdb.Error as error:
        raise ServeError(f"--memory {memory}: is no size of memory; write it as 1GB") from error


def _greet(keys: KeyStore, host: str, port: int, root_path: str) -> None:
    """Say where it is; as long as no key was issued, with a key for who is at this machine."""
    place = f"http://{host}:{port}{root_path}"
    if keys.all() or not _is_loopback(host):
        typer.echo(f"The API is on {place}, explained on {place}/docs. Ctrl-C ends it.")
        if not keys.all():
            typer.echo("No key was issued yet: python -m scripts.serve.api keys issue <name>")
        return
    text, key = new_key("first steps", "analyst", timedelta(days=_SESSION_DAYS))
    keys.add_own(key)
    typer.echo(
        f"The API is on {place}. Ctrl-C ends it. This key, for analysts, ends with it:\n"
        f"  curl -H 'Authorization: Bearer {text}' '{place}/v1/customer_overviews?limit=2'\n"
        f"  {place}/docs#key={text}\n"
        "Keys that stay: python -m scripts.serve.api keys issue <name>"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    app()
