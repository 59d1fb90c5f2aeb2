"""Checks of runs, from their records and their processes."""

import re
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from scripts.history.records import RecordedRun
from scripts.monitor.redaction import without_values
from scripts.monitor.registry import Seen, Severity, check
from scripts.monitor.sight import Sight
from scripts.monitor.statistics import Usual
from scripts.warehouse import processes
from scripts.warehouse.settings import Target

_SUCCESS, _STOPPED = "success", "stopped"


@check(
    "run_failed",
    Severity.CRITICAL,
    "the last run of its kind on a warehouse has failed, or was stopped",
    "correct what its message names, and run the same command again",
)
def run_failed(sight: Sight) -> Iterator[Seen]:
    """Over when a later run of the same kind on the same warehouse succeeds."""
    for run in _last_of_each_kind(sight):
        if run.ended is None or run.ended.status == _SUCCESS:
            continue
        said = f": {without_values(run.ended.message)}" if run.ended.message else ""
        was_stopped = run.ended.status == _STOPPED
        yield Seen(
            _kind_and_warehouse(run),
            f"{_name(run)} {'was stopped' if was_stopped else 'failed'} at {_time(run.ended.ended_at)}{said}",
            Severity.WARNING if was_stopped else None,
        )


@check(
    "run_killed",
    Severity.CRITICAL,
    "the last run of its kind has begun and not ended, and its process is gone",
    "find what killed it (out of memory, a restart), and run the same command again: it continues",
)
def run_killed(sight: Sight) -> Iterator[Seen]:
    """Over when a later run of the same kind on the same warehouse succeeds. Of another machine nothing is known."""
    for run in _last_of_each_kind(sight):
        if run.ended is None and sight.is_gone(run):
            yield Seen(
                _kind_and_warehouse(run),
                f"{_name(run)} began at {_time(run.started.started_at)} and never ended;"
                f" its process {run.started.process_id} on {run.started.host} is gone",
            )


@check(
    "run_slow",
    Severity.WARNING,
    "a run takes longer than its history allows, while it is still running",
    "see what it is doing; wait, or stop it with SIGTERM and run it again",
)
def run_slow(sight: Sight) -> Iterator[Seen]:
    """Over when the run ends. Compared with earlier successful runs of the same command, or else of the same kind."""
    for run in sight.running:
        seconds = (sight.now - run.started.started_at).total_seconds()
        limit, reason = _longest_usual(sight, run)
        if seconds > limit:
            yield Seen(
                run.started.run_id,
                f"{_name(run)} has been running for {_duration(seconds)}; {reason}",
            )


@check(
    "run_hanging",
    Severity.CRITICAL,
    "a run is alive, but neither computes nor reads or writes",
    "see what it waits for; stop it with SIGTERM (or SIGKILL) and run it again: it continues",
)
def run_hanging(sight: Sight) -> Iterator[Seen]:
    """Over when it does something again, or ends. Processor time and bytes of its processes, children included, are compared from look to look."""
    memory = sight.remembered("run_hanging")
    limits = sight.thresholds["runs"]
    here = [run for run in sight.running if run.started.host == sight.host]
    watched = [run for run in here if processes.is_known()]
    for run_id in memory.keys() - {run.started.run_id for run in watched}:
        del memory[run_id]
    for run in watched:
        tree = processes.tree_of(run.started.process_id)
        since = _idle_since(memory, run, processes.effort_of(tree), sight)
        if _server_works_for(sight, run):
            since = sight.now
            memory[run.started.run_id]["idle_since"] = since.isoformat()
        idle = (sight.now - since).total_seconds()
        if idle > limits["hanging_seconds"]:
            is_stopped = any(process.state == "T" for process in tree)
            why = f"; it was stopped with {signal.SIGSTOP.name}" if is_stopped else ""
            yield Seen(
                run.started.run_id,
                f"{_name(run)} (process {run.started.process_id}) has done nothing for {_duration(idle)}{why}",
            )


@check(
    "deadline_missed",
    Severity.CRITICAL,
    "no batch was finished in the day before the deadline, and none since",
    "see whether the batch has come, and whether a run works on it; then load and build",
)
def deadline_missed(sight: Sight) -> Iterator[Seen]:
    """Over when a batch is finished. Looks for a version published in that time; if nothing was ever published, for a green run."""
    deadline = sight.deadline.last_before(sight.now) if sight.deadline else None
    if deadline is None:
        return
    begin = deadline - timedelta(days=1)
    publication = sight.publication
    if publication and publication.published_at:
        finished: datetime | None = publication.published_at
        what = "published"
    else:
        kinds = sight.thresholds["runs"]["finishing_kinds"]
        ends = [
            run.ended.ended_at
            for run in sight.runs
            if run.started.kind in kinds and run.ended and run.ended.status == _SUCCESS
        ]
        finished, what = max(ends, default=None), "built"
    if finished is None or finished < begin:
        last = f"the last one at {_time(finished)}" if finished else "none ever was"
        yield Seen(
            "batch",
            f"no batch was {what} in the day until {_time(deadline)} (UTC), nor since; {last}",
        )


def _last_of_each_kind(sight: Sight) -> list[RecordedRun]:
    """The last run of each kind on each warehouse that was not started by another one; a run that is going on says nothing yet."""
    last: dict[str, RecordedRun] = {}
    for run in sight.runs:
        is_going_on = run.ended is None and not sight.is_gone(run)
        if not is_going_on and (run.started.parent_run_id is None or _is_green(run)):
            last[_kind_and_warehouse(run)] = run
    return list(last.values())


def _is_green(run: RecordedRun) -> bool:
    return run.ended is not None and run.ended.status == _SUCCESS


def _kind_and_warehouse(run: RecordedRun) -> str:
    return f"{run.started.kind} of {run.started.warehouse}"


def _name(run: RecordedRun) -> str:
    batch = f" of batch {run.started.batch}" if run.started.batch is not None else ""
    return f"{run.started.kind}{batch} ({run.started.warehouse}, by {run.started.user_name})"


def _longest_usual(sight: Sight, run: RecordedRun) -> tuple[float, str]:
    """The seconds after which a run is slow, and why."""
    limits, history = sight.thresholds["runs"], sight.thresholds["history"]
    earlier = [
        other
        for other in sight.runs
        if _is_green(other)
        and other.started.parent_run_id is None
        and _kind_and_warehouse(other) == _kind_and_warehouse(run)
    ]
    same = [other for other in earlier if _command(other) == _command(run)]
    for others in (same, earlier):
        seconds = [other.ended.seconds for other in others if other.ended]
        if len(seconds) >= history["least_values"]:
            usual = Usual.of(seconds)
            limit = max(
                usual.median + limits["spreads"] * usual.spread,
                usual.median * limits["least_factor"],
                usual.median + limits["least_seconds"],
            )
            return limit, (
                f"its last {len(seconds)} runs took {_duration(usual.median)},"
                f" more than {_duration(limit)} is unusual"
            )
    limit = limits["without_history_seconds"]
    return limit, f"without {history['least_values']} earlier runs, {_duration(limit)} is the limit"


def _command(run: RecordedRun) -> str:
    """Its arguments without numbers: the same command about another batch is the same."""
    return re.sub(r"\d+", "#", run.started.arguments)


def _idle_since(
    memory: dict[str, Any], run: RecordedRun, effort: processes.Effort, sight: Sight
) -> datetime:
    """Since when a run has done nothing; now if it has done something since the last look. Remembers what it has done so far."""
    before = memory.get(run.started.run_id)
    since = sight.now
    if before:
        passed = (sight.now - datetime.fromisoformat(before["looked_at"])).total_seconds()
        used = effort.cpu_seconds - before["cpu_seconds"]
        is_idle = (
            used < sight.thresholds["runs"]["idle_share"] * passed
            and effort.disk_bytes == before["disk_bytes"]
        )
        if is_idle:
            since = datetime.fromisoformat(before["idle_since"])
    memory[run.started.run_id] = {
        "looked_at": sight.now.isoformat(),
        "idle_since": since.isoformat(),
        "cpu_seconds": effort.cpu_seconds,
        "disk_bytes": effort.disk_bytes,
    }
    return since


def _server_works_for(sight: Sight, run: RecordedRun) -> bool:
    """Whether the server runs a statement that waits for no lock: then the client rightly waits."""
    if run.started.target != Target.POSTGRES or sight.database is None:
        return False
    return any(
        session.state == "active" and not session.is_blocked for session in sight.database.sessions
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _duration(seconds: float) -> str:
    """In words that people say: `50 s`, `12 min`, `3.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
