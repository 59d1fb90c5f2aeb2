"""The manifest of the dbt project for Dagster: parsed when the project has changed, and only then.

Usage:
    manifest = current_manifest(instance_folder())

Each process of Dagster reads it when it starts, and dbt takes half a minute to parse. dbt's own `target/manifest.json` is no substitute: any command of
dbt may be replacing it at that moment.
"""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any, cast

from scripts.warehouse.changes import project_digest
from scripts.warehouse.process import WorkError, run_in_subprocess
from scripts.warehouse.workspace import ROOT

Manifest = dict[str, Any]


class OrchestrateError(Exception):
    """Dagster cannot be started, or the project not be read: says why and what to do."""


def instance_folder() -> Path:
    """Where Dagster keeps its runs and events: DAGSTER_HOME, or `data/dagster` in the project."""
    return Path(os.environ.get("DAGSTER_HOME") or ROOT / "data" / "dagster").absolute()


def current_manifest(folder: Path) -> Manifest:
    """The manifest of the project as it is now, kept in a folder.

    Raises:
        OrchestrateError: the project cannot be parsed, or the folder not be written.
    """
    file = folder / f"manifest-{project_digest(ROOT)[:16]}.json"
    if not file.exists():
        # In a process of its own: dbt keeps what it has parsed in memory.
        try:
            run_in_subprocess(partial(_write_manifest, file))
        except WorkError as error:
            raise OrchestrateError(str(error)) from error
        for other in set(folder.glob("manifest-*.json")) - {file}:
            other.unlink(missing_ok=True)
    return cast("Manifest", json.loads(file.read_text(encoding="utf-8")))


def _write_manifest(file: Path) -> None:
    # Imported where it is needed: it takes seconds.
    from scripts.warehouse.dbt import Project

    os.chdir(ROOT)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    Project().manifest.writable_manifest().write(str(beside))
    beside.replace(file)
