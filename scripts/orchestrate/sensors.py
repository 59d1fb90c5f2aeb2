"""What starts a batch: that its files are complete, or the clock; and what is told when a run has failed.

The run of a batch carries the digest of its delivery as a tag. So each of these sees what has already been started for these very files, whoever started
it, and files that are corrected start their batch again.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import dagster as dg

from scripts.load.contracts import Contracts
from scripts.load.deliveries import Delivery, deliveries
from scripts.load.sources import SourceFolder, SourceFolderError
from scripts.orchestrate.assets import BATCHES, DELIVERY_TAG, PARTITIONS
from scripts.orchestrate.places import Places
from scripts.orchestrate.server import SECONDS_OF_A_TICK
from scripts.warehouse.workspace import ROOT

PARTITION_TAG = "dagster/partition"
SECONDS_BETWEEN_LOOKS = 30
# At two in the night, UTC: after the last delivery of the day, hours before anybody reads.
EVERY_NIGHT = "0 2 * * *"


class State(StrEnum):
    """How far a batch is, with the files that it has now."""

    NEW = "new"
    RUNNING = "is being built"
    GREEN = "is green"
    RED = "is red"


@dataclass(frozen=True)
class Look:
    """What was seen, for the next look.

    Attributes:
        seen: the digest of each delivery.
        green: the digest with which a batch was green.
    """

    seen: dict[str, str] = field(default_factory=dict)
    green: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Look":
        """What `cursor` has written; nothing seen if it cannot be read."""
        try:
            found = json.loads(cursor or "{}")
            return cls(dict(found["seen"]), dict(found["green"]))
        except (ValueError, KeyError, TypeError):
            return cls()

    def cursor(self) -> str:
        """As a text."""
        return json.dumps({"seen": self.seen, "green": self.green})


@dataclass(frozen=True)
class Decision:
    """What to do now: start a batch, or wait, and why.

    Attributes:
        start: what to start; None to wait.
        reason: why not, in one line.
        green: the digest of each batch that is green.
    """

    start: Delivery | None
    reason: str
    green: dict[str, str]


def decide(
    found: Sequence[Delivery], before: Look, state_of: Callable[[Delivery], State]
) -> Decision:
    """The first batch that is not green is started if its files are all there, and are as they were at the last look; later ones wait for it.

    Args:
        found: all batches that are there, in their order.
        before: the last look.
        state_of: how far a batch is.
    """
    green: dict[str, str] = {}
    for delivery in found:
        key = str(delivery.batch)
        is_green = before.green.get(key) == delivery.digest
        state = State.GREEN if is_green else state_of(delivery)
        if state == State.GREEN:
            green[key] = delivery.digest
            continue
        is_settled = before.seen.get(key) == delivery.digest
        if state == State.NEW and delivery.is_complete and is_settled:
            return Decision(delivery, "", green)
        return Decision(None, _why_not(delivery, state), green)
    return Decision(None, f"all batches are green, the last one is {found[-1].batch}", green)


def _why_not(delivery: Delivery, state: State) -> str:
    batch = f"batch {delivery.batch}"
    if state == State.RED:
        return f"{batch} is red: see its last run, correct its files or run it again; later batches wait"
    if state == State.RUNNING:
        return f"{batch} is being built"
    if delivery.missing:
        return f"{batch} is not complete: {', '.join(delivery.missing)} not there"
    return f"{batch} is complete; it is started if its files are the same at the next look"


def state_of(instance: dg.DagsterInstance, delivery: Delivery) -> State:
    """How far a batch is, by the runs for it; a run for other files than those that are there now only has to end."""
    runs = instance.get_runs(
        dg.RunsFilter(tags={PARTITION_TAG: str(delivery.batch)}), limit=_RECENT
    )
    if any(not run.is_finished for run in runs):
        return State.RUNNING
    latest = next(iter(instance.get_runs(_runs_for(delivery), limit=1)), None)
    # That somebody has ended a run, or Dagster with it, says nothing about the batch.
    if latest is None or latest.status == dg.DagsterRunStatus.CANCELED:
        return State.NEW
    return State.GREEN if latest.is_success else State.RED


def _runs_for(delivery: Delivery) -> dg.RunsFilter:
    return dg.RunsFilter(tags={PARTITION_TAG: str(delivery.batch), DELIVERY_TAG: delivery.digest})


# Runs of one batch that may be waiting or going on beside each other.
_RECENT = 20


def new_batches(job: dg.JobDefinition | Any, contracts: Contracts) -> dg.SensorDefinition:
    """A sensor that starts a batch when its files are complete, one after the other."""

    @dg.sensor(
        name="new_batches",
        target=job,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a batch when all files that its contracts require are there and no longer change.",
    )
    def look_for_batches(
        context: dg.SensorEvaluationContext, places: Places
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            found = deliveries(SourceFolder(places.sources), contracts)
        except SourceFolderError as error:
            return dg.SkipReason(str(error))
        instance = context.instance
        decision = decide(
            found, Look.from_cursor(context.cursor), lambda delivery: state_of(instance, delivery)
        )
        seen = {str(delivery.batch): delivery.digest for delivery in found}
        start = decision.start
        return dg.SensorResult(
            run_requests=[_request(instance, start)] if start else [],
            skip_reason=None if start else decision.reason,
            dynamic_partitions_requests=_new_partitions(instance, found),
            cursor=Look(seen, decision.green).cursor(),
        )

    return look_for_batches


def _request(instance: dg.DagsterInstance, delivery: Delivery) -> dg.RunRequest:
    # Dagster starts nothing twice for one key: what was ended has another one.
    before = instance.get_runs_count(_runs_for(delivery))
    return dg.RunRequest(
        run_key=f"{delivery.batch}-{delivery.digest[:16]}-{before}",
        partition_key=str(delivery.batch),
        tags={DELIVERY_TAG: delivery.digest},
    )


def _new_partitions(
    instance: dg.DagsterInstance, found: Sequence[Delivery]
) -> list[dg.AddDynamicPartitionsRequest]:
    there = instance.get_dynamic_partitions(PARTITIONS)
    new = [str(delivery.batch) for delivery in found if str(delivery.batch) not in there]
    return [BATCHES.build_add_request(new)] if new else []


def every_night(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """A schedule for deliveries that are complete at a known time; off until somebody switches it on."""
    return dg.ScheduleDefinition(
        name="every_night",
        job=job,
        cron_schedule=EVERY_NIGHT,
        description="Instead of the sensor: loads and builds every night what is there.",
    )


@dg.run_failure_sensor(
    name="tell_about_failures",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Lets the monitor look when a run has failed: it tells the services that MONITOR_NOTIFY names.",
)
def tell_about_failures(context: dg.RunFailureSensorContext) -> None:
    """Look at once, and not only when the monitor looks the next time. It is told once, whoever looks."""
    command = [sys.executable, "-m", "scripts.monitor"]
    try:
        look = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_SECONDS_TO_LOOK,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise dg.Failure(
            f"the monitor has not ended its look in {_SECONDS_TO_LOOK} s; run `python -m scripts.monitor` by hand"
        ) from error
    context.log.info(look.stdout)
    if look.returncode not in _HAS_LOOKED:
        # What it cannot see is told with everything else; that it cannot look at all is an error.
        problem = look.stderr.strip() or look.stdout.strip()
        raise dg.Failure(f"the monitor cannot look, or not at everything: {problem}")


# It may wait a minute for the look of another monitor, and then for services that do not answer.
_SECONDS_TO_LOOK = SECONDS_OF_A_TICK - 30
# Nothing to tell, or something.
_HAS_LOOKED = (0, 1)
