"""One look: run the checks, compare with what was known, and remember it.

Usage:
    look = take_look(sight, state)
    look.active, look.over, look.blind
"""

from dataclasses import dataclass, field
from datetime import timedelta

import scripts.monitor.checks  # noqa: F401  # registers the checks
from scripts.history.records import RecordError
from scripts.monitor.deliveries import DeliveriesError
from scripts.monitor.registry import BLIND, CHECKS, Finding, HiddenError
from scripts.monitor.sight import Sight
from scripts.monitor.state import Alert, State
from scripts.warehouse.settings import PostgresError

# Until then a service that was dead is told that an alert is over.
_KEEP_OVER = timedelta(days=7)
# What reading what the checks look at may raise.
_UNREADABLE = (RecordError, DeliveriesError, PostgresError, OSError)


@dataclass
class Look:
    """What a look has found.

    Attributes:
        active: alerts that hold now, the worst and oldest first.
        silenced: alerts that hold now, but belong to planned work.
        new: those of `active` that did not hold at the last look.
        over: alerts that held at the last look, and do not hold now.
        blind: why each check that could not look could not.
    """

    active: list[Alert] = field(default_factory=list)
    silenced: list[Alert] = field(default_factory=list)
    new: list[Alert] = field(default_factory=list)
    over: list[Alert] = field(default_factory=list)
    blind: dict[str, str] = field(default_factory=dict)


def take_look(sight: Sight, state: State) -> Look:
    """Run every check, and bring the alerts of the state up to date. The alerts of a check that cannot look stay as they are."""
    look = Look()
    sight.memory = state.memory
    findings: dict[str, Finding] = {}
    hidden: set[str] = set()
    for name, check in CHECKS.items():
        try:
            findings |= {finding.key: finding for finding in check.findings(sight)}
        except HiddenError:
            hidden.add(name)
        except _UNREADABLE as error:
            look.blind[name] = _one_line(error)
        except Exception as error:
            # A fault of one check must not blind the others.
            look.blind[name] = _one_line(f"{name}: {type(error).__name__}: {error}; report it")
    for problem in dict.fromkeys(look.blind.values()):
        finding = Finding(BLIND.name, BLIND.severity, problem, problem, BLIND.action)
        findings[finding.key] = finding
    state.silences = [silence for silence in state.silences if sight.now < silence.until]
    _update(state, findings, look, sight, hidden | look.blind.keys())
    for key in findings:
        alert = state.alerts[key]
        is_silenced = state.is_silenced(alert.finding, sight.now)
        (look.silenced if is_silenced else look.active).append(alert)
    look.new = [alert for alert in look.new if alert in look.active]
    look.active.sort(key=lambda alert: (alert.finding.severity, alert.since, alert.finding.key))
    return look


def _update(
    state: State, findings: dict[str, Finding], look: Look, sight: Sight, unseen: set[str]
) -> None:
    for key, finding in findings.items():
        known = state.alerts.get(key)
        if known is None:
            known = state.alerts[key] = Alert(finding, sight.now)
            look.new.append(known)
        elif known.over_at is not None:
            known.over_at = None
            known.since = sight.now
            look.new.append(known)
        known.finding = finding
    for key, alert in list(state.alerts.items()):
        if key in findings:
            continue
        if alert.over_at is None and alert.finding.check not in unseen:
            alert.over_at = sight.now
            look.over.append(alert)
        is_known_to_all = alert.over_at is not None and not alert.told
        if is_known_to_all or (alert.over_at and sight.now - alert.over_at > _KEEP_OVER):
            del state.alerts[key]
        elif alert.over_at is None and not state.is_silenced(alert.finding, sight.now):
            look.active.append(alert)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
