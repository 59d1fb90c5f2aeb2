"""Records of who was given what, in the run history: they land as a feed, and are modelled in operations.fct_share_deliveries.

Usage:
    record_given(run_id, index)
    record_download(index, dump, files, "profile 1f2e3d4c")
    for delivery in read_deliveries(): ...

What cannot be recorded is not given: a record is written before the version becomes the current one. If the build is killed between the two, there is a record of
what nobody was given, and never the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from scripts.history.recording import user_name
from scripts.history.records import ShareDelivery, read_records, write_records
from scripts.share.dumps import File
from scripts.share.index import CHANGES, DUMP, Index, Resource
from scripts.warehouse.clock import utc_now
from scripts.warehouse.settings import setting

BUILD, DELIVER, DOWNLOAD, REVOKE = "build", "deliver", "download", "revoke"


def record_given(run_id: str, index: Index, destination: str | None = None) -> None:
    """Record what a version gives, a record for each table.

    Args:
        run_id: of the run that gives it.
        index: of the version.
        destination: where it is taken to; None if it is built.

    Raises:
        RecordError: it cannot be written.
    """
    now = utc_now()
    action = DELIVER if destination else BUILD
    records = [
        _given(run_id, action, now, index, dump, _Amount.of(index, dump.table), user_name())
        for dump in index.dumps
    ]
    records = [replace(record, destination=destination) for record in records]
    write_records(Path(setting("RUNS")), records, now)


def record_download(index: Index, dump: Resource, files: Sequence[File], reader: str) -> None:
    """Record that a recipient is about to be given files of a table; each request is a run of its own.

    Args:
        index: of the version; if there are several, the last one.
        dump: of the table.
        files: that it is given.
        reader: who asks.

    Raises:
        RecordError: it cannot be written.
    """
    now = utc_now()
    amount = _Amount(sum(file.rows for file in files), sum(file.bytes for file in files))
    record = _given(str(uuid4()), DOWNLOAD, now, index, dump, amount, reader)
    write_records(Path(setting("RUNS")), [record], now)


def record_revocation(
    run_id: str, recipient: str, share: str, current: Index | None, reason: str
) -> None:
    """Record that a share was revoked, for each table that the recipient was ever given.

    Raises:
        RecordError: it cannot be written, or the records cannot be read.
    """
    now = utc_now()
    tables = {
        each.table_name: each.source_table
        for each in read_deliveries()
        if (each.recipient, each.share) == (recipient, share)
    }
    tables |= {dump.table: dump.source for dump in current.dumps} if current else {}
    records = [
        ShareDelivery(
            run_id=run_id,
            action=REVOKE,
            delivered_at=now,
            recipient=recipient,
            share=share,
            version=current.version if current else None,
            published_version=None,
            published_batch=None,
            table_name=table,
            source_table=source,
            row_count=None,
            byte_count=None,
            column_names=None,
            personal_columns=None,
            destination=None,
            user_name=user_name(),
            reason=reason,
        )
        for table, source in sorted(tables.items())
    ]
    write_records(Path(setting("RUNS")), records, now)


def read_deliveries() -> list[ShareDelivery]:
    """All that the run history knows, in the order of time.

    Raises:
        RecordError: a file cannot be read.
    """
    found = read_records(Path(setting("RUNS")), ShareDelivery)
    return sorted(dict.fromkeys(found), key=lambda each: (each.delivered_at, each.table_name))


@dataclass(frozen=True)
class _Amount:
    """How much is given."""

    rows: int
    bytes: int

    @classmethod
    def of(cls, index: Index, table: str) -> Self:
        """Of a table of a version: the rows of the dump, and the bytes of all files."""
        files = [
            file
            for each in index.resources
            if each.table == table and each.kind in (DUMP, CHANGES)
            for file in each.files
        ]
        dump = index.resource(table, DUMP)
        return cls(dump.rows if dump else 0, sum(file.bytes for file in files))


def _given(
    run_id: str,
    action: str,
    at: datetime,
    index: Index,
    dump: Resource,
    amount: _Amount,
    user: str,
) -> ShareDelivery:
    return ShareDelivery(
        run_id=run_id,
        action=action,
        delivered_at=at,
        recipient=index.recipient,
        share=index.share,
        version=index.version,
        published_version=index.source["version"],
        published_batch=index.source["batch_id"],
        table_name=dump.table,
        source_table=dump.source,
        row_count=amount.rows,
        byte_count=amount.bytes,
        column_names=",".join(field.name for field in dump.fields),
        personal_columns=_personal(dump) or None,
        destination=None,
        user_name=user,
        reason=None,
    )


def _personal(dump: Resource) -> str:
    return ",".join(
        f"{field.name}:{field.transformation}" for field in dump.fields if field.transformation
    )
