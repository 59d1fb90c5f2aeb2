"""Run Dagster on this machine: it starts each batch when its files are complete, and shows what has become of it.

Usage:
    python -m scripts.orchestrate               until Ctrl-C, on http://127.0.0.1:3000
    python -m scripts.orchestrate --port 3001

It reads the variables that every command reads (SOURCES, LAKE, WAREHOUSE, DBT_TARGET, ...), and keeps its own records in DAGSTER_HOME, `data/dagster` if that is
not set. The sensor `new_batches` is on from the beginning, the schedule `every_night` is off.

Exit codes: 0 ended by Ctrl-C or SIGTERM; 1 it could not be started, or has ended by itself.
"""

from typing import Annotated

import typer

from scripts.orchestrate.project import OrchestrateError, instance_folder
from scripts.orchestrate.server import serve


def main(
    port: Annotated[
        int, typer.Option(envvar="PORT", min=1, max=65535, help="Of the web server.")
    ] = 3000,
) -> None:
    """Run Dagster, its web server and its daemon, until Ctrl-C."""
    try:
        serve(instance_folder(), port)
    except OrchestrateError as error:
        typer.secho(f"orchestrate: {error}", fg="red", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
