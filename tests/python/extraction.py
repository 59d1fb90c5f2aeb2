"""An extraction in a process of its own, which can be killed.

Usage:
    context = multiprocessing.get_context("forkserver")
    context.Process(target=work, args=(contracts, sources, day, environment, ready)).start()
"""

import os
import time
from datetime import date
from pathlib import Path
from typing import Any

from scripts.extract import run
from scripts.extract.errors import ExtractError

# What a child needs, so that it begins at once.
from scripts.extract.systems import api, database_changes, object_store, stream  # noqa: F401
from scripts.extract.systems.base import Reader


def work(contracts: str, sources: str, day: date, environment: dict[str, str], ready: Any) -> None:
    """Extract a batch; exit code 2 if that fails."""
    os.environ.update(environment)
    run.CONTRACTS_FOLDER = Path(contracts)
    # Nobody waits long in a test.
    Reader.sleep = staticmethod(lambda _: time.sleep(0.02))  # type: ignore[method-assign]
    ready.set()
    try:
        run.extract(run.ExtractOptions(Path(sources), batch_date=day))
    except ExtractError as error:
        print(error, flush=True)
        os._exit(2)
