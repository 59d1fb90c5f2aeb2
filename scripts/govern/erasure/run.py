"""Erase persons from everything, in steps that can be repeated.

Usage:
    erasure = Erasure.of_environment(target)
    plan = erasure.plan(customers=["17"], prospects=[])         changes nothing
    outcome = erasure.run(customers=["17"], prospects=[])       or goes on with what was killed
    print(outcome.certificate, outcome.problems)

The lake first, then everything that is made from it: the warehouse is a function of the lake, so it is built again where the persons were, and not searched for places to change.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scripts.govern.erasure.journal import JOURNAL, Journal, JournalError
from scripts.govern.erasure.lake import erase_from_lake
from scripts.govern.erasure.persons import Persons, find_listed, find_persons
from scripts.govern.erasure.search import Search
from scripts.govern.erasure.stores import (
    Stores,
    cut_out_of_texts,
    places_with_values,
    remove_shares,
)
from scripts.govern.register import CUSTOMER, FOLDER, PROSPECT, Register, RegisterError
from scripts.history.recording import OpenRun, project_version
from scripts.history.records import RecordError
from scripts.load.connection import opened
from scripts.load.contracts import ContractError, Contracts, read_contracts
from scripts.load.lake import Lake, LakeError
from scripts.load.postgres import copy_lake
from scripts.load.run import CONTRACTS_FOLDER
from scripts.load.suppression import MARK, VALUE, Suppression
from scripts.orchestrate.project import instance_folder
from scripts.publish.run import publish
from scripts.publish.versions import PublishError, Versions
from scripts.share.deliveries import REVOKE, read_deliveries
from scripts.warehouse.artifacts import artifact, log_folder
from scripts.warehouse.base import ErasableWarehouse, Query, Warehouse
from scripts.warehouse.changes import recorded_batches
from scripts.warehouse.clock import utc_now
from scripts.warehouse.engines import UNUSABLE, from_environment
from scripts.warehouse.files import open_locked, write_private
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import ROOT, ConnectionSettings, Target, setting

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest as Project

    from scripts.warehouse.builder import Builder

CERTIFICATES = "certificates"
_AUDIT = "select check_number, coalesce(batch_id, 0), check_name, result from quality.audit_results"

OnStep = Callable[[str], None]


class ErasureError(Exception):
    """Persons cannot be erased, or not to the end: says why and what to do."""


class RefusedError(ErasureError):
    """Nothing was begun: says why and what to do."""


# Why an erasure may not come to its end; the same command goes on.
ERRORS: tuple[type[Exception], ...] = (
    ErasureError,
    JournalError,
    RegisterError,
    ContractError,
    LakeError,
    PublishError,
    RecordError,
    OSError,
    *UNUSABLE,
)


def has_begun() -> bool:
    """Whether an erasure has begun and not ended."""
    return (Path(setting("ERASURES")) / JOURNAL).exists()


@dataclass(frozen=True)
class Outcome:
    """What an erasure has come to.

    Attributes:
        certificate: its file; None if it has not ended.
        problems: what is still to be done; empty if nothing is left of the persons.
        summary: what the certificate says.
    """

    certificate: Path | None
    problems: list[str]
    summary: dict[str, Any]


@dataclass(frozen=True)
class Erasure:
    """Erases persons from a lake, a warehouse, and all that was made of them.

    Attributes:
        stores: where they are.
        register: what is personal, and who is under a legal hold.
        contracts: the feeds.
    """

    stores: Stores
    register: Register
    contracts: Contracts

    @classmethod
    def of_environment(cls, target: Target) -> Self:
        """With the places that the variables name.

        Raises:
            RefusedError: persons cannot be erased on this engine.
            RegisterError, ContractError, LakeError, PostgresError: one of them cannot be used.
        """
        warehouse = from_environment(target)
        if not isinstance(warehouse, ErasableWarehouse):
            raise RefusedError(
                f"persons cannot be erased on {target}; this works on DuckDB and Postgres"
            )
        stores = Stores(
            lake=Lake(setting("LAKE")),
            warehouse=warehouse,
            published=Path(setting("PUBLISHED")),
            shares=Path(setting("SHARES")),
            texts=(
                Path(setting("RUNS")),
                log_folder(),
                artifact("manifest.json").parent,
                instance_folder(),
            ),
            erasures=Path(setting("ERASURES")),
        )
        return cls(stores, Register.read(ROOT / FOLDER), read_contracts(CONTRACTS_FOLDER))

    def plan(self, customers: Collection[str], prospects: Collection[str]) -> dict[str, Any]:
        """What would be erased; changes nothing.

        Raises:
            RefusedError: nobody is named, or there is nothing to erase from.
            PersonError: somebody must not or cannot be erased.
        """
        persons = self._find(customers, prospects)
        return {
            "accounts": len(persons.keys["account"]),
            "prospects": len(persons.keys[PROSPECT]),
            "rows": persons.rows,
            "values_searched": len(persons.values),
            "versions_removed": len(Versions(self.stores.published).names()),
            "to_be_told": _to_be_told(),
        }

    def run(
        self,
        customers: Collection[str],
        prospects: Collection[str],
        run: OpenRun | None = None,
        on_step: OnStep = lambda _: None,
        *,
        is_again: bool = False,
    ) -> Outcome:
        """Erase persons, or go on with an erasure that did not end.

        Args:
            customers: their numbers.
            prospects: their keys.
            run: where the nodes of dbt are recorded.
            on_step: called with the name of each step before it.
            is_again: all who are on the list, because something was restored from a backup. Of their values, those are known, and searched for, that the lake has again.

        Raises:
            RefusedError: nobody is named, there is nothing to erase from, another erasure is going on, or one of other persons has not ended.
            PersonError: somebody must not or cannot be erased.
            LakeError, PublishError, ProjectError, PostgresError, duckdb.Error, psycopg2.Error, OSError: a step failed; the same command goes on from there.
        """
        with self._locked():
            journal = self._journal(customers, prospects, is_again)
            steps = _Steps(self, journal, run)
            for name, step in steps.all.items():
                if not journal.is_done(name):
                    on_step(name)
                    started = time.perf_counter()
                    outcome = step()
                    seconds = round(time.perf_counter() - started, 1)
                    journal.record(name, {"seconds": seconds, "outcome": outcome})
            on_step("search")
            return steps.finish()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.stores.erasures.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            lock = open_locked(self.stores.erasures / ".erase.lock")
        except BlockingIOError as error:
            raise RefusedError("another erasure is going on; wait for it to end") from error
        with lock:
            yield

    def _find(self, customers: Collection[str], prospects: Collection[str]) -> Persons:
        if not (customers or prospects):
            raise RefusedError(
                "name whom to erase: --customer ID, --prospect KEY; each as often as you like"
            )
        if not self.stores.warehouse.exists():
            raise RefusedError("there is no warehouse yet; build it first: make build")
        self._refuse_unbuilt()
        return find_persons(
            self.stores.lake,
            self.contracts,
            self.register,
            self.stores.warehouse,
            customers,
            prospects,
        )

    def _refuse_unbuilt(self) -> None:
        """The warehouse knows which prospects are the same person, so it must have what the lake has."""
        built, lake = recorded_batches(self.stores.warehouse), self.stores.lake
        for feed in self.contracts.feeds:
            for batch in lake.batches_of(feed.system, feed.name):
                if (feed.label, batch) not in built and lake.has_landed(
                    feed.system, feed.name, batch
                ):
                    raise RefusedError(
                        f"batch {batch} of {feed.label} has landed and is not built yet; build first: make build"
                    )

    def _journal(
        self, customers: Collection[str], prospects: Collection[str], is_again: bool
    ) -> Journal:
        """The one of what has not ended, or a new one."""
        found = Journal.read(self.stores.erasures)
        if found is not None:
            asked = ((CUSTOMER, customers), (PROSPECT, prospects))
            is_theirs = all({*keys} <= {*found.keys[kind]} for kind, keys in asked)
            if is_again or not is_theirs:
                raise RefusedError(
                    "an earlier erasure has not ended: go on with it first, with `erase` and no names"
                )
            return found
        if is_again:
            return self._journal_of_all()
        return self._begun(self._find(customers, prospects))

    def _journal_of_all(self) -> Journal:
        """One for all who are on the list."""
        listed = Suppression.read(self.stores.erasures)
        if listed is None:
            raise RefusedError(f"nobody is on the list of erased persons in {self.stores.erasures}")
        persons = find_listed(self.stores.lake, self.contracts, self.register, listed)
        return self._begun(persons)

    def _begun(self, persons: Persons) -> Journal:
        now = utc_now()
        journal = Journal(
            folder=self.stores.erasures,
            certificate=f"erasure-{now:%Y%m%dT%H%M%SZ}",
            began_at=now.isoformat(timespec="seconds"),
            keys={kind: sorted(each) for kind, each in persons.keys.items()},
            values=sorted(persons.values),
            rows=persons.rows,
            audit=_audit(self.stores.warehouse),
        )
        journal.write()
        return journal


@dataclass
class _Steps:
    """The steps of an erasure."""

    erasure: Erasure
    journal: Journal
    run: OpenRun | None
    project: "Project | None" = None
    _problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stores = self.erasure.stores
        self.search = Search(self.journal.values)
        self.all: dict[str, Callable[[], Any]] = {
            "suppress": self.suppress,
            "lake": self.erase_lake,
            "texts": self.cut_out_of_texts,
            "copy": self.copy_lake,
            "build": self.build,
            "publish": self.publish,
            "shares": lambda: remove_shares(self.stores.shares, self.search),
            "compact": self.compact,
        }

    def suppress(self) -> int:
        """Add the persons to the list that each load asks."""
        known = Suppression.to_extend(self.stores.erasures)
        known.extended(self.journal.keys | {VALUE: self.journal.values}).write(self.stores.erasures)
        self.stores.lake.write_mark(MARK, known.key_id)
        return sum(map(len, self.journal.keys.values()))

    def erase_lake(self) -> dict[str, list[int]]:
        """Write the files of the lake again; returns the batches by feed."""
        lake = self.stores.lake
        rewritten: dict[str, list[int]] = {}
        is_continued = self.journal.is_done("lake begun")
        self.journal.record("lake begun")
        with lake.locked():
            for contracts in (self.erasure.contracts, *self.erasure.contracts.apart):
                for erased in erase_from_lake(
                    Lake(lake.uri, contracts.logs),
                    contracts,
                    self.erasure.register,
                    self.suppression,
                    self.search,
                    is_continued=is_continued,
                ):
                    rewritten.setdefault(erased.feed.label, []).append(erased.batch)
        return rewritten

    def cut_out_of_texts(self) -> list[str]:
        """Cut the values out of run history, logs and artifacts of dbt."""
        return cut_out_of_texts(self.stores.texts, self.search)

    def copy_lake(self) -> int:
        """Copy to Postgres what was written again."""
        if not isinstance(self.stores.warehouse, PostgresWarehouse):
            return 0
        lake = self.stores.lake
        with opened(ConnectionSettings.from_environment()) as connection, lake.locked():
            return sum(
                len(copy_lake(Lake(lake.uri, each.logs), connection, each, each.feeds, ()))
                for each in (self.erasure.contracts, *self.erasure.contracts.apart)
            )

    def _replace_in_snapshots(self, project: "Project") -> int:
        """Replace in snapshots what was published of the persons: no build makes these rows again."""
        with self.stores.warehouse.changed() as query:
            return sum(
                _replace_in_snapshot(self.stores.warehouse, query, node, self.suppression)
                for node in _snapshots(project)
            )

    def build(self) -> dict[str, Any]:
        """Build and test again what lies downstream of the rows that have changed."""
        # Imported when it is needed: it takes seconds.
        from scripts.warehouse.builder import Builder
        from scripts.warehouse.dbt import ProjectError

        try:
            return self._build(Builder(self.stores.warehouse))
        except ProjectError as error:
            raise ErasureError(str(error)) from error

    def _build(self, builder: "Builder") -> dict[str, Any]:
        rows_of_snapshots = self._replace_in_snapshots(builder.manifest)
        builder.begin(run=self.run, rewritten=self._rewritten)
        builder.build_and_test("erase: build")
        builder.finish()
        self.project = builder.manifest
        return {
            "rows_of_snapshots": rows_of_snapshots,
            "audit_checks_moved": _moved(self.journal.audit, _audit(self.stores.warehouse)),
        }

    def publish(self) -> str:
        """Publish what was built."""
        publication = publish(self.stores.warehouse, self.stores.published, self.project)
        return publication.manifest.version

    def compact(self) -> None:
        """Write anew what may still have the values between its rows."""
        _close_dbt()
        self.stores.warehouse.compact(list(self._tables_with_deleted_rows()))

    def finish(self) -> Outcome:
        """Remove older versions, search everything, and write the certificate if nothing is left."""
        _close_dbt()
        # An error of a run that did not get to its end may have quoted one.
        self.cut_out_of_texts()
        versions = Versions(self.stores.published)
        with versions.locked():
            versions.remove_unfinished()
            left = versions.remove_others()
        problems = [
            f"{self.stores.published / name}: a program has it open; when it is closed, run `erase` again"
            for name in left
        ]
        started = time.perf_counter()
        problems += [
            f"{place}: still has a value of an erased person"
            for place in places_with_values(self.stores, self.search)
            if not any(name in place for name in left)
        ]
        summary = self._summary(round(time.perf_counter() - started, 1))
        if problems:
            if len(problems) > len(left):
                self.journal.forget_all_but("suppress", "lake begun")
            return Outcome(None, problems, summary)
        path = self.stores.erasures / CERTIFICATES / f"{self.journal.certificate}.json"
        write_private(path, json.dumps(summary, indent=2) + "\n")
        self.journal.end()
        return Outcome(path, [], summary)

    @property
    def suppression(self) -> Suppression:
        """Who is erased, as the list has it."""
        found = Suppression.read(self.stores.erasures)
        assert found is not None
        return found

    @property
    def _rewritten(self) -> dict[str, set[int]]:
        """Batches by feed; what a run that was killed has written again is not known, so they are all that the persons are in."""
        found = {
            feed: set(self.stores.lake.batches_of(*feed.split("."))) - {0}
            for feed in (*self.journal.rows, *self.journal.steps["lake"]["outcome"])
        }
        return {feed: batches for feed, batches in found.items() if batches}

    def _tables_with_deleted_rows(self) -> Iterator[str]:
        """On Postgres: every table of which rows were deleted or changed since its statistics were reset; among them those with rows of the persons."""
        if not isinstance(self.stores.warehouse, PostgresWarehouse):
            return
        with self.stores.warehouse.opened() as query:
            changed = query(
                "select schemaname, relname from pg_stat_user_tables where n_tup_del + n_tup_upd > 0 order by 1, 2"
            )
        yield from (f"{schema}.{table}" for schema, table in changed)

    def _summary(self, search_seconds: float) -> dict[str, Any]:
        """What the certificate says; no value and no telling key of anybody."""
        suppression = self.suppression
        keys = self.journal.keys
        steps = self.journal.steps
        return {
            "certificate": self.journal.certificate,
            "began_at": self.journal.began_at,
            "ended_at": utc_now().isoformat(timespec="seconds"),
            "project_version": project_version(),
            "warehouse": self.stores.warehouse.target,
            "customers": keys["customer"],
            "accounts": keys["account"],
            "prospects": [suppression.pseudonym(PROSPECT, key) for key in keys[PROSPECT]],
            "rows": self.journal.rows,
            "files_of_the_lake": steps["lake"]["outcome"],
            "texts_changed": len(steps["texts"]["outcome"]),
            **steps["build"]["outcome"],
            "published": steps["publish"]["outcome"],
            "shares_removed": steps["shares"]["outcome"],
            "to_be_told": _to_be_told(),
            "values_searched": len(self.journal.values),
            "places_with_values": 0,
            "not_reached": [
                "source files (the list of erased persons keeps what they say from landing again)",
                "backups, and on Postgres the write-ahead log and replicas that keep it",
                "copies that recipients of shares have, and versions at a destination until the share is delivered again",
                "logs that other programs keep of what the commands print",
            ],
            "seconds": {name: step["seconds"] for name, step in steps.items() if step is not None}
            | {"search": search_seconds},
        }


def _audit(warehouse: Warehouse) -> dict[str, str]:
    """The result of each check of the audit, by number, batch and name."""
    rows = warehouse.query(_AUDIT)
    return {f"{number} batch {batch} {name}": result for number, batch, name, result in rows}


def _moved(before: dict[str, str], now: dict[str, str]) -> dict[str, dict[str, str]]:
    """The checks with another result."""
    return {
        check: {"before": before.get(check, "none"), "now": result}
        for check, result in now.items()
        if before.get(check) != result
    }


def _to_be_told() -> list[dict[str, Any]]:
    """Who was given what, of all that can have rows of clients or prospects; who was revoked has it nevertheless."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for each in read_deliveries():
        if each.action == REVOKE:
            continue
        entry = found.setdefault(
            (each.recipient, each.share),
            {
                "recipient": each.recipient,
                "share": each.share,
                "tables": [],
                "personal_columns": [],
            },
        )
        entry["last_given_at"] = each.delivered_at.isoformat(timespec="seconds")
        for name, value in (
            ("tables", each.source_table),
            ("personal_columns", each.personal_columns),
        ):
            if value and value not in entry[name]:
                entry[name].append(value)
    return list(found.values())


def _snapshots(project: "Project") -> Iterator[Any]:
    for node in project.nodes.values():
        if str(node.resource_type) == "snapshot":
            yield node


def _replace_in_snapshot(
    warehouse: ErasableWarehouse, query: Query, node: Any, suppression: Suppression
) -> int:
    """Replace keys that tell something, what was made of them, and all texts in their rows; returns the number of rows."""
    relation = f'"{node.schema}"."{node.alias}"'
    key = node.config.unique_key
    known = warehouse.all_tables(query)
    if f"{node.schema}.{node.alias}" not in known or not isinstance(key, str):
        return 0
    names = node.config.snapshot_meta_column_names
    row_id, row_time = names.dbt_scd_id or "dbt_scd_id", names.dbt_updated_at or "dbt_updated_at"
    emptied = "".join(
        f', "{name}" = null'
        for name, kind in warehouse.column_types(query, relation).items()
        if "char" in kind.lower() and name not in (key, row_id)
    )
    keys = [str(each) for (each,) in query(f'select distinct "{key}" from {relation}')]
    warehouse.drop_foreign_keys(query, relation)
    count = 0
    for each in suppression.erased_among(PROSPECT, keys):
        new, old = suppression.pseudonym(PROSPECT, each), each.replace("'", "''")
        is_theirs = f"cast(\"{key}\" as varchar) = '{old}'"
        ((found,),) = query(f"select count(*) from {relation} where {is_theirs}")
        query(
            f"update {relation} set \"{key}\" = '{new}',"
            f' "{row_id}" = md5(\'{new}|\' || cast("{row_time}" as varchar)){emptied} where {is_theirs}'
        )
        count += found
    return count


def _close_dbt() -> None:
    """Let go of the file that dbt has open in this process."""
    import gc

    from dbt.adapters.factory import reset_adapters

    try:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    except ImportError:
        return
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    reset_adapters()  # type: ignore[no-untyped-call]
    gc.collect()
