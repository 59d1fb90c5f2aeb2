"""When a batch is started, and what is said while it is not."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from scripts.load.deliveries import Delivery
from scripts.orchestrate.assets import DELIVERY_TAG
from scripts.orchestrate.sensors import PARTITION_TAG, Look, State, _request, decide, state_of
from scripts.warehouse.engines import passes_by_itself

ONE, TWO, THREE = (Delivery(batch, (), f"digest {batch}") for batch in (1, 2, 3))


class Watch:
    """Looks one after the other, as the sensor does."""

    def __init__(self) -> None:
        self.last = Look()
        self.states: dict[str, State] = {}

    def look(self, *found: Delivery) -> Delivery | str:
        """What is started, or why nothing is."""
        decision = decide(
            found, self.last, lambda delivery: self.states.get(delivery.digest, State.NEW)
        )
        seen = {str(delivery.batch): delivery.digest for delivery in found}
        self.last = Look.from_cursor(Look(seen, decision.green).cursor())
        if decision.start is None:
            return decision.reason
        self.states[decision.start.digest] = State.RUNNING
        return decision.start


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_a_batch_is_started_once_at_the_second_look_at_the_same_files(watch: Watch) -> None:
    assert "batch 1 is complete; it is started if" in str(watch.look(ONE))
    assert watch.look(ONE) == ONE
    assert watch.look(ONE) == "batch 1 is being built"
    watch.states[ONE.digest] = State.GREEN
    assert watch.look(ONE) == "all batches are green, the last one is 1"


def test_a_batch_whose_files_still_change_waits_until_they_do_not(watch: Watch) -> None:
    for size in range(5):
        growing = Delivery(1, (), f"{size} bytes")
        assert "if its files are the same at the next look" in str(watch.look(growing))
    assert watch.look(growing) == growing


def test_a_batch_that_lacks_a_file_waits_and_says_which(watch: Watch) -> None:
    lacking = Delivery(1, ("crm.customer_mgmt (Batch1/CustomerMgmt.xml)",), "a")
    for _ in range(3):
        said = watch.look(lacking)
        assert (
            said == "batch 1 is not complete: crm.customer_mgmt (Batch1/CustomerMgmt.xml) not there"
        )


def test_batches_that_came_at_once_are_started_in_order_each_after_the_one_before_is_green(
    watch: Watch,
) -> None:
    watch.look(ONE, TWO, THREE)
    for batch in (ONE, TWO, THREE):
        assert watch.look(ONE, TWO, THREE) == batch
        assert watch.look(ONE, TWO, THREE) == f"batch {batch.batch} is being built"
        watch.states[batch.digest] = State.GREEN
    assert watch.look(ONE, TWO, THREE) == "all batches are green, the last one is 3"


def test_later_batches_wait_for_one_that_is_red_until_its_files_are_corrected(watch: Watch) -> None:
    watch.look(ONE, TWO)
    watch.look(ONE, TWO)
    watch.states[ONE.digest] = State.RED
    assert "batch 1 is red" in str(watch.look(ONE, TWO))
    assert "later batches wait" in str(watch.look(ONE, TWO))
    corrected = Delivery(1, (), "corrected")
    watch.look(corrected, TWO)
    assert watch.look(corrected, TWO) == corrected


def test_a_green_batch_that_is_delivered_again_is_started_again(watch: Watch) -> None:
    watch.states = {ONE.digest: State.GREEN, TWO.digest: State.GREEN}
    assert "all batches are green" in str(watch.look(ONE, TWO))
    again = Delivery(1, (), "again")
    watch.look(again, TWO)
    assert watch.look(again, TWO) == again


def test_what_was_green_is_not_asked_for_again(watch: Watch) -> None:
    watch.states = {ONE.digest: State.GREEN}
    watch.look(ONE)
    watch.states = {}
    assert "all batches are green" in str(watch.look(ONE))


@dg.job
def nothing() -> None:
    """A job that stands for that of a batch."""


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (dg.DagsterRunStatus.STARTED, State.RUNNING),
        (dg.DagsterRunStatus.SUCCESS, State.GREEN),
        (dg.DagsterRunStatus.FAILURE, State.RED),
        (dg.DagsterRunStatus.CANCELED, State.NEW),
    ],
)
def test_a_batch_is_what_its_last_run_was_and_one_that_was_ended_starts_again(
    status: dg.DagsterRunStatus, state: State
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        first = _request(instance, ONE)
        tags = {PARTITION_TAG: "1", DELIVERY_TAG: ONE.digest}
        instance.create_run_for_job(nothing, status=status, tags=tags)
        assert state_of(instance, ONE) == state
        assert state_of(instance, TWO) == State.NEW
        # Dagster does nothing for a key that it has seen.
        assert _request(instance, ONE).run_key != first.run_key


@pytest.mark.parametrize("cursor", [None, "", "{", "[]", '{"seen": 1, "green": 2}', "{}", "null"])
def test_a_cursor_that_cannot_be_read_means_that_nothing_was_seen(cursor: str | None) -> None:
    assert Look.from_cursor(cursor) == Look()


@pytest.mark.parametrize(
    "message",
    [
        "/data/lake: another replay is writing to this lake; wait for it to end",
        'IO Error: Could not set lock on file "/data/warehouse.duckdb": Conflicting lock is held',
        "db:5432/brokerage: the connection was lost (server closed the connection unexpectedly)",
        'connection to server at "127.0.0.1", port 5432 failed: Connection refused',
        "FATAL:  the database system is starting up",
        "deadlock detected DETAIL: Process 1 waits for ShareLock",
        "canceling statement due to lock timeout",
        "db:5432/brokerage: a build or a reader has held a table for long; end it (pg_stat_activity shows it), then publish again",
    ],
)
def test_what_passes_by_itself_is_tried_again(message: str) -> None:
    assert passes_by_itself(message)


@pytest.mark.parametrize(
    "message",
    [
        "build is red: assert_rejected_rows__there_are_none",
        "Got 3 results, configured to fail if != 0",
        "brokerage.trade of batch 2: Batch2/Trade.txt: the archive cannot be read; deliver the file again",
        'FATAL:  password authentication failed for user "loader"',
        'FATAL:  database "brokerage" does not exist',
        "the disk of the server is full (No space left on device); make room, then load again",
    ],
)
def test_what_somebody_has_to_correct_is_not_tried_again(message: str) -> None:
    assert not passes_by_itself(message)


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    """A Python that finds no Dagster: its own packages, without those of the environment."""
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'dagster_dbt' else find(name, *a)\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "scripts.orchestrate"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
        cwd=Path(__file__).parents[4],
        check=False,
    )
    assert run.returncode == 1
    assert "Dagster is not installed; run `make .venv/.orchestrate`" in run.stderr
    assert len(run.stderr.splitlines()) == 1
