"""The files that dbt writes when it reads the project.

Usage:
    manifest = json.loads(current_artifact("manifest.json", ["models"]).read_text())
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path


class ArtifactError(Exception):
    """A file of dbt cannot be had: says what to do."""


def artifact(name: str) -> Path:
    """Where dbt writes a file, whether it is there or not."""
    return Path(os.environ.get("DBT_TARGET_PATH") or "target") / name


def log_folder() -> Path:
    """Where dbt writes its log, whether it is there or not."""
    return Path(os.environ.get("DBT_LOG_PATH") or "logs")


def current_artifact(name: str, declared: Iterable[str]) -> Path:
    """The file of the dbt project in the working directory; the project is read again if the file is missing, or older than a declaration.

    Args:
        name: of the file.
        declared: files, and folders of YAML, that decide what is in it.

    Raises:
        ArtifactError: this is not the folder of the project, or it cannot be parsed.
    """
    file = artifact(name)
    changes = [path.stat().st_mtime for place in declared for path in _yaml(Path(place))]
    if not changes:
        raise ArtifactError(
            f"no {next(iter(declared))} here; run this in the folder of the project"
        )
    if not file.exists() or file.stat().st_mtime < max(changes):
        # It takes seconds to import, and most of the time it is not needed.
        from scripts.warehouse.dbt import run_dbt

        parsed = run_dbt("parse")
        if not parsed.outcome.success:
            raise ArtifactError(f"the project cannot be parsed: {parsed.problem}")
    return file


def _yaml(place: Path) -> Iterator[Path]:
    return iter([place]) if place.is_file() else place.rglob("*.yml")
