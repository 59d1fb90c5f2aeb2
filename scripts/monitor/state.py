"""What is remembered between two looks, in one small file: alerts and who was told, silences, what checks have counted.

Usage:
    with locked(runs):
        state, problem = read_state(runs)
        ...
        write_state(runs, state)
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from scripts.monitor.registry import Finding, Severity
from scripts.warehouse.files import open_locked, replacing

STATE_FILE = ".monitor.json"
_LOCK_FILE = ".monitor.lock"
# A look takes a moment, and a dead notification service some seconds.
_SECONDS_TO_WAIT = 60
_VERSION = 1


class StateError(Exception):
    """The state cannot be kept, or another monitor does not end its look; says what to do."""


@dataclass
class Alert:
    """Something that was found, from its first look until everybody knows that it is over.

    Attributes:
        finding: what was found, as of the last look that found it.
        since: when it was found first.
        told: when each notification service was told last, by the digest of its address.
        over_at: when it was not found any more; None as long as it is.
    """

    finding: Finding
    since: datetime
    told: dict[str, datetime] = field(default_factory=dict)
    over_at: datetime | None = None


@dataclass(frozen=True)
class Silence:
    """Planned work: what is found meanwhile is not told.

    Attributes:
        name: a small number, by which it is ended.
        check: a check, or a pattern of checks such as `feed_*`.
        subject: a pattern of what it is about; `*` for everything.
        until: when it ends, in UTC.
        reason: why.
        user_name: who asked for it.
    """

    name: int
    check: str
    subject: str
    until: datetime
    reason: str
    user_name: str

    def covers(self, finding: Finding, now: datetime) -> bool:
        """Whether it silences a finding now."""
        return (
            now < self.until
            and fnmatchcase(finding.check, self.check)
            and fnmatchcase(finding.subject, self.subject)
        )


@dataclass
class State:
    """What is remembered: alerts by the key of their finding, silences, and what checks remember."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)

    def is_silenced(self, finding: Finding, now: datetime) -> bool:
        """Whether a silence covers a finding now."""
        return any(silence.covers(finding, now) for silence in self.silences)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other monitors out; the lock ends with the process.

    Raises:
        StateError: another one looks for too long, or the folder cannot be written.
    """
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while True:
        try:
            lock = open_locked(folder / _LOCK_FILE)
            break
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise StateError(
                    f"{folder}: another monitor has been looking for {_SECONDS_TO_WAIT} s; end it"
                ) from error
            time.sleep(0.05)
        except OSError as error:
            raise StateError(_cannot_write(folder, error)) from error
    with lock:
        yield


def read_state(folder: Path) -> tuple[State, str | None]:
    """What is remembered, and what was wrong with it: a damaged file is set aside, and everything begins anew.

    Raises:
        StateError: the file cannot be read.
    """
    file = folder / STATE_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return State(), None
    except UnicodeDecodeError as error:
        return State(), _set_aside(file, error)
    except OSError as error:
        raise StateError(
            f"{file}: {error.strerror}; run the monitor as the user that owns it"
        ) from error
    try:
        return _from_json(json.loads(text)), None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return State(), _set_aside(file, error)


def write_state(folder: Path, state: State) -> None:
    """Remember it until the next look; the file is whole at any moment. Hold the lock.

    Raises:
        StateError: it cannot be written.
    """
    try:
        with replacing(folder / STATE_FILE) as beside:
            beside.write_text(json.dumps(_to_json(state), indent=1), encoding="utf-8")
    except OSError as error:
        raise StateError(_cannot_write(folder, error)) from error


def _set_aside(file: Path, error: Exception) -> str:
    kept = file.with_name(f"{file.name}.damaged")
    try:
        file.replace(kept)
    except OSError as problem:
        raise StateError(_cannot_write(file.parent, problem)) from problem
    return (
        f"{file} is damaged ({' '.join(str(error).split())}) and kept as {kept.name}: alerts are told again,"
        " silences are forgotten"
    )


def _cannot_write(folder: Path, error: OSError) -> str:
    return f"{folder}: {error.strerror}; set RUNS to a folder that the monitor can write"


def _to_json(state: State) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "alerts": [
            asdict(alert.finding)
            | {
                "since": alert.since.isoformat(),
                "told": {service: at.isoformat() for service, at in alert.told.items()},
                "over_at": alert.over_at.isoformat() if alert.over_at else None,
            }
            for alert in state.alerts.values()
        ],
        "silences": [
            asdict(silence) | {"until": silence.until.isoformat()} for silence in state.silences
        ],
        "memory": state.memory,
    }


def _from_json(content: dict[str, Any]) -> State:
    if content["version"] != _VERSION:
        raise ValueError(f"version {content['version']}, not {_VERSION}")
    alerts = [_alert(dict(values)) for values in content["alerts"]]
    silences = [
        Silence(**values | {"until": datetime.fromisoformat(values["until"])})
        for values in content["silences"]
    ]
    return State({alert.finding.key: alert for alert in alerts}, silences, dict(content["memory"]))


def _alert(values: dict[str, Any]) -> Alert:
    since = datetime.fromisoformat(values.pop("since"))
    over_at = values.pop("over_at")
    told = {service: datetime.fromisoformat(at) for service, at in values.pop("told").items()}
    severity = Severity(values.pop("severity"))
    return Alert(
        Finding(severity=severity, **values),
        since,
        told,
        datetime.fromisoformat(over_at) if over_at else None,
    )
