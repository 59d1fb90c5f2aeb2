"""Write the files of the lake again that say something about erased persons: rows, quarantine and log of a feed and batch together.

Usage:
    with lake.locked():
        for changed in erase_from_lake(lake, contracts, register, suppression, search):
            print(changed.feed.label, changed.batch, changed.rows)

Each file is replaced by one rename, the log first: it has the checksums of the others. So a crash leaves a file that still has the values, and the same call goes on. The footers say
what they said, because the files of the sources are the same: for the loader and for the build nothing has moved.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.govern.erasure.persons import files_of
from scripts.govern.erasure.search import Search, text_columns
from scripts.govern.register import Erasure, Register
from scripts.load.contracts import Contracts, Feed
from scripts.load.lake import BatchFiles, Lake, LakeError, LakeWriter
from scripts.load.receipts import Receipts
from scripts.load.suppression import Suppression

# What stands where the text of a line was that was kept long enough.
RETIRED = "(retired)"


@dataclass(frozen=True)
class Erased:
    """A feed and batch of which something was written again.

    Attributes:
        feed: that it is of.
        batch: its number.
        rows: that have changed.
        quarantined: lines of the quarantine that have changed.
    """

    feed: Feed
    batch: int
    rows: int
    quarantined: int


def erase_from_lake(
    lake: Lake,
    contracts: Contracts,
    register: Register,
    suppression: Suppression,
    search: Search,
    *,
    is_continued: bool = False,
) -> Iterator[Erased]:
    """Write again what says something about erased persons; hold the lock of the lake.

    Args:
        lake: with the logs of the contracts.
        contracts: the feeds of a folder.
        register: says what is erased of each feed.
        suppression: who is erased.
        search: what is cut out of messages.
        is_continued: an earlier call was killed, so a file may differ from its checksum.

    Raises:
        LakeError: a file is damaged, or cannot be written.
    """
    lake.remove_leftovers()
    receipts = Receipts(lake)
    for feed in contracts.feeds:
        entry = register.feeds.get(feed.label)
        rows = _Rows(feed, entry.erasure if entry else None, suppression, search)
        quarantine = _Quarantine(feed, suppression, search)
        for batch in sorted({batch for batch, _ in files_of(lake, feed)} | set(lake.batches())):
            files = lake.batch_files(feed.system, feed.name, batch)
            erased = rewrite(lake, files, rows, quarantine, search, is_continued)
            if any(erased):
                receipts.put(feed.label, batch, None)
                yield Erased(feed, batch, *erased)
    receipts.save()


class Change:
    """What is changed in the rows of a file."""

    def may_touch(self, file: pq.ParquetFile, group: int) -> bool:
        """Whether a row group has to be read as a whole."""
        return True

    def apply(self, table: pa.Table) -> pa.Table:
        """The rows as they shall be."""
        raise NotImplementedError


class _Rows(Change):
    """The rows of a feed."""

    def __init__(
        self, feed: Feed, erasure: Erasure | None, suppression: Suppression, search: Search
    ) -> None:
        self.feed, self.suppression, self.search = feed, suppression, search
        self.erasure = erasure or Erasure()

    def may_touch(self, file: pq.ParquetFile, group: int) -> bool:
        keys = list(self.erasure.rows_of.values())
        if not keys:
            return self.erasure.is_quoted_in
        return self.suppression.mask(self.feed, file.read_row_group(group, keys)) is not None

    def apply(self, table: pa.Table) -> pa.Table:
        if self.erasure.is_quoted_in:
            return _cut_out(table, self.search, text_columns(table.schema))
        return self.suppression.without_persons(self.feed, table)


class _Quarantine(Change):
    """The lines of a feed that violate its contract."""

    def __init__(self, feed: Feed, suppression: Suppression, search: Search) -> None:
        self.feed, self.suppression, self.search = feed, suppression, search

    def apply(self, table: pa.Table) -> pa.Table:
        changed = self.suppression.without_quotes(self.feed, table)
        return _cut_out(changed, self.search, ["reason", "raw_text"])


class RetiredLines(Change):
    """Lines whose texts were kept long enough."""

    def apply(self, table: pa.Table) -> pa.Table:
        """The same lines, without reason and text."""
        retired = pa.array([RETIRED] * table.num_rows, pa.string())
        for name in ("reason", "raw_text"):
            index = table.schema.get_field_index(name)
            table = table.set_column(index, table.schema.field(name), retired)
        return table


def _cut_out(table: pa.Table, search: Search, names: list[str]) -> pa.Table:
    for name in names:
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(name), search.cut_out(table[name]))
    return table


def rewrite(
    lake: Lake,
    files: BatchFiles,
    rows: Change | None = None,
    lines: Change | None = None,
    search: Search | None = None,
    is_continued: bool = False,
) -> tuple[int, int]:
    """Write the files of a feed and batch again, if they have to be; hold the lock of the lake, and forget the receipt.

    Args:
        lake: that they are in.
        files: of a feed and batch.
        rows: what is changed in its rows.
        lines: what is changed in its lines in the quarantine.
        search: what is cut out of messages of the log.
        is_continued: an earlier call was killed, so a file may differ from its checksum.

    Returns:
        The number of changed rows, and of changed lines of the quarantine.

    Raises:
        LakeError: a file is damaged, or cannot be written.
    """
    search = search or Search(())
    _change_failure(lake, files, search)
    with ExitStack() as stack:
        changes = {
            name: _changed(lake, getattr(files, name), change, stack)
            for name, change in (("data", rows), ("quarantine", lines))
        }
        if lake.exists(files.log):
            _change_log(lake, files, changes, search, is_continued)
        for name in ("quarantine", "data"):
            if (writer := changes[name][0]) is not None:
                writer.publish()
        return changes["data"][1], changes["quarantine"][1]


def _changed(
    lake: Lake, path: str, change: Change | None, stack: ExitStack
) -> tuple[LakeWriter | None, int, str]:
    """A finished writer of the changed file, how many of its rows have changed, and its checksum; no writer if nothing changes."""
    if change is None or not lake.exists(path):
        return None, 0, ""
    count = 0
    writer: LakeWriter | None = None
    with lake.open(path) as stream, pq.ParquetFile(stream) as file:
        groups = range(file.metadata.num_row_groups)
        # Most files have nobody's rows: nothing is written before something changes.
        for group in groups:
            if writer is None and not change.may_touch(file, group):
                continue
            before = file.read_row_group(group)
            after = change.apply(before)
            if writer is None and not after.equals(before):
                writer = stack.enter_context(lake.writer(path, file.schema_arrow))
                for earlier in range(group):
                    writer.write(file.read_row_group(earlier))
            if writer is not None:
                count += _differing(before, after)
                writer.write(after)
    if writer is None:
        return None, 0, ""
    return writer, count, writer.finish(lake.footer(path) or {})


def _differing(before: pa.Table, after: pa.Table) -> int:
    if after.equals(before):
        return 0
    names = [name for name in before.column_names if not before[name].equals(after[name])]
    pairs = zip(before.select(names).to_pylist(), after.select(names).to_pylist(), strict=True)
    return sum(old != new for old, new in pairs)


def _change_log(
    lake: Lake,
    files: BatchFiles,
    changes: dict[str, tuple[LakeWriter | None, int, str]],
    search: Search,
    is_continued: bool,
) -> None:
    """Write the log again with the new checksums, and without what its messages quote."""
    with lake.open(files.log) as stream, pq.ParquetFile(stream) as file:
        table = file.read()
    cleaned = _cut_out(table, search, ["message"])
    is_changed = any(writer is not None for writer, _, _ in changes.values())
    if not is_changed and cleaned.equals(table):
        return
    footer = lake.footer(files.log) or {}
    checksums = dict(footer.get("sha256") or {})
    for name, (writer, _, checksum) in changes.items():
        if name not in checksums:
            continue
        path = getattr(files, name)
        if not is_continued and not lake.is_intact(path, checksums[name]):
            raise LakeError(
                f"{path}: is damaged; load this feed and batch again from its source, then erase again"
            )
        checksums[name] = checksum if writer else (lake.sha256(path) or checksums[name])
    lake.write(files.log, cleaned, footer | ({"sha256": checksums} if checksums else {}))


def _change_failure(lake: Lake, files: BatchFiles, search: Search) -> None:
    """The log of a failed attempt may quote a value, too."""
    if not lake.exists(files.failure):
        return
    with lake.open(files.failure) as stream, pq.ParquetFile(stream) as file:
        table = file.read()
    cleaned = _cut_out(table, search, ["message"])
    if not cleaned.equals(table):
        footer = lake.footer(files.failure) or {}
        failed = {key: search.cut_out_of_text(value) for key, value in footer["failed"].items()}
        lake.write(files.failure, cleaned, footer | {"failed": failed})
