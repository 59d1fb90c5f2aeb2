"""Count what readers see while batches are built and published, and write it down: the second session that the official audit asks for.

Usage:
    python -m scripts.publish.watch                     until Ctrl-C or SIGTERM; looks every 5 seconds
    python -m scripts.publish.watch --every 60 --looks 10

Each look opens what readers have, and counts 18 tables, and the rows of four facts that find all their dimensions, in one statement. What it sees is written into
the folder RUNS (`Batch<day>/visibility-<id>.jsonl`) if it is not what it saw before, and at least every four minutes.

Exit codes: 0 stopped; 1 a table had fewer rows than before, or a fact rows without their dimensions; 2 readers cannot read, or RUNS cannot be written.
"""

import signal
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from scripts.history.records import RecordError, VisibleRows, write_records
from scripts.publish.manifest import Manifest
from scripts.publish.options import PublishedOption
from scripts.publish.postgres_schemas import published_schema, read_published
from scripts.publish.tables import Reader
from scripts.publish.versions import CURRENT
from scripts.warehouse.base import Query, Warehouse
from scripts.warehouse.clock import utc_now
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse, with_advice
from scripts.warehouse.engines import UNUSABLE, from_environment
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target, setting, use_setting

_COUNTS = Path(__file__).with_name("visible_rows.sql")
# The audit allows five minutes between two looks.
_LONGEST_SILENCE = timedelta(minutes=4)


def main(
    published: PublishedOption = None,
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
    every: Annotated[float, typer.Option(min=0, help="Seconds between two looks.")] = 5.0,
    looks: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many looks; by default, never.")
    ] = None,
) -> None:
    """Count what readers see while batches are built and published."""
    use_setting("DBT_TARGET", target)
    # A service is ended by SIGTERM, and a program in the background of a script does not hear of Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = published or Path(setting("PUBLISHED"))
    number, watch_id = 0, str(uuid4())
    try:
        warehouse = from_environment(target)
        watch = Watch(Path(setting("RUNS")))
        while True:
            for problem in watch.add(visible_rows(warehouse, folder, watch_id)):
                typer.secho(f"watch: {problem}", fg="red", err=True)
            number += 1
            if number == looks:
                break
            time.sleep(every)
    except KeyboardInterrupt:
        pass
    except RecordError as error:
        typer.secho(f"watch: what was seen cannot be written down: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    except (OSError, *UNUSABLE) as error:
        typer.secho(f"watch: readers cannot read: {with_advice(error)}", fg="red", err=True)
        raise typer.Exit(2) from error
    if watch.has_problems:
        raise typer.Exit(1)


def visible_rows(warehouse: Warehouse, published: Path, watch_id: str) -> list[VisibleRows]:
    """What a reader sees now; nothing before the first version.

    Raises:
        duckdb.Error, psycopg2.Error: they cannot read.
    """
    if isinstance(warehouse, PostgresWarehouse):
        return read_published(
            warehouse,
            lambda query, manifest: _counted(query, manifest, published_schema("marts"), watch_id),
        )
    # One version, although `current` may lead to another one in the next moment.
    folder = (published / CURRENT).resolve()
    manifest = Manifest.read(folder)
    if manifest is None:
        return []
    with DuckDBWarehouse(folder / f"{Reader.ANALYST}.duckdb").opened() as query:
        return _counted(query, manifest, "marts", watch_id)


def _counted(
    query: Query, manifest: Manifest | None, marts: str, watch_id: str
) -> list[VisibleRows]:
    if manifest is None:
        return []
    look, now = str(uuid4()), utc_now()
    statement = _COUNTS.read_text(encoding="utf-8").format(marts=marts)
    return [
        VisibleRows(look, watch_id, now, manifest.version, manifest.batch_id, table, rows, joined)
        for table, rows, joined in query(statement)
    ]


class Watch:
    """What was seen, one look after the other.

    Attributes:
        has_problems: something was seen that must not be.
    """

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._written: list[VisibleRows] = []
        self.has_problems = False

    def add(self, seen: Sequence[VisibleRows]) -> list[str]:
        """Write down a look if it is worth it; returns what must not be.

        Raises:
            RecordError: it cannot be written.
        """
        found = list(problems(self._written, seen))
        self.has_problems |= bool(found)
        if seen and self._is_news(seen):
            write_records(self._runs, seen, seen[0].observed_at)
            self._written = list(seen)
        return found

    def _is_news(self, seen: Sequence[VisibleRows]) -> bool:
        if not self._written:
            return True
        is_late = seen[0].observed_at - self._written[0].observed_at >= _LONGEST_SILENCE
        return is_late or _content(seen) != _content(self._written)


def problems(before: Sequence[VisibleRows], now: Sequence[VisibleRows]) -> Iterator[str]:
    """What must not be: a table with fewer rows than before, rows of a fact without their dimensions."""
    rows = {record.table_name: record.row_count for record in before}
    for record in now:
        if record.row_count < rows.get(record.table_name, 0):
            yield (
                f"{record.version}: {record.table_name} has {record.row_count:,} rows,"
                f" {rows[record.table_name]:,} before"
            )
        if record.joined_row_count is not None and record.joined_row_count < record.row_count:
            yield (
                f"{record.version}: {record.row_count - record.joined_row_count:,} rows of"
                f" {record.table_name} do not find all their dimensions"
            )


def _content(seen: Sequence[VisibleRows]) -> set[tuple[str, str, int, int | None]]:
    return {
        (record.version, record.table_name, record.row_count, record.joined_row_count)
        for record in seen
    }


if __name__ == "__main__":
    typer.run(main)
