"""Show the dashboards on this machine, until Ctrl-C. They read what is published, so builds may run all the while.

Usage:
    python -m scripts.serve.dashboard                        on http://127.0.0.1:8501, as an analyst sees it
    python -m scripts.serve.dashboard --port 8600
    python -m scripts.serve.dashboard --role auditor         with personal columns: only who publishes may do that
    python -m scripts.serve.dashboard --base-path dashboards behind a proxy that serves it below /dashboards

It reads the variables that every command reads (PUBLISHED, DBT_TARGET, PGHOST, ...). There is no login: whoever reaches the port sees what the role sees, so keep it
on the loopback interface, behind a proxy that asks who is there (docs/dashboards.md).

Exit codes: 0 ended by Ctrl-C; 1 it could not be started.
"""

import importlib
import logging
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from streamlit.web import bootstrap

from scripts.metrics.definitions import MetricsError
from scripts.serve.dashboard.charts import COLORS
from scripts.serve.dashboard.data import published
from scripts.serve.dashboard.exposures import HOST, PORT
from scripts.serve.dashboard.pages import warm
from scripts.serve.dashboard.settings import DEFAULT_ROLE, ROLE
from scripts.serve.declarations import Declarations
from scripts.serve.sessions import ServeError
from scripts.warehouse.ports import PortError, bound_socket

_SECONDS_BETWEEN_LOOKS = 5
# Imported by libraries when they are needed first. With several threads, one of them would find a module that another has only begun.
_SLOW_MODULES = ("pandas", "metricflow.engine.metricflow_engine")
# Each call of Streamlit outside of a page is a line in its log.
_WARNS_OF_NO_READER = "streamlit.runtime.scriptrunner_utils.script_run_context"
_APP = Path(__file__).parent / "app" / "run.py"


def main(
    port: Annotated[
        int, typer.Option(envvar="PORT", min=1, max=65535, help="Of the web server.")
    ] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    role: Annotated[
        str,
        typer.Option(
            envvar=ROLE, help="Who reads: analyst, or auditor, who sees personal columns."
        ),
    ] = DEFAULT_ROLE,
    base_path: Annotated[
        str, typer.Option(help="The path below which a proxy serves the dashboards.")
    ] = "",
) -> None:
    """Serve the dashboards until Ctrl-C."""
    try:
        bound_socket(host, port).close()
        Declarations.of_project().readable_by(role)
    except ServeError as error:
        raise _failed(str(error)) from error
    except PortError as error:
        raise _failed(
            f"port {port} of {host} {error}; end the program that has it, or give another --port or --host"
        ) from error
    os.environ[ROLE] = role
    for module in _SLOW_MODULES:
        importlib.import_module(module)
    threading.Thread(target=_keep_warm, args=[role], daemon=True).start()
    path = f"{base_path.strip('/')}/" if base_path else ""
    typer.echo(f"The dashboards are on http://{host}:{port}/{path} (Ctrl-C ends them).")
    options = _options(host, port, base_path)
    bootstrap.load_config_options(options)
    bootstrap.run(str(_APP), False, [], options)
    # Threads of readers may still be in the middle of a question, which is only read: there is nothing to put in order.
    sys.stdout.flush()
    os._exit(0)


def _failed(problem: str) -> typer.Exit:
    typer.secho(f"dashboard: {problem}", fg="red", err=True)
    return typer.Exit(1)


def _options(host: str, port: int, base_path: str) -> dict[str, object]:
    """Options of Streamlit; given like this, they win over files and variables."""
    return {
        "server_address": host,
        "server_port": port,
        "server_baseUrlPath": base_path,
        "server_headless": True,
        "server_fileWatcherType": "none",
        # It would tell its makers about each visit, and ask for an address.
        "browser_gatherUsageStats": False,
        "server_showEmailPrompt": False,
        "client_toolbarMode": "minimal",
        # Errors are in the log of the server; they may quote rows.
        "client_showErrorDetails": "none",
        # Tables have a download of their own.
        "client_disableDataExport": True,
        # A full collection after each run of a page looks at all that is known about metrics: a quarter of a second. Python collects without it, too.
        "runner_postScriptGC": False,
        "theme_base": "light",
        "theme_primaryColor": COLORS[0],
        "theme_headingFontSizes": ["1.9rem", "1.5rem", "1.2rem"],
        "theme_metricValueFontSize": "1.7rem",
        "theme_chartCategoricalColors": list(COLORS),
    }


def _keep_warm(role: str) -> None:
    """Ask for each new version what pages ask at the beginning, before somebody waits for it."""
    this = threading.current_thread().name
    logging.getLogger(_WARNS_OF_NO_READER).addFilter(lambda record: record.threadName != this)
    version = None
    while True:
        # What is wrong is said on the pages.
        with suppress(ServeError, MetricsError):
            if published().current().version != version:
                version = warm(role)
        time.sleep(_SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    typer.run(main)
