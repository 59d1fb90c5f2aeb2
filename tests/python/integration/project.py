"""The project with a place of its own, for tests that load and build."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.load.run import LoadOptions, load

ROOT = Path(__file__).parents[3]
DBT = ROOT / ".venv" / "bin" / "dbt"


@dataclass(frozen=True)
class Project:
    """A project of its own: sources, lake, warehouse and dbt's target below one folder."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def sources(self) -> Path:
        return self.folder / "sources"

    def load(self) -> list[str]:
        """Load every batch; returns what failed."""
        return load(LoadOptions(str(self.sources), str(self.folder / "lake"))).failures

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "LAKE": str(self.folder / "lake"),
            "WAREHOUSE": str(self.warehouse),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DO_NOT_TRACK": "1",
        }
        return subprocess.run(
            [DBT, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
        )

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.sql(sql).fetchall()
