"""Contracts of living systems for tests, and what becomes of them: extracted, loaded, read from the lake.

Usage:
    warehouse = LivingWarehouse(tmp_path, monkeypatch)
    warehouse.declare({"kind": "object_store", "address": "STORE"}, {"thing": {...}})
    warehouse.extract()
    warehouse.rows("thing")
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scripts.extract.run import ExtractOptions, ExtractResult, extract
from scripts.extract.systems.base import Reader
from scripts.load.contracts import Feed, read_contracts
from scripts.load.run import LoadOptions, load

SYSTEM = "test"
_FIRST_DAY = date(2017, 7, 7)
_LOAD_COLUMNS = ("batch_id", "source_file", "source_row", "loaded_at")
Row = dict[str, Any]


@dataclass
class LivingWarehouse:
    """A source folder and a lake with contracts of their own.

    Attributes:
        folder: of everything.
        monkeypatch: puts the contracts in place of those of the project.
        days: how many batches were asked for.
    """

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    days: int = 0

    def __post_init__(self) -> None:
        for module in ("extract", "load"):
            self.monkeypatch.setattr(
                f"scripts.{module}.run.CONTRACTS_FOLDER", self.folder / "contracts"
            )
        # Nobody waits in a test.
        self.monkeypatch.setattr(Reader, "sleep", staticmethod(lambda _: None))

    @property
    def sources(self) -> Path:
        """The folder of the batches."""
        return self.folder / "sources"

    def declare(self, system: Row | None, tables: dict[str, Row]) -> None:
        """Write the contracts of a system: of each table its `columns` (name to meta with data_type), and its feed."""
        self.declare_all({SYSTEM: (system, tables)})

    def declare_all(self, systems: dict[str, tuple[Row | None, dict[str, Row]]]) -> None:
        """Write the contracts of some systems, by name."""
        dates = {
            "batch_date": {
                "files": "Batch{batch}/BatchDate.txt",
                "columns": {"batch_date": {"data_type": "date"}},
            }
        }
        sources = [
            {
                "name": name,
                "schema": "raw",
                "config": {"meta": {"system": system} if system else {}},
                "tables": [
                    self._table(name, table, dict(declared)) for table, declared in tables.items()
                ],
            }
            for name, (system, tables) in (systems | {"control": (None, dates)}).items()
        ]
        path = self.folder / "contracts" / SYSTEM / f"_{SYSTEM}__sources.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"sources": sources}))

    def _table(self, system: str, name: str, table: Row) -> Row:
        columns = table.pop("columns")
        feed = {
            "files": f"Batch{{batch}}/{name}.txt",
            "format": "delimited",
            "delimiter": "|",
            "may_be_empty": True,
            "minimum_landed_share": 0,
        } | table
        return {
            "name": name,
            "identifier": f"{system}__{name}",
            "config": {"meta": {"feed": feed}},
            "columns": [
                {
                    "name": column,
                    "data_type": meta.get("data_type", "varchar(50)"),
                    "config": {"meta": {key: meta[key] for key in meta if key != "data_type"}},
                }
                for column, meta in columns.items()
            ],
        }

    def feed(self, name: str) -> Feed:
        """The feed of a table."""
        contracts = read_contracts(self.folder / "contracts")
        return next(feed for feed in contracts.feeds if feed.label == f"{SYSTEM}.{name}")

    def options(self) -> ExtractOptions:
        """Those of the next extraction; each is a day later than the one before."""
        self.days += 1
        return ExtractOptions(self.sources, batch_date=_FIRST_DAY + timedelta(days=self.days))

    def extract(self) -> ExtractResult:
        """Extract what is new."""
        return extract(self.options())

    def load(self) -> None:
        """Load all batches."""
        result = load(LoadOptions(str(self.sources), str(self.folder / "lake"), workers=1))
        assert result.failures == [], result.failures

    def landed(self, name: str, system: str = SYSTEM) -> list[Row]:
        """Load, and return the rows of a table, batch by batch as in the files, without what the loader adds except `batch_id`."""
        self.load()
        rows = []
        for path in sorted((self.folder / "lake" / system / name).glob("*/*.parquet")):
            rows += pq.ParquetFile(path).read().to_pylist()
        rows.sort(key=lambda row: (row["batch_id"], row["source_row"]))
        return [
            {key: row[key] for key in row if key not in _LOAD_COLUMNS or key == "batch_id"}
            for row in rows
        ]

    def quarantined(self, name: str) -> list[tuple[int, str, str]]:
        """Batch, reason and text of the rows of a table that did not land."""
        self.load()
        folder = self.folder / "lake" / "control" / "quarantine"
        rows = [
            row
            for path in sorted(folder.glob(f"*/{SYSTEM}__{name}.parquet"))
            for row in pq.ParquetFile(path).read().to_pylist()
        ]
        return [(row["batch_id"], row["reason"], row["raw_text"]) for row in rows]
