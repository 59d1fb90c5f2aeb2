"""A warehouse in a file of DuckDB. It reads the lake in place: nothing is loaded into it.

Usage:
    DuckDBWarehouse(Path("data/warehouse.duckdb")).fingerprints()
    DuckDBWarehouse(IN_MEMORY).fingerprints({"trade": "read_parquet('data/lake/brokerage/trade/*/*.parquet')"})
"""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from scripts.warehouse.base import ErasableWarehouse, Query, ReplaceableWarehouse
from scripts.warehouse.files import replacing
from scripts.warehouse.fingerprints import Recipe
from scripts.warehouse.settings import Target

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# No file: for queries that need only the engine.
IN_MEMORY = Path(":memory:")

_ROWS_OF_A_BATCH = 500_000
# The name of the file that is written anew, for the engine: another one than any file of a warehouse has.
_COMPACTED = "compact file"

# What to do about errors of DuckDB, by words in them.
_ADVICE = {
    "lock on file": "close the program that has the warehouse open",
    "valid DuckDB database": "delete the file, or set WAREHOUSE to another one; then build again",
    "orrupt": "delete the file, or set WAREHOUSE to another one; then build again",
    "s a directory": "set WAREHOUSE to a file",
    "replaying WAL": "the .wal beside it belongs to another state of the file: if the file comes from a backup, delete the .wal; then build again",
    "No files found": "load first (python -m scripts.load), or set LAKE to the lake that was loaded",
}


def _quoted(text: object) -> str:
    """A text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"


def with_advice(error: Exception | str) -> str:
    """What an error says, in one line; if it comes from DuckDB, also what to do about it."""
    text = " ".join(str(error).split())
    return "; ".join((text, *[what for words, what in _ADVICE.items() if words in text][:1]))


@dataclass(frozen=True)
class DuckDBWarehouse(ReplaceableWarehouse, ErasableWarehouse):
    """A warehouse in one file."""

    file: Path

    target = Target.DUCKDB
    explain = "explain analyze"
    is_written_by_a_server = False
    recipe = Recipe(
        decimal_type="DECIMAL",
        float_type="DOUBLE",
        float_text="format('{{:.14e}}', {0})",
        list_text=(
            "cast(len({0}) as varchar) || chr(29)"
            " || array_to_string([coalesce(item, chr(30)) for item in {0}], chr(29))"
        ),
        # 15 hexadecimal digits are the most that fit a bigint; the sum of them needs more.
        first_60_bits="cast('0x' || left({0}, 15) as bigint)",
        joined="concat_ws(chr(31), {0})",
    )

    @classmethod
    @contextmanager
    def temporary(cls, folder: Path) -> Iterator[Self]:
        """See `Warehouse`; the file is deleted with the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        yield cls(folder / "warehouse.duckdb")

    @property
    def environment(self) -> dict[str, str]:
        """See `Warehouse`."""
        return {"DBT_TARGET": self.target, "WAREHOUSE": str(self.file)}

    @contextmanager
    def opened(self) -> Iterator[Query]:
        """See `Warehouse`; read-only.

        Raises:
            FileNotFoundError: there is no such file.
        """
        with self._connect() as connection:
            # It would appear in the output of the program when a query takes long.
            connection.execute("set enable_progress_bar = false")
            yield lambda statement: connection.execute(statement).fetchall()

    @contextmanager
    def read(self, select: str) -> "Iterator[pa.RecordBatchReader]":
        """The rows of a query as batches of Arrow, as they are read."""
        with self._connect() as connection:
            connection.execute("set enable_progress_bar = false")
            yield connection.sql(select).to_arrow_reader(_ROWS_OF_A_BATCH)

    @contextmanager
    def changed(self) -> Iterator[Query]:
        """See `Warehouse`.

        Raises:
            duckdb.Error: somebody else has it open.
        """
        import duckdb

        with duckdb.connect(str(self.file)) as connection:
            yield lambda statement: connection.execute(statement).fetchall()

    def drop_foreign_keys(self, query: Query, relation: str) -> None:
        """See `Warehouse`; there are none."""

    def compact(self, tables: Collection[str] = ()) -> None:
        """See `Warehouse`; nobody may have it open.

        Raises:
            duckdb.Error: somebody has it open, or the disk is full; the file is as it was.
        """
        import duckdb

        # What a killed process has left beside the file belongs to the file as it is now, not to the one that takes its place.
        with self.changed() as query:
            query("checkpoint")
            shutil.rmtree(self._spilled, ignore_errors=True)
        name = self.file.stem.replace('"', '""')
        with replacing(self.file) as beside, duckdb.connect() as connection:
            connection.execute(f"set temp_directory = {_quoted(self._spilled)}")
            if limit := os.environ.get("DUCKDB_MEMORY_LIMIT"):
                connection.execute(f"set memory_limit = {_quoted(limit)}")
            for path, mode in ((self.file, "read_only"), (beside, "read_write")):
                alias = name if path is self.file else _COMPACTED
                connection.execute(f'attach {_quoted(path)} as "{alias}" ({mode})')
            connection.execute(f'copy from database "{name}" to "{_COMPACTED}"')
            connection.execute(f'checkpoint "{_COMPACTED}"')
            connection.execute(f'detach "{_COMPACTED}"')

    def exists(self) -> bool:
        """See `Warehouse`."""
        return self.file == IN_MEMORY or self.file.is_file()

    def empty(self) -> None:
        """See `Warehouse`."""
        for path in self.files():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def drop_built(self) -> None:
        """See `Warehouse`."""
        self.empty()

    def save(self, name: str) -> None:
        """See `Warehouse`."""
        folder = self._saved(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in self.files():
            if path.is_file():
                shutil.copy2(path, folder)

    def restore(self, name: str) -> None:
        """See `Warehouse`."""
        self.empty()
        shutil.copytree(self._saved(name), self.file.parent, dirs_exist_ok=True)

    def size(self) -> int:
        """See `Warehouse`."""
        return self.file.stat().st_size

    def column_types(self, query: Query, relation: str) -> dict[str, str]:
        """See `Warehouse`."""
        return {name: kind for name, kind, *_ in query(f"describe select * from {relation}")}

    def _connect(self) -> "duckdb.DuckDBPyConnection":
        # Imported late: in a process that is measured, the memory of a library must not count for another.
        import duckdb

        if self.file == IN_MEMORY:
            return duckdb.connect()
        if not self.file.is_file():
            raise FileNotFoundError(f"{self.file}: no such warehouse; build one with `make build`")
        try:
            return duckdb.connect(str(self.file), read_only=True)
        except duckdb.ConnectionException:
            # dbt has run in this process and keeps the file open for writing; both must open it in the same mode.
            return duckdb.connect(str(self.file))

    def files(self) -> list[Path]:
        """The file itself, its write-ahead log, and the folder for data that did not fit into memory."""
        logs = self.file.parent.glob(f"{self.file.name}.wal*")
        return [path for path in (self.file, *logs, self._spilled) if path.exists()]

    @property
    def _spilled(self) -> Path:
        return self.file.with_name(f"{self.file.name}.tmp")

    def _saved(self, name: str) -> Path:
        return self.file.parent / "saved" / name
