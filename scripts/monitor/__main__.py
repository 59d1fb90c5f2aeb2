"""Look at the warehouse as a service, and tell what is wrong and what to do.

Usage:
    python -m scripts.monitor                              look once: what is wrong, one line each, and what to do
    python -m scripts.monitor --json                       the same for programs
    python -m scripts.monitor --every 60                   keep looking, until SIGTERM
    python -m scripts.monitor --list                       every check, its severity and its page
    python -m scripts.monitor silence --until 2026-12-01T06:00 --check run_failed --reason "migration"
    python -m scripts.monitor silence --until 2026-12-01T06:00 --check "feed_*" --subject "*batch 12" --reason "old files"
    python -m scripts.monitor silence                      list what is silenced
    python -m scripts.monitor silence --end 1              end a silence

It reads the records of runs (RUNS), the load log (LAKE), what is published (PUBLISHED), the processes of this machine and, with DBT_TARGET=postgres, the views of
the server. It does not open the warehouse file. MONITOR_NOTIFY names services to tell, as URLs of apprise with spaces between them: each alert is told once,
again after --repeat-hours, and when it is over. What is remembered between looks is one file in RUNS.

Exit codes: 0 nothing to tell (or only what is silenced); 1 something; 2 it cannot look, or not at everything.
"""

import json
import signal
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from scripts.history.recording import user_name
from scripts.monitor.alerts import Look, take_look
from scripts.monitor.metrics import MetricsError, write_metrics
from scripts.monitor.notify import tell
from scripts.monitor.registry import BLIND, CHECKS, Severity
from scripts.monitor.sight import Deadline, Places, Sight, SightError, to_utc
from scripts.monitor.state import (
    Alert,
    Silence,
    State,
    StateError,
    locked,
    read_state,
    write_state,
)
from scripts.monitor.thresholds import Thresholds, ThresholdsError, read_thresholds
from scripts.warehouse.clock import utc_now

_UNUSABLE = (SightError, StateError, ThresholdsError)
# How times are written; other programs write seconds, or a space.
_TIMES = [f"%Y-%m-%d{mark}%H:%M{rest}" for mark in "T " for rest in ("", ":%S", "%z", ":%S%z")]
_COLORS = {Severity.CRITICAL: "red", Severity.WARNING: "yellow"}

app = typer.Typer(add_completion=False, rich_markup_mode=None)
# Click breaks the lines of a paragraph anew, unless this mark precedes it.
_HELP = __doc__.replace("Usage:\n", "\b\nUsage:\n")
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Options:
    """How to look, and whom to tell."""

    thresholds: Thresholds
    deadline: Deadline | None
    services: tuple[str, ...]
    repeat_after: timedelta
    prometheus: Path | None
    as_json: bool


@app.callback(invoke_without_command=True, help=_HELP)
def main(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    every: Annotated[
        float | None, typer.Option(min=0.1, help="Keep looking, with so many seconds between.")
    ] = None,
    list_checks: Annotated[bool, typer.Option("--list", help="List the checks.")] = False,
    deadline: Annotated[
        str,
        typer.Option(
            envvar="BATCH_DEADLINE",
            help="Until when the batch is finished: 06:30, 06:30Z (UTC) or `Mon-Fri 06:30`.",
        ),
    ] = "",
    notify: Annotated[
        str,
        typer.Option(envvar="MONITOR_NOTIFY", help="Services to tell: URLs of apprise."),
    ] = "",
    repeat_hours: Annotated[
        float,
        typer.Option(
            envvar="MONITOR_REPEAT_HOURS", min=0, help="Tell again what still holds after so long."
        ),
    ] = 4.0,
    prometheus: Annotated[
        Path | None,
        typer.Option(envvar="MONITOR_PROMETHEUS", help="Write metrics for Prometheus to a file."),
    ] = None,
    thresholds: Annotated[
        Path | None,
        typer.Option(
            envvar="MONITOR_THRESHOLDS", help="Limits that replace some of thresholds.yml."
        ),
    ] = None,
) -> None:
    """See the module."""
    if context.invoked_subcommand:
        return
    if list_checks:
        _print_checks()
        return
    try:
        options = Options(
            read_thresholds(thresholds),
            Deadline.parse(deadline) if deadline else None,
            tuple(notify.split()),
            timedelta(hours=repeat_hours),
            prometheus,
            as_json,
        )
        monitor = _Monitor(Places.from_environment(), options)
        if every is None:
            raise typer.Exit(monitor.look())
    except _UNUSABLE as error:
        raise _failed(error) from error
    monitor.keep_looking(every)


@app.command()
def silence(
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=_TIMES, help="End of the planned work; local time, or with a zone such as Z."
        ),
    ] = None,
    checks: Annotated[
        str, typer.Option("--check", help="A check, or a pattern such as feed_*.")
    ] = "*",
    subject: Annotated[str, typer.Option(help="A pattern of what it is about.")] = "*",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    end: Annotated[int | None, typer.Option(help="End the silence of this number.")] = None,
) -> None:
    """Silence checks for planned work; without options, list what is silenced."""
    try:
        places = Places.from_environment()
        with locked(places.runs):
            state, problem = read_state(places.runs)
            if problem:
                errors.print(f"monitor: {problem}", style="yellow", markup=False)
            now = utc_now()
            state.silences = [one for one in state.silences if now < one.until]
            if end is not None:
                _end_silence(state, end)
            elif until is not None:
                _add_silence(state, now, until, checks, subject, reason)
            write_state(places.runs, state)
    except _UNUSABLE as error:
        raise _failed(error) from error
    for one in state.silences:
        console.print(
            f"{one.name}: {one.check}, {one.subject}, until {one.until:%Y-%m-%d %H:%M} UTC,"
            f" by {one.user_name}: {one.reason}",
            markup=False,
        )
    if not state.silences:
        console.print("Nothing is silenced.")


def _add_silence(
    state: State, now: datetime, until: datetime, checks: str, subject: str, reason: str
) -> None:
    # Typer reads it without a zone: then it is local time.
    end = to_utc(until.astimezone())
    if end <= now:
        raise SightError(f"--until {until:%Y-%m-%dT%H:%M}: has passed; name a later time")
    if not any(Path(name).match(checks) for name in (*CHECKS, BLIND.name)):
        raise SightError(f"--check {checks}: there is no such check; --list shows them")
    if not reason:
        raise SightError("--reason is missing: say why, for those who wonder")
    number = max((one.name for one in state.silences), default=0) + 1
    state.silences.append(Silence(number, checks, subject, end, reason, user_name()))


def _end_silence(state: State, number: int) -> None:
    kept = [one for one in state.silences if one.name != number]
    if len(kept) == len(state.silences):
        raise SightError(f"--end {number}: there is no such silence; see the list without --end")
    state.silences = kept


class _Monitor:
    """A monitor that looks at a place, once or again and again."""

    def __init__(self, places: Places, options: Options) -> None:
        self._places = places
        self._options = options
        # What could not be remembered in the file: on a full disk, the same would be told at each look.
        self._unsaved: State | None = None

    def look(self, *, only_changes: bool = False) -> int:
        """Look, tell and remember; returns the exit code.

        Raises:
            StateError: another monitor does not end its look, or the folder of the state cannot be used.
        """
        places, options = self._places, self._options
        with locked(places.runs):
            state, problem = (self._unsaved, None) if self._unsaved else read_state(places.runs)
            sight = Sight(places, options.thresholds, utc_now(), options.deadline)
            look = take_look(sight, state)
            problems = [problem] if problem else []
            problems += tell(options.services, look.active, state, sight.now, options.repeat_after)
            self._unsaved = None
            try:
                write_state(places.runs, state)
            except StateError as error:
                self._unsaved = state
                problems.append(str(error))
        if options.prometheus:
            try:
                write_metrics(options.prometheus, sight, look)
            except MetricsError as error:
                problems.append(str(error))
        if options.as_json:
            print(json.dumps(_as_json(sight, look, problems)), flush=True)
        else:
            _print(look, problems, only_changes)
        if look.blind or self._unsaved:
            return 2
        return int(bool(look.active or problems))

    def keep_looking(self, seconds: float) -> None:
        """Look again and again until SIGTERM or Ctrl-C. What is wrong with one look is told, and the next one tries again."""
        is_over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: is_over.set())
        is_first = True
        while not is_over.is_set():
            try:
                self.look(only_changes=not is_first)
            except _UNUSABLE as error:
                errors.print(f"monitor: {error}", style="red", markup=False)
            is_first = False
            is_over.wait(seconds)


def _print(look: Look, problems: list[str], only_changes: bool) -> None:
    for alert in look.new if only_changes else look.active:
        finding = alert.finding
        line = Text(f"{finding.severity}: {finding.what}", style=_COLORS[finding.severity])
        console.print(line)
        console.print(f"  {finding.action}; {finding.runbook}", markup=False)
    for alert in look.over:
        console.print(f"over: {alert.finding.what}", style="green", markup=False)
    for problem in problems:
        errors.print(f"monitor: {problem}", style="yellow", markup=False)
    if only_changes:
        return
    if look.silenced:
        console.print(f"{len(look.silenced)} silenced; `silence` lists why.", markup=False)
    if not (look.active or problems):
        console.print("Nothing to tell.")


def _as_json(sight: Sight, look: Look, problems: list[str]) -> dict[str, Any]:
    """The look for programs; docs/operations.md describes the keys."""
    return {
        "looked_at": _iso(sight.now),
        "alerts": [_alert_json(alert, is_silenced=False) for alert in look.active]
        + [_alert_json(alert, is_silenced=True) for alert in look.silenced],
        "over": [_alert_json(alert, is_silenced=False) for alert in look.over],
        "blind": look.blind,
        "problems": problems,
    }


def _alert_json(alert: Alert, *, is_silenced: bool) -> dict[str, Any]:
    finding = alert.finding
    return {
        "key": finding.key,
        "check": finding.check,
        "severity": finding.severity,
        "subject": finding.subject,
        "what": finding.what,
        "action": finding.action,
        "runbook": finding.runbook,
        "since": _iso(alert.since),
        "is_silenced": is_silenced,
    }


def _iso(at: datetime) -> str:
    return f"{at.isoformat(timespec='milliseconds')}Z"


def _print_checks() -> None:
    for check in (*CHECKS.values(), BLIND):
        console.print(f"{check.name} ({check.severity}): {check.notices}", markup=False)
        console.print(f"  {check.action}; docs/runbooks/{check.name}.md", markup=False)


def _failed(error: Exception) -> typer.Exit:
    errors.print(f"monitor: {error}", style="red", markup=False)
    return typer.Exit(2)


if __name__ == "__main__":
    app()
