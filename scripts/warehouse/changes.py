"""What has landed since the last green build, and what has to be built and tested for it.

Usage:
    digest = project_digest(ROOT)
    changes = landed_since_last_build(warehouse, digest)
    if changes is None:                       nothing is known: build and test everything
    elif changes.batches:
        work = affected_work(manifest, changes)

Each build writes down in the warehouse what the lake held when it began (`operations.last_build`, see the macro `prepare_record`); a build of everything
that has news is marked when it is green, with a digest of the project. As long as the project is the same, only what lies downstream of feeds that have
moved since can change.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg2.errors

from scripts.warehouse.base import Query, Warehouse
from scripts.warehouse.settings import setting
from scripts.warehouse.spark_warehouse import SparkNotFoundError

if TYPE_CHECKING:
    # To find that nothing has moved, dbt is not needed, and it takes seconds to import.
    from dbt.contracts.graph.manifest import Manifest

# What decides, besides the lake, which rows a build makes.
_FILES = ("dbt_project.yml", "profiles/profiles.yml")
_FOLDERS = ("macros", "models", "seeds", "snapshots", "tests/generic", "tests/singular")
_PACKAGES = ("dbt-core", "dbt-duckdb", "dbt-postgres", "dbt-spark", "duckdb", "pyspark")

_LAST_BUILD = (
    "select feed, batch_id, digest, project_digest, relations_digest, accepted_tests"
    " from operations.last_build"
)
_GREEN_BUILD = """
    select invocation_id, coalesce(accepted_tests, ''), project_digest, relations_digest, max(batch_id)
    from operations.last_build where feed = 'control.batch_date' group by 1, 2, 3, 4
"""
_FAILED_FILES = "select count(*) from staging.stg_control__load_log where status = 'failed'"
_LAKE = "select feed, batch_id, digest from operations.lake_batches"
# There is no record yet, it is of another version, or somebody has dropped a part of it.
_NOT_THERE = (
    duckdb.CatalogException,
    duckdb.BinderException,
    psycopg2.errors.UndefinedTable,
    psycopg2.errors.UndefinedColumn,
    SparkNotFoundError,
)

# The digest of what has landed, by feed and batch.
Landed = dict[tuple[str, int], str]

# What is recorded about loads and runs: it is no news by itself, because each load and run is recorded.
_MOVE_WITH_OTHERS = ("control.", "operations.")
# What models say about a batch.
_SCORES = "learn."
# It comes with every batch, but a table of the raw vault has news only if a feed has that it takes rows of.
_DATES = "control.batch_date"


@dataclass(frozen=True)
class Changes:
    """What has landed, changed or gone since the last green build.

    Attributes:
        batches: numbers of batches by the label of their feed; empty if nothing has moved.
        are_next: all of them are later than everything built, or scores, so other rows of earlier batches are as they were tested.
        landed: all that the lake holds, moved or not.
    """

    batches: dict[str, set[int]]
    are_next: bool
    landed: Landed = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class GreenBuild:
    """A build that left nothing undone.

    Attributes:
        invocation: the invocation of dbt that has built.
        batch: the last batch that it holds.
        accepted: tests that are red and were accepted.
    """

    invocation: str
    batch: int
    accepted: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """The names of the nodes that have news.

    Attributes:
        built: tables, snapshots, and views over tables.
        tested: data tests.
    """

    built: frozenset[str]
    tested: frozenset[str]


def project_digest(project: Path) -> str:
    """A SHA-256, in hexadecimal digits, of everything besides the lake that decides which rows a build makes."""
    digest = hashlib.sha256()
    for path in _project_files(project):
        digest.update(f"{path.relative_to(project)}\n".encode() + path.read_bytes())
    # Views hold the path of the lake.
    settings = [*_versions(), setting("LAKE").rstrip("/"), setting("DBT_TARGET")]
    digest.update("\n".join(settings).encode())
    return digest.hexdigest()


def _project_files(project: Path) -> Iterator[Path]:
    for name in _FILES:
        yield project / name
    for folder in _FOLDERS:
        yield from sorted(path for path in (project / folder).rglob("*") if path.is_file())


def _versions() -> Iterator[str]:
    for package in _PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


def landed_since_last_build(warehouse: Warehouse, digest: str) -> Changes | None:
    """What the lake holds and the last build did not, or the other way round.

    Args:
        warehouse: it need not exist.
        digest: see `project_digest`.

    Returns:
        None if the last build was not green without exception, was not of everything, was made by another state of the project, or left other tables than there are now;
        and as long as the loader could not read a file, because then no build can be green.
    """
    if not warehouse.exists():
        return None
    with warehouse.opened() as query, suppress(*_NOT_THERE):
        last_build = query(_LAST_BUILD)
        for statement in warehouse.opening_the_lake:
            query(statement)
        marks = {tuple(mark) for _, _, _, *mark in last_build}
        if marks == {(digest, _relations_digest(warehouse, query), None)} and not _has_failed_file(
            query
        ):
            return _compare({(feed, batch): state for feed, batch, state, *_ in last_build}, query)
    return None


def last_green_build(warehouse: Warehouse, query: Query, digest: str) -> GreenBuild | None:
    """The last build, if all of it was green or accepted, by this state of the project, and its tables are all there.

    Args:
        warehouse: it exists.
        query: of it.
        digest: see `project_digest`.
    """
    with suppress(*_NOT_THERE):
        for invocation, accepted, *mark, batch in query(_GREEN_BUILD):
            if mark == [digest, _relations_digest(warehouse, query)]:
                return GreenBuild(invocation, batch, tuple(accepted.split()))
    return None


def recorded_batches(warehouse: Warehouse) -> Landed:
    """What the lake held when dbt began the last build."""
    with warehouse.opened() as query:
        return {(feed, batch): digest for feed, batch, digest, *_ in query(_LAST_BUILD)}


def relations_digest(warehouse: Warehouse) -> str:
    """A SHA-256, in hexadecimal digits, of the names of the tables and views that a build has left in the warehouse."""
    with warehouse.opened() as query:
        return _relations_digest(warehouse, query)


def _relations_digest(warehouse: Warehouse, query: Query) -> str:
    names = [name for name in warehouse.relations(query) if not name.startswith("operations.")]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _has_failed_file(query: Query) -> bool:
    """Whether the load log names a file that could not be read; it has landed nothing, so nothing has moved."""
    return bool(query(_FAILED_FILES)[0][0])


def _compare(built: Landed, query: Query) -> Changes:
    landed = {(feed, batch): state for feed, batch, state in query(_LAKE)}
    moved = {key for key in built.keys() | landed.keys() if built.get(key) != landed.get(key)}
    # The date of a batch decides when its rows of all feeds count.
    dated = {batch for feed, batch in moved if feed == _DATES}
    moved |= {(feed, batch) for feed, batch in landed if batch in dated}
    batches: dict[str, set[int]] = {}
    for feed, batch in moved:
        batches.setdefault(feed, set()).add(batch)
    last_built = max((batch for _, batch in built), default=0)
    # The scores of a batch come after it: they are tested with their batch, and rows of others are as they were.
    are_next = all(batch > last_built for feed, batch in moved if not feed.startswith(_SCORES))
    return Changes(batches, are_next, landed)


def affected_work(manifest: "Manifest", changes: Changes) -> Work:
    """The tables, views, snapshots and data tests downstream of feeds that have moved.

    Seeds and views over sources stay as they are as long as the project does. A view over a table is built again: when Postgres replaces the table, the
    view goes with the old one. Load log, quarantine and run history count as moved whenever a feed
    has; a test that only looks something up in them has no news of it.
    """
    graph = _Graph(manifest, frozenset(changes.batches))
    built, tested = [], []
    for node in manifest.nodes.values():
        kind = str(node.resource_type)
        if kind == "test" and graph.is_to_be_tested(node):
            tested.append(node.name)
        elif (
            kind == "snapshot" or (kind == "model" and graph.changes_with_its_inputs(node))
        ) and graph.is_affected(node.unique_id):
            built.append(node.name)
    return Work(frozenset(built), frozenset(tested))


class _Graph:
    """The lineage of a project, and which of it lies downstream of some feeds."""

    def __init__(self, manifest: "Manifest", moved: frozenset[str]) -> None:
        self._nodes = manifest.nodes
        self._labels = {
            key: f"{source.source_name}.{source.name}" for key, source in manifest.sources.items()
        }
        self._moved = moved
        self.is_affected = cache(self._is_affected)
        self._feeds = cache(self._find_feeds)

    def changes_with_its_inputs(self, model: Any) -> bool:
        """Whether it is something that a build leaves in the warehouse, and not a view over sources alone."""
        kind = model.config.materialized
        return kind != "ephemeral" and (kind != "view" or self._reads_a_table(model))

    def _reads_a_table(self, node: Any) -> bool:
        parents = [self._nodes[key] for key in self._parents(node) if key in self._nodes]
        return any(
            parent.config.materialized not in ("view", "ephemeral") or self._reads_a_table(parent)
            for parent in parents
        )

    def is_to_be_tested(self, test: Any) -> bool:
        parents = self._parents(test)
        others = [key for key in parents if not self._moves_with_others(key)]
        return any(map(self.is_affected, others or parents))

    def _is_affected(self, key: str) -> bool:
        if key in self._labels:
            return (
                bool(self._moved)
                if self._moves_with_others(key)
                else self._labels[key] in self._moved
            )
        node = self._nodes.get(key)
        if node is None:
            return False
        if "raw_vault" in node.fqn and node.config.materialized == "incremental":
            feeds = self._feeds(key)
            return bool((feeds - {_DATES} or feeds) & self._moved)
        return any(map(self.is_affected, self._parents(node)))

    def _find_feeds(self, key: str) -> frozenset[str]:
        """The labels of all sources that a node is made from."""
        if key in self._labels:
            return frozenset({self._labels[key]})
        parents = self._parents(self._nodes[key]) if key in self._nodes else []
        return frozenset().union(*map(self._feeds, parents))

    def _moves_with_others(self, key: str) -> bool:
        return self._labels.get(key, "").startswith(_MOVE_WITH_OTHERS)

    def _parents(self, node: Any) -> list[str]:
        return [key for key in node.depends_on_nodes if not key.startswith("macro.")]
