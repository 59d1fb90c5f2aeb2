"""Checks of the places: who holds the warehouse file, space on disk, what is published."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scripts.history.records import RecordedRun
from scripts.monitor.redaction import program_of
from scripts.monitor.registry import Seen, Severity, check
from scripts.monitor.sight import Sight
from scripts.warehouse import processes
from scripts.warehouse.settings import Target


@check(
    "warehouse_held",
    Severity.WARNING,
    "another program than a running build has the warehouse file open",
    "close it, or end its process: it keeps builds out; read published versions instead",
)
def warehouse_held(sight: Sight) -> Iterator[Seen]:
    """Over when it closes the file. A build that is recorded may hold it."""
    memory = sight.remembered("warehouse_held")
    file = sight.places.warehouse
    holders = processes.holders_of(file) if sight.places.target == Target.DUCKDB else []
    ours = {
        process.process_id
        for run in sight.running
        if run.started.host == sight.host
        for process in processes.tree_of(run.started.process_id)
    }
    others = {}
    for holder in holders:
        process = processes.read_process(holder.process_id)
        if process and holder.process_id not in ours:
            others[f"{holder.process_id}.{process.started}"] = holder
    for key in memory.keys() - others.keys():
        del memory[key]
    for key, holder in others.items():
        since = datetime.fromisoformat(memory.setdefault(key, sight.now.isoformat()))
        seconds = (sight.now - since).total_seconds()
        if seconds > sight.thresholds["warehouse"]["held_seconds"]:
            yield Seen(
                f"{file} by process {holder.process_id}",
                f"{file} has been held for {seconds:.0f} s by process {holder.process_id}"
                f" ({'writes' if holder.writes else 'reads'}): {program_of(holder.command) or 'its command is not known'}",
            )


@check(
    "disk_full",
    Severity.WARNING,
    "a file system of lake, warehouse, published versions or records is nearly full",
    "remove what is not needed, or give it more space, before the next run",
)
def disk_full(sight: Sight) -> Iterator[Seen]:
    """Over when there is space again. Each file system is named once, with all that is on it."""
    limits = sight.thresholds["disk"]
    for disk in disks(sight):
        is_critical = disk.free_bytes < limits["critical_share"] * disk.bytes
        is_low = (
            disk.free_bytes < limits["free_share"] * disk.bytes
            and disk.free_bytes < limits["free_bytes"]
        )
        lacks_files = disk.files and disk.free_files < limits["free_files_share"] * disk.files
        if is_low or lacks_files:
            what = (
                f"{disk.free_bytes / 1e9:,.1f} of {disk.bytes / 1e9:,.1f} GB are free"
                if is_low
                else f"{disk.free_files:,} of {disk.files:,} files can still be created"
            )
            yield Seen(
                ", ".join(disk.names),
                f"{', '.join(disk.names)} ({disk.path}): {what}",
                Severity.CRITICAL if is_low and is_critical else None,
            )


@check(
    "published_broken",
    Severity.CRITICAL,
    "readers find no whole version in `current`",
    "publish again: python -m scripts.publish",
)
def published_broken(sight: Sight) -> Iterator[Seen]:
    """Over when `current` is whole again. Silent as long as nothing was ever published."""
    if sight.publication and sight.publication.problem:
        yield Seen("current", sight.publication.problem)


@check(
    "published_stale",
    Severity.WARNING,
    "readers see an older version than the last green build, or one that is too old",
    "see why it was not published; then: python -m scripts.publish",
)
def published_stale(sight: Sight) -> Iterator[Seen]:
    """Over when a newer version is published. Builds that had nothing to do are no reason for a new version."""
    publication = sight.publication
    if publication is None or publication.published_at is None:
        return
    limits = sight.thresholds["published"]
    version = f"version {publication.version} of {publication.published_at:%Y-%m-%d %H:%M:%S}"
    age = (sight.now - publication.published_at).total_seconds()
    build = _last_green_build(sight)
    if build and build.ended and build.started.started_at > publication.published_at:
        waited = (sight.now - build.ended.ended_at).total_seconds()
        if waited > limits["grace_seconds"]:
            yield Seen(
                "current",
                f"{version} is still published; a build has been green since {build.ended.ended_at:%Y-%m-%d %H:%M:%S}",
            )
            return
    if age > limits["oldest_seconds"]:
        yield Seen("current", f"{version} is {age / 86400:.1f} days old")


def _last_green_build(sight: Sight) -> RecordedRun | None:
    """The last successful build that ran a node of dbt, itself or in a run that it started."""
    parents = {run.started.run_id: run.started.parent_run_id for run in sight.runs}
    worked = set()
    for run in sight.runs:
        run_id: str | None = run.started.run_id
        while run_id and run.ended and run.ended.nodes_failed is not None:
            worked.add(run_id)
            run_id = parents.get(run_id)
    green = [
        run
        for run in sight.runs
        if run.started.kind in sight.thresholds["runs"]["finishing_kinds"]
        and run.started.parent_run_id is None
        and run.started.run_id in worked
        and run.ended
        and run.ended.status == "success"
    ]
    return green[-1] if green else None


@dataclass(frozen=True)
class Disk:
    """A file system.

    Attributes:
        names: what is on it.
        path: where it is.
        bytes: its size.
        free_bytes: what others than root may still write.
        files: how many files it can hold; 0 if it has no limit.
        free_files: how many can still be created.
    """

    names: tuple[str, ...]
    path: Path
    bytes: int
    free_bytes: int
    files: int
    free_files: int


def disks(sight: Sight) -> list[Disk]:
    """The file systems of lake, warehouse, published versions and records, each once; object stores have none."""
    places = sight.places
    paths = {
        "warehouse": places.warehouse.parent if places.target == Target.DUCKDB else None,
        "lake": None if "://" in places.lake else Path(places.lake),
        "published": places.published,
        "runs": places.runs,
    }
    found: dict[int, tuple[list[str], Path]] = {}
    for name, path in paths.items():
        if path is not None:
            there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
            found.setdefault(there.stat().st_dev, ([], there))[0].append(name)
    disks = []
    for names, path in found.values():
        status = os.statvfs(path)
        size, free = status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize
        disks.append(Disk(tuple(names), path, size, free, status.f_files, status.f_favail))
    return disks
