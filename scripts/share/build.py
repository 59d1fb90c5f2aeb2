"""Build a version of a share from what is published: the function that the command calls.

Usage:
    with closing(open_published(limits=LIMITS, keeps_types=True)) as published:
        outcome = build(share, read_rules(), published)
    print(outcome.index.version, outcome.is_new)
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from scripts.history.recording import recorded_run
from scripts.publish.versions import cannot_be_written
from scripts.serve.api.kinds import kind_of
from scripts.serve.declarations import Declarations
from scripts.serve.sessions import Limits, Published, Session
from scripts.share.changes import CHANGE, Changes, write_changes
from scripts.share.checking import damaged_files
from scripts.share.deliveries import record_given
from scripts.share.dumps import File, parquet_relation, workbench, write_parquet, write_text
from scripts.share.index import CHANGES, DUMP, Field, Index, Resource
from scripts.share.keys import hash_key, key_id
from scripts.share.policies import Format, Share, SharedTable
from scripts.share.rules import Rules, Violation, model_of, violations
from scripts.share.selection import Selection, SharedColumn, with_keyed_hashes
from scripts.share.signing import sign
from scripts.share.versions import ShareVersions
from scripts.warehouse.clock import utc_now

# Of the session that reads what is published. Nobody waits for an answer, and all of a table is read.
LIMITS = Limits(seconds=6 * 3600, memory="60%", threads=2, sessions=2)
RUN_KIND = "share"
_ROWS_OF_A_BATCH = 100_000
_TYPES = {
    "whole number": "integer",
    "number": "number",
    "truth value": "boolean",
    "day": "date",
    "time": "datetime",
    "time of day": "time",
    "UUID": "string",
    "text": "string",
}


class RefusedError(Exception):
    """A share violates rules, so nothing is built; the text names them."""

    def __init__(self, found: list[Violation]) -> None:
        super().__init__("\n".join(violation.text for violation in found))
        self.violations = found


class WrongRowsError(Exception):
    """What was read is not what the declarations say: says what."""


@dataclass(frozen=True)
class Outcome:
    """What the recipient has now.

    Attributes:
        folder: of the current version.
        index: of the same.
        is_new: it was built just now; otherwise it was there, made from the same published version by the same policy.
    """

    folder: Path
    index: Index
    is_new: bool


@dataclass(frozen=True)
class _Work:
    """What a version is made of, and where."""

    connection: duckdb.DuckDBPyConnection
    session: Session
    declarations: Declarations
    share: Share
    key: bytes
    folder: Path
    previous: Index | None
    previous_folder: Path


def build(
    share: Share,
    rules: Rules,
    published: Published,
    *,
    version: str | None = None,
    today: date | None = None,
    shares: Path | None = None,
) -> Outcome:
    """Build a version of a share, unless the current one is the same.

    Args:
        share: what is built.
        rules: that it must keep.
        published: what it is made from.
        version: a published version that is still kept; None for the current one.
        today: decides whether the share is approved; None for the day of the clock.
        shares: the folder of all shares; None for SHARES.

    Raises:
        RefusedError: the share violates a rule.
        ServeError: what is published cannot be read.
        PublishError: the folder cannot be written, or another program builds the share.
        KeyFileError: the key of its hashes cannot be had.
        RecordError: who is given what cannot be recorded.
        WrongRowsError: a key is there twice, or is NULL.
        SigningError: there is a key to sign with that cannot be used.
    """
    versions = ShareVersions.of(share.recipient, share.name, shares)
    today = today or utc_now().date()
    refuse(share, rules, published.declarations, versions, today)
    try:
        versions.create()
    except OSError as error:
        raise cannot_be_written(versions.folder, error, versions.variable) from error
    with versions.locked():
        versions.remove_unfinished()
        # A killed build may have left a version to which nothing leads; its name is free.
        versions.remove_old(share.retention)
        # It may have been revoked while another program had the lock.
        refuse(share, rules, published.declarations, versions, today)
        previous = versions.current_index()
        needs_key = any(_hashes(table) for table in share.tables.values())
        key = b""
        if needs_key:
            key = hash_key(share.recipient, share.name, previous.key_id if previous else None)
        with published.opened(share.role, version) as session:
            if previous and _is_same(previous, session, share):
                return Outcome(versions.folder / previous.version, previous, is_new=False)
            with recorded_run(RUN_KIND, session.target, session.manifest.batch_id) as run:
                name = versions.free_name(session.manifest.version)
                with versions.new(name) as folder, workbench(folder) as connection:
                    work = _Work(
                        connection,
                        session,
                        published.declarations,
                        share,
                        key,
                        folder,
                        previous,
                        versions.folder / (previous.version if previous else ""),
                    )
                    index = _written(work, name, versions.next_number())
                    sign(folder)
                    record_given(run.run_id, index)
                versions.remove_old(share.retention)
    return Outcome(versions.folder / name, index, is_new=True)


def refuse(
    share: Share,
    rules: Rules,
    declarations: Declarations,
    versions: ShareVersions,
    today: date,
) -> None:
    """Refuse a share that violates a rule on a day.

    Raises:
        RefusedError: it does.
    """
    found = violations(share, rules, declarations, today)
    revocation = versions.revocation()
    if revocation and share.approved_on <= revocation.on:
        reason = (
            f"revoked on {revocation.on} by {revocation.by}: {revocation.reason};"
            " a later approved_on approves it again"
        )
        found.append(Violation(share.label, "is_not_revoked", reason))
    if found:
        raise RefusedError(found)


def _is_same(previous: Index, session: Session, share: Share) -> bool:
    return (previous.source["version"], previous.policy["digest"]) == (
        session.manifest.version,
        share.digest,
    )


def _hashes(table: SharedTable) -> bool:
    return any(column.transformation == "keyed_hash" for column in table.personal.values())


def _written(work: _Work, name: str, number: int) -> Index:
    """Write all files of a version, the index last."""
    resources: list[Resource] = []
    changes: dict[str, Changes | str] = {}
    for table in work.share.tables.values():
        found, changed = _table(work, table)
        resources += found
        changes[table.name] = changed
    manifest = work.session.manifest
    index = Index(
        share=work.share.name,
        recipient=work.share.recipient,
        version=name,
        number=number,
        previous=work.previous.version if work.previous else None,
        source={
            "version": manifest.version,
            "batch_id": manifest.batch_id,
            "published_at": manifest.published_at.isoformat(),
            "commit": manifest.commit,
        },
        policy=_policy(work.share),
        key_id=key_id(work.key) if work.key else None,
        changes=changes,
        resources=tuple(resources),
    )
    index.write(work.folder)
    return index


def _policy(share: Share) -> dict[str, Any]:
    return {
        "title": share.title,
        "purpose": share.purpose,
        "legal_basis": share.legal_basis,
        "owner": share.owner,
        "approved_by": share.approved_by,
        "approved_on": share.approved_on.isoformat(),
        "approved_until": share.approved_until.isoformat(),
        "digest": share.digest,
        "tables": {table.name: table.digest for table in share.tables.values()},
    }


def _table(work: _Work, table: SharedTable) -> tuple[list[Resource], Changes | str]:
    """The dump of a table and its changes, in all formats."""
    model = model_of(table, work.declarations)
    assert model is not None
    selection = Selection.of(table, model, work.share.role)
    statement = selection.statement(work.session.relation(table.table))
    rows = work.session.batches(statement.sql, statement.values, _ROWS_OF_A_BATCH)
    rows = with_keyed_hashes(rows, selection.hashed, work.key)
    files = write_parquet(
        work.connection, rows, selection.columns, selection.key, work.folder, f"tables/{table.name}"
    )
    dump = Resource(
        name=table.name,
        table=table.name,
        source=table.table,
        kind=DUMP,
        format=Format.PARQUET,
        description=model.description,
        fields=tuple(map(_field, selection.columns)),
        key=selection.key,
        files=tuple(files),
    )
    _check_key(work, dump)
    resources = [dump, *_as_text(work, dump, f"tables/{table.name}")]
    before = _before(work, dump)
    if isinstance(before, str):
        return resources, before
    columns = [column.name for column in selection.columns]
    after = parquet_relation(work.folder, files)
    stem = f"changes/{table.name}"
    file, changed = write_changes(
        work.connection, before.relation, after, columns, selection.key, work.folder, stem
    )
    change = Resource(
        name=f"{table.name}_changes",
        table=table.name,
        source=table.table,
        kind=CHANGES,
        format=Format.PARQUET,
        description=f"What has changed since version {before.version}. {model.description}",
        fields=(_CHANGE_FIELD, *dump.fields),
        key=selection.key,
        files=(file,),
    )
    return [*resources, change, *_as_text(work, change, stem)], changed


@dataclass(frozen=True)
class _Before:
    """The rows of a table in the version before, as in a FROM clause."""

    version: str
    relation: str


def _before(work: _Work, dump: Resource) -> _Before | str:
    """The rows of the version before; or why nobody can go on from them."""
    previous = work.previous
    if previous is None:
        return "the first version"
    old = previous.resource(dump.table, DUMP)
    if old is None:
        return "a new table"
    if (old.columns, old.key) != (dump.columns, dump.key):
        return "other columns than in the version before"
    if damaged_files(work.previous_folder, old.files):
        return "the version before is damaged"
    return _Before(previous.version, parquet_relation(work.previous_folder, old.files))


def _as_text(work: _Work, resource: Resource, stem: str) -> list[Resource]:
    """The same in the other formats that the policy names."""
    return [
        Resource(
            name=f"{resource.name}_{form}",
            table=resource.table,
            source=resource.source,
            kind=resource.kind,
            format=form,
            description=resource.description,
            fields=resource.fields,
            key=resource.key,
            files=(_text_file(work, resource, form, stem),),
        )
        for form in work.share.formats
        if form is not Format.PARQUET
    ]


def _text_file(work: _Work, resource: Resource, form: Format, stem: str) -> File:
    return write_text(work.connection, resource.files, resource.columns, form, work.folder, stem)


def _check_key(work: _Work, dump: Resource) -> None:
    """Changes are found by key, so a key must name one row."""
    key = ", ".join(f'"{name}"' for name in dump.key)
    is_null = " or ".join(f'"{name}" is null' for name in dump.key)
    relation = parquet_relation(work.folder, dump.files)
    wrong = work.connection.execute(
        f"select {key} from {relation} group by {key} having count(*) > 1 or {is_null} limit 1"
    ).fetchall()
    if wrong:
        names = ", ".join(dump.key)
        raise WrongRowsError(f"{dump.source}: {names} is NULL or there twice; nothing is shared")


def _field(column: SharedColumn) -> Field:
    kind = "array" if column.data_type.endswith("[]") else _TYPES[kind_of(column.data_type).name]
    return Field(
        name=column.name,
        type=kind,
        data_type=column.data_type,
        description=column.column.description,
        transformation=column.transformation,
    )


_CHANGE_FIELD = Field(
    name=CHANGE,
    type="string",
    data_type="varchar",
    description="`insert`, `update_postimage` (the row as it is now) or `delete`; of a deleted row, there is only the key.",
    transformation=None,
)
