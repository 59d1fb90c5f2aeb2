"""Publish what the last green build has made: the function that the command, builds and replays call.

Usage:
    publication = publish(warehouse, Path("data/published"))
"""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from scripts.load.contracts import read_contracts
from scripts.load.run import CONTRACTS_FOLDER
from scripts.publish.duckdb_files import write_files
from scripts.publish.manifest import Manifest
from scripts.publish.tables import published_tables
from scripts.publish.versions import CURRENT, NotGreenError, PublishError, Versions
from scripts.warehouse.base import Warehouse
from scripts.warehouse.changes import GreenBuild, last_green_build, project_digest
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse, with_advice

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest as Project

_NOTHING_TO_PUBLISH = (
    "the last build is not green, or the project has changed since; build first: make build."
    " Readers keep what they have"
)
# How many versions stay besides the current one, if nobody says how many.
KEPT_VERSIONS = 3


@dataclass(frozen=True)
class Publication:
    """What readers find now.

    Attributes:
        manifest: of the current version.
        is_new: it was published just now; otherwise it was there, and holds the last build.
    """

    manifest: Manifest
    is_new: bool

    def summary(self, folder: Path) -> str:
        """A line about it, given the folder of the published versions."""
        how = "published" if self.is_new else "published before"
        return f"{how}: {self.manifest.version}; readers open {folder / CURRENT / 'analyst.duckdb'}"


def publish(
    warehouse: Warehouse,
    folder: Path,
    project: "Project | None" = None,
    keep: int = KEPT_VERSIONS,
) -> Publication:
    """Publish what the last build has made, unless that is what readers have already.

    Args:
        warehouse: what was built.
        folder: of the published versions.
        project: the dbt project of the working directory, parsed; None to parse it when it is needed.
        keep: how many versions stay besides the current one; at least 1.

    Raises:
        NotGreenError: the last build is not green, or is of another state of the project.
        PublishError: somebody else is publishing, the folder cannot be written, or the project cannot be parsed. Readers keep what they have.
        duckdb.Error, psycopg2.Error: the warehouse cannot be read.
    """
    versions = Versions(folder)
    digest = project_digest(Path.cwd())
    if not warehouse.exists():
        raise NotGreenError(_NOTHING_TO_PUBLISH)
    with versions.locked():
        versions.remove_unfinished()
        with warehouse.opened() as query:
            build = last_green_build(query, digest)
        if build is None:
            raise NotGreenError(_NOTHING_TO_PUBLISH)
        manifest = versions.current()
        is_new = manifest is None or manifest.build != build.invocation
        if is_new:
            assert isinstance(warehouse, DuckDBWarehouse)
            manifest = _publish_files(warehouse, versions, project or _parsed(), build, digest)
        assert manifest is not None
        versions.remove_old(keep)
    return Publication(manifest, is_new)


def _publish_files(
    warehouse: DuckDBWarehouse,
    versions: Versions,
    project: "Project",
    build: GreenBuild,
    digest: str,
) -> Manifest:
    now = datetime.now(UTC).replace(microsecond=0)
    name = versions.free_name(f"batch-{build.batch:04}-{now:%Y%m%dT%H%M%SZ}")
    tables = published_tables(project)
    with versions.new(name) as folder:
        try:
            contents, readers = write_files(warehouse, tables, folder)
        except duckdb.IOException as error:
            raise PublishError(
                f"{folder.parent}: cannot be written: {with_advice(error)}"
            ) from error
        manifest = Manifest(
            version=name,
            previous=versions.current_name(),
            batch_id=build.batch,
            published_at=now,
            build=build.invocation,
            accepted=list(build.accepted),
            commit=_commit(),
            target=str(warehouse.target),
            engine=f"duckdb {duckdb.__version__}",
            project_digest=digest,
            feeds={feed.label: feed.fingerprint for feed in read_contracts(CONTRACTS_FOLDER).feeds},
            tables=contents,
            readers=readers,
        )
        manifest.write(folder)
    return manifest


def _parsed() -> "Project":
    # It takes seconds to import, and is not needed if nothing is published.
    from scripts.warehouse.dbt import Project, ProjectError

    try:
        return Project().manifest
    except ProjectError as error:
        raise PublishError(str(error)) from error


def _commit() -> str | None:
    """The commit of the project in the working directory; None if it is not a clone, or there is no Git."""
    try:
        said = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return said.stdout.strip() or None
