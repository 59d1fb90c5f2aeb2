"""What is lost on Spark in the middle of a batch, an executor or the driver, is made good: by Spark itself, or by running the same command again.

Each build is a process of its own, some with executors of their own (`local-cluster`). Without Java 17, PySpark or the runtime of Iceberg, it is skipped.

    make spark-test
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from scripts.load.run import LoadOptions, load
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.spark_warehouse import SparkWarehouse
from scripts.warehouse.workspace import DBT, ROOT, Workspace
from tests.python.spark_lane import SETTINGS, iceberg_runtime, missing_part

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# An append of the raw vault, the record of it, and a table above.
APPENDED, RECORD, ABOVE = "nhl_daily_price", "vault_batches", "bv_daily_price__fifty_two_weeks"
SELECTED = ("--select", f"+{ABOVE}", "--resource-type", "model", "--resource-type", "seed")
CLUSTER = "local-cluster[2,1,1024]"
SECONDS = 600

# The processes of a build, by the number of its session.
Condition = Callable[[int], bool]


@dataclass
class Builds:
    """A lake, and what is built from it on Spark and in a file.

    Attributes:
        workspace: on Spark.
        on_duckdb: in a file.
        differences: after what was lost: the tables that differ.
        killed: what was lost, and the exit code of the build that lost it.
    """

    workspace: Workspace
    on_duckdb: Workspace
    differences: dict[str, list[str]] = field(default_factory=dict)
    killed: dict[str, int] = field(default_factory=dict)

    def load(self, *batches: int) -> None:
        """Load some batches."""
        folders = str(self.workspace.sources), str(self.workspace.lake)
        assert load(LoadOptions(*folders, batches)).failures == []

    def compare(self, after: str) -> None:
        """Build in the file, too, and note the tables that are not the same."""
        built = self.on_duckdb.dbt("build", *SELECTED)
        assert built.returncode == 0, built.stdout
        shown = subprocess.run(
            [sys.executable, "-m", "scripts.fingerprint", "--spark"],
            cwd=ROOT,
            env=os.environ | self.workspace.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        expected = {
            f"{name}\t{table.rows}\t{table.digest}"
            for name, table in self.on_duckdb.warehouse.fingerprints().items()
        }
        assert expected, "nothing was compared"
        self.differences[after] = sorted(expected ^ set(shown.splitlines()))

    def files(self, table: str, kind: str) -> set[str]:
        """The files of a table: of its `data`, or of its `metadata`."""
        folder = Path(self.workspace.environment["SPARK_WAREHOUSE"], "tables")
        return {path.name for path in folder.glob(f"*.db/{table}/{kind}/**/*") if path.is_file()}

    def grows(self, table: str, kind: str) -> Condition:
        """True as soon as a table has files that it did not have when this was asked first."""
        before: set[str] | None = None

        def has_grown(_: int) -> bool:
            nonlocal before
            found = self.files(table, kind)
            before = found if before is None else before
            return bool(found - before)

        return has_grown

    def build(self, *conditions: Condition, lose: Callable[[int], None], **variables: str) -> int:
        """Build in a process of its own, and lose something as soon as the conditions hold, one after the other; returns the exit code."""
        environment = os.environ | self.workspace.environment | variables
        log = self.workspace.folder / "build.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [DBT, "build", *SELECTED],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            for condition in conditions:
                wait(condition, process)
            lose(process.pid)
            process.wait(timeout=SECONDS)
        finally:
            kill_driver(process.pid)
            process.wait()
            print(log.read_text())
        return process.returncode


def wait(condition: Condition, process: "subprocess.Popen[bytes]") -> None:
    """Wait until something holds of a build."""
    end = time.monotonic() + SECONDS
    while not condition(process.pid):
        assert process.poll() is None, "the build ended before"
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.005)


def executors(session: int) -> list[int]:
    """The processes of a session that work for the driver."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_executor = b"CoarseGrainedExecutorBackend" in (folder / "cmdline").read_bytes()
            if is_executor and os.getsid(int(folder.name)) == session:
                found.append(int(folder.name))
        except OSError:
            # It has ended meanwhile.
            continue
    return found


def kill_executor(session: int) -> None:
    """Kill one of the processes that work for the driver."""
    os.kill(executors(session)[0], signal.SIGKILL)


def kill_driver(session: int) -> None:
    """Kill the whole session: dbt, and the Java process of the driver."""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        # It has ended.
        return


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """A history that lost an executor, then a batch that lost its driver twice and was run again."""
    if problem := missing_part():
        pytest.skip(f"Spark cannot be tested here: {problem}")
    folder = tmp_path_factory.mktemp("killed")
    workspace = Workspace(folder, SparkWarehouse(str(folder / "spark")))
    on_spark = {**SETTINGS, "SPARK_JARS": str(iceberg_runtime())}
    on_spark["DBT_TARGET_PATH"] = str(folder / "target_spark")
    builds = Builds(
        workspace.with_variables(**on_spark),
        Workspace(folder, DuckDBWarehouse(folder / "warehouse.duckdb")),
    )
    generate(Parameters(scale_factor=0.01), builds.workspace.sources, workers=1)

    builds.load(1)
    builds.killed["executor"] = builds.build(
        builds.grows(APPENDED, "data"),
        lambda session: len(executors(session)) == 2,
        lose=kill_executor,
        SPARK_MASTER=CLUSTER,
        SPARK_SHUFFLE_PARTITIONS="4",
    )
    builds.compare("executor")

    builds.load(3)
    # What is appended is committed, and the record of it is not.
    builds.killed["driver, appending"] = builds.build(
        builds.grows(APPENDED, "metadata"), builds.grows(RECORD, "data"), lose=kill_driver
    )
    # That table was built again, so the one above is, too.
    builds.killed["driver, replacing"] = builds.build(builds.grows(ABOVE, "data"), lose=kill_driver)
    builds.killed["nothing"] = builds.build(lose=lambda _: None)
    builds.compare("driver")
    return builds


def test_a_build_that_loses_an_executor_ends_with_the_right_rows(builds: Builds) -> None:
    assert builds.killed["executor"] == 0
    assert builds.differences["executor"] == []


def test_a_build_whose_driver_is_killed_is_made_good_by_the_next_one(builds: Builds) -> None:
    assert builds.killed["driver, appending"] == -signal.SIGKILL
    assert builds.killed["driver, replacing"] == -signal.SIGKILL
    assert builds.killed["nothing"] == 0
    assert builds.differences["driver"] == []
