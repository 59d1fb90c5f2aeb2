"""Start living systems on this machine, fed from a generated dataset, for trying out extraction: no root, nothing to install besides `make .venv/.dev`.

Usage:
    python -m scripts.live_systems --dataset data/sources

A Postgres database, an HTTP API, an object store and a Kafka broker start on free ports of the loopback interface and get what the first batch of the
dataset says. The variables that `python -m scripts.extract` needs are printed. Each time Enter is pressed, the systems get the next batch. Ctrl-C ends
them, and everything that they hold is gone. The broker keeps only some twenty megabytes of packed messages: use a dataset of scale 1 or less.

Exit codes: 0 ended, 2 there is no such dataset, a system could not be started, or its package is not installed.
"""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from scripts.load.sources import SourceFolderError
from scripts.postgres_server import PostgresServerError
from scripts.warehouse.settings import DEFAULTS


def main(
    dataset: Annotated[
        Path, typer.Option(help="A generated dataset: a folder with Batch1, Batch2, ...")
    ] = Path(DEFAULTS["SOURCES"]),
) -> None:
    """Start the systems, print how to reach them, and feed them batch by batch until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _run(dataset)
    except ImportError as error:
        _fail(f"{error.name} is not installed; run `make .venv/.dev`", error)
    except (SourceFolderError, PostgresServerError) as error:
        _fail(str(error), error)
    except KeyboardInterrupt:
        typer.echo("The systems are stopped, and what they held is gone.", err=True)


def _fail(message: str, error: Exception) -> None:
    typer.secho(f"live_systems: {message}", fg="red", err=True)
    raise typer.Exit(2) from error


def _run(dataset: Path) -> None:
    # Its packages are those of developers.
    from scripts.live_systems.systems import LiveSystems, LiveSystemsError, export_lines

    with LiveSystems.started(dataset) as systems:
        try:
            first, *others = systems.dataset.batches
            systems.deliver(first)
            typer.echo(export_lines(systems.environment()))
            typer.echo(
                f"The systems have batch {first}. In another terminal, run these lines, then `python -m scripts.extract`.",
                err=True,
            )
            for batch in others:
                typer.echo(f"Enter feeds them batch {batch}, Ctrl-C ends them.", err=True)
                if not sys.stdin.readline():
                    break
                systems.deliver(batch)
                typer.echo(f"The systems have batch {batch}.", err=True)
        except LiveSystemsError as error:
            _fail(str(error), error)
        typer.echo("Ctrl-C ends them.", err=True)
        signal.pause()


if __name__ == "__main__":
    typer.run(main)
