"""Publish what the last green build has made: the function that the command, builds and replays call.

Usage:
    publication = publish(warehouse, Path("data/published"))
"""

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from scripts.history.recording import project_version, recorded_run
from scripts.load.contracts import read_contracts
from scripts.load.run import CONTRACTS_FOLDER
from scripts.publish import postgres_schemas
from scripts.publish.duckdb_files import write_files
from scripts.publish.manifest import Manifest, ReadTables, TableContent
from scripts.publish.spark_tags import remove_tags, tag_tables
from scripts.publish.tables import PublishedTable, Reader, published_tables
from scripts.publish.versions import (
    CURRENT,
    NotGreenError,
    PublishError,
    Versions,
    cannot_be_written,
)
from scripts.warehouse.base import Query, Warehouse
from scripts.warehouse.changes import GreenBuild, last_green_build, project_digest
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import PUBLISHED_SCHEMA, Target, setting
from scripts.warehouse.spark_warehouse import SparkWarehouse

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest as Project

_NOTHING_TO_PUBLISH = (
    "the last build is not green, or the project has changed since; build first: make build."
    " Readers keep what they have"
)


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
        file = self.manifest.readers[Reader.ANALYST].file
        if file:
            where = f"open {folder / CURRENT / file}"
        elif self.manifest.target == Target.SPARK:
            where = f"read its tables version as of '{self.manifest.version}'"
        else:
            where = f"have the schemas {PUBLISHED_SCHEMA}_*"
        return f"{how}: {self.manifest.version}; readers {where}"


def publish(
    warehouse: Warehouse,
    folder: Path,
    project: "Project | None" = None,
    keep: int | None = None,
) -> Publication:
    """Publish what the last build has made, unless that is what readers have already.

    Args:
        warehouse: what was built.
        folder: of the published versions.
        project: the dbt project of the working directory, parsed; None to parse it when it is needed.
        keep: how many versions stay besides the current one, at least 1; None for KEPT_VERSIONS.

    Raises:
        NotGreenError: the last build is not green, or is of another state of the project.
        PublishError: somebody else is publishing, the folder cannot be written, the project cannot be parsed, or KEPT_VERSIONS is not a number of versions.
            Readers keep what they have.
        duckdb.Error, psycopg2.Error: the warehouse cannot be read.
    """
    versions = Versions(folder)
    digest = project_digest(Path.cwd())
    if not warehouse.exists():
        raise NotGreenError(_NOTHING_TO_PUBLISH)
    # Whatever goes wrong from here on is recorded, but not that there was nothing to do.
    news = _unpublished(warehouse, versions, digest)
    with recorded_run("publish", warehouse.target, news.batch) if news else nullcontext():
        if keep is None:
            keep = kept_versions()
        with versions.locked():
            versions.remove_unfinished()
            _refuse_another_warehouse(warehouse, versions)
            if isinstance(warehouse, PostgresWarehouse):
                publication = _publish_schemas(warehouse, versions, project, digest)
            elif isinstance(warehouse, SparkWarehouse):
                writer = _tags_of(warehouse, digest)
                publication = _publish_version(warehouse, versions, project, digest, writer)
            else:
                assert isinstance(warehouse, DuckDBWarehouse)
                writer = _files_of(warehouse)
                publication = _publish_version(warehouse, versions, project, digest, writer)
            removed = versions.remove_old(keep)
            if removed and isinstance(warehouse, SparkWarehouse):
                remove_tags(warehouse, publication.manifest.tables, removed)
    return publication


def _unpublished(warehouse: Warehouse, versions: Versions, digest: str) -> GreenBuild | None:
    """The last build; None if readers have it."""
    with warehouse.opened() as query:
        build = _green_build(warehouse, query, digest)
        is_server = isinstance(warehouse, PostgresWarehouse)
        current = postgres_schemas.last_published(query) if is_server else versions.current()
    return None if current is not None and current.build == build.invocation else build


def kept_versions() -> int:
    """How many versions stay besides the current one if nobody says how many: KEPT_VERSIONS.

    Raises:
        PublishError: it is not a number of versions.
    """
    text = setting("KEPT_VERSIONS")
    if not (text.isdecimal() and int(text)):
        raise PublishError(
            f"KEPT_VERSIONS={text}: set it to a whole number of versions, at least 1"
        )
    return int(text)


def _refuse_another_warehouse(warehouse: Warehouse, versions: Versions) -> None:
    """A trial must not take the place of the files that people read; on Postgres, each database has its own tables."""
    current = versions.current()
    if current is None or current.warehouse == _label(warehouse, versions):
        return
    if not current.target == warehouse.target == Target.POSTGRES:
        raise PublishError(
            f"{versions.folder}: holds what was made from {current.warehouse};"
            " set PUBLISHED to another folder, or delete this one"
        )


def _label(warehouse: Warehouse, versions: Versions) -> str:
    if isinstance(warehouse, PostgresWarehouse):
        return warehouse.database.label
    if isinstance(warehouse, SparkWarehouse):
        return warehouse.label
    assert isinstance(warehouse, DuckDBWarehouse)
    # Not the whole path: a project with all its data may be moved.
    return os.path.relpath(warehouse.file.resolve(), versions.folder.resolve())


# What tables hold, and what each reader reads.
Written = tuple[dict[str, TableContent], dict[str, ReadTables]]
# Writes what the readers of a version have, given its tables, its folder, and its manifest so far.
Writer = Callable[[list[PublishedTable], Path, Manifest], Written]


def _publish_version(
    warehouse: Warehouse,
    versions: Versions,
    project: "Project | None",
    digest: str,
    write: Writer,
) -> Publication:
    """Publish as a version in the folder, which decides what is current."""
    current = versions.current()
    with warehouse.opened() as query:
        build = _green_build(warehouse, query, digest)
        if current is not None and current.build == build.invocation:
            return Publication(current, is_new=False)
        manifest = _new_manifest(query, warehouse, versions, build, digest, current)
    tables = published_tables(project or _parsed())
    with versions.new(manifest.version) as folder:
        contents, readers = write(tables, folder, manifest)
        manifest = replace(manifest, tables=contents, readers=readers)
        manifest.write(folder)
    return Publication(manifest, is_new=True)


def _files_of(warehouse: DuckDBWarehouse) -> Writer:
    def write(tables: list[PublishedTable], folder: Path, _: Manifest) -> Written:
        try:
            return write_files(warehouse, tables, folder)
        except duckdb.Error as error:
            # Otherwise it is about the warehouse.
            if str(folder) in str(error):
                raise cannot_be_written(folder.parent, error) from error
            raise

    return write


def _tags_of(warehouse: SparkWarehouse, digest: str) -> Writer:
    def write(tables: list[PublishedTable], _: Path, manifest: Manifest) -> Written:
        tagged = tag_tables(warehouse, tables, manifest.version)
        with warehouse.opened() as query:
            if _green_build(warehouse, query, digest).invocation != manifest.build:
                raise PublishError("another build has ended meanwhile; publish again")
        return tagged

    return write


def _publish_schemas(
    warehouse: PostgresWarehouse, versions: Versions, project: "Project | None", digest: str
) -> Publication:
    """The database decides what is published; the folder has only the manifest, which is written again if a killed publication has not."""
    with warehouse.opened() as query:
        build = _green_build(warehouse, query, digest)
        current = postgres_schemas.last_published(query)
    is_new = current is None or current.build != build.invocation
    if is_new:
        tables = published_tables(project or _parsed())

        def write(query: Query) -> Manifest:
            build = _green_build(warehouse, query, digest)
            manifest = _new_manifest(query, warehouse, versions, build, digest, current)
            # What another state of the project has written may have other masks, grants and fingerprints.
            is_same = current is not None and (current.project_digest, current.commit) == (
                digest,
                manifest.commit,
            )
            contents = postgres_schemas.write_schemas(
                warehouse, query, tables, current if is_same else None
            )
            manifest = replace(
                manifest,
                tables=contents,
                readers={reader: _read_on_server(reader, tables) for reader in Reader},
            )
            postgres_schemas.record(query, manifest, tables)
            return manifest

        current = postgres_schemas.in_transaction(warehouse, tables, write)
    assert current is not None
    shown = versions.current()
    if shown is None or shown.version != current.version:
        with versions.new(current.version) as folder:
            current.write(folder)
    return Publication(current, is_new)


def _green_build(warehouse: Warehouse, query: Query, digest: str) -> GreenBuild:
    build = last_green_build(warehouse, query, digest)
    if build is None:
        raise NotGreenError(_NOTHING_TO_PUBLISH)
    return build


def _new_manifest(
    query: Query,
    warehouse: Warehouse,
    versions: Versions,
    build: GreenBuild,
    digest: str,
    previous: Manifest | None,
) -> Manifest:
    """The manifest of a version that is still to be written."""
    now = datetime.now(UTC).replace(microsecond=0)
    return Manifest(
        version=versions.free_name(f"batch-{build.batch:04}-{now:%Y%m%dT%H%M%SZ}"),
        previous=previous.version if previous else None,
        batch_id=build.batch,
        published_at=now,
        build=build.invocation,
        accepted=list(build.accepted),
        commit=project_version(),
        warehouse=_label(warehouse, versions),
        target=str(warehouse.target),
        engine=str(query("select version()")[0][0]),
        project_digest=digest,
        feeds={feed.label: feed.fingerprint for feed in read_contracts(CONTRACTS_FOLDER).feeds},
        tables={},
        readers={},
    )


def _read_on_server(reader: Reader, tables: list[PublishedTable]) -> ReadTables:
    return ReadTables(
        None, None, None, [table.name for table in tables if table.is_read_by(reader)]
    )


def _parsed() -> "Project":
    # It takes seconds to import, and is not needed if nothing is published.
    from scripts.warehouse.dbt import Project, ProjectError

    try:
        return Project().manifest
    except ProjectError as error:
        raise PublishError(str(error)) from error
