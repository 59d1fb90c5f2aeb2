"""A folder to load and build in: source files, lake, the files of dbt, and the warehouse that is built.

Usage:
    workspace = Workspace.on_duckdb(folder)
    workspace.dbt("build", "--select", "dim_trade")     dbt as a command, in a separate process
    workspace.enter()                                   for dbt and the loader in this process
"""

import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.warehouse.base import ReplaceableWarehouse, Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.settings import ROOT as ROOT

DBT = Path(sys.executable).with_name("dbt")


@dataclass(frozen=True)
class Workspace:
    """A folder and a warehouse.

    Attributes:
        folder: holds everything except a warehouse on a server.
        warehouse: what dbt builds.
        variables: more variables for dbt and the loader.
    """

    folder: Path
    warehouse: Warehouse
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on_duckdb(cls, folder: Path) -> "Workspace":
        """A workspace whose warehouse is a file in the folder."""
        return cls(folder, DuckDBWarehouse(folder / "warehouse.duckdb"))

    @property
    def replaceable(self) -> ReplaceableWarehouse:
        """The warehouse, which can be emptied, saved and restored."""
        assert isinstance(self.warehouse, ReplaceableWarehouse)
        return self.warehouse

    def with_variables(self, **variables: str) -> "Workspace":
        """The same workspace with additional variables."""
        return replace(self, variables=self.variables | variables)

    @property
    def sources(self) -> Path:
        """The source files."""
        return self.folder / "sources"

    @property
    def lake(self) -> Path:
        """The lake."""
        return self.folder / "lake"

    @property
    def runs(self) -> Path:
        """The records of runs."""
        return self.folder / "runs"

    @property
    def target(self) -> Path:
        """The target folder of dbt."""
        return self.folder / "target"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make dbt and the loader work here."""
        own = {
            "LAKE": str(self.lake),
            "RUNS": str(self.runs),
            "MODELS": str(self.folder / "models"),
            "SCORES": str(self.folder / "scores"),
            "ERASURES": str(self.folder / "erasures"),
            "DBT_TARGET_PATH": str(self.target),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DO_NOT_TRACK": "1",
        }
        return own | self.warehouse.environment | self.variables

    def enter(self) -> None:
        """Let dbt and the loader of this process work here."""
        os.environ.update(self.environment)

    def start_dbt(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command of dbt; its output and errors are both in `stdout`."""
        return subprocess.Popen(
            [DBT, *arguments],
            cwd=ROOT,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def dbt(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of dbt to its end."""
        process = self.start_dbt(*arguments)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output, "")
