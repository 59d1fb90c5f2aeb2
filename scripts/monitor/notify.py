"""Tell notification services: each alert once, again after a time, and when it is over.

Usage:
    problems = tell(["slack://...", "mailto://..."], look.active, state, now, repeat_after)

What is told is remembered for each service once it has taken the message, so one that is dead is told at a later look, and the others are not told
twice. If the monitor is killed between telling and remembering, it tells again. Addresses may hold passwords: neither messages nor the state show them.
"""

import hashlib
import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from scripts.monitor.registry import Severity
from scripts.monitor.state import Alert, State

_INSTALL = "apprise is not installed; run `make .venv/.monitor`"


def tell(
    addresses: Sequence[str],
    active: Sequence[Alert],
    state: State,
    now: datetime,
    repeat_after: timedelta,
) -> list[str]:
    """Tell each service what it does not know yet; returns what could not be told.

    Args:
        addresses: URLs of apprise.
        active: alerts that hold now and are not silenced.
        state: holds all alerts, also those that are over.
        now: the time, in UTC.
        repeat_after: an alert that still holds is told again after this time.
    """
    problems = []
    # Not only when there is something to tell: that would be late.
    if addresses and not _is_installed():
        problems.append(f"MONITOR_NOTIFY names services, but {_INSTALL}")
        addresses = ()
    for number, address in enumerate(addresses, start=1):
        service = hashlib.sha256(address.encode()).hexdigest()[:16]
        due = [
            alert
            for alert in active
            if service not in alert.told or now - alert.told[service] >= repeat_after
        ]
        over = [alert for alert in state.alerts.values() if alert.over_at and service in alert.told]
        if not (due or over):
            continue
        if problem := _send(address, *_message(due, over, service)):
            scheme = address.partition(":")[0]
            problems.append(
                f"service {number} of MONITOR_NOTIFY ({scheme}) was not told: {problem}; it is tried again at the next look"
            )
            continue
        for alert in due:
            alert.told[service] = now
        for alert in over:
            del alert.told[service]
    for key, alert in list(state.alerts.items()):
        if alert.over_at and not alert.told:
            del state.alerts[key]
    return problems


def _is_installed() -> bool:
    return importlib.util.find_spec("apprise") is not None


def _message(due: list[Alert], over: list[Alert], service: str) -> tuple[str, str, str]:
    """Title, text and kind of a message: one for everything that a look has to tell."""
    counts = [
        f"{len(alerts)} {word}" for alerts, word in ((due, "to look at"), (over, "over")) if alerts
    ]
    lines = []
    for alert in due:
        finding = alert.finding
        again = f" (since {alert.since:%Y-%m-%d %H:%M} UTC)" if service in alert.told else ""
        lines.append(
            f"{finding.severity}: {finding.what}{again}\n  {finding.action}; {finding.runbook}"
        )
    lines += [f"over: {alert.finding.what}" for alert in over]
    is_critical = any(alert.finding.severity == Severity.CRITICAL for alert in due)
    kind = "failure" if is_critical else "warning" if due else "success"
    return f"Brokerage warehouse: {', '.join(counts)}", "\n".join(lines), kind


def _send(address: str, title: str, text: str, kind: str) -> str | None:
    """Send a message; returns why it could not be sent."""
    # It takes a fifth of a second to import, and most looks have nothing to tell.
    import apprise

    with _kept_log() as said:
        sender: Any = apprise.Apprise()
        if not sender.add(address):
            return "apprise does not know such an address; correct it"
        if sender.notify(title=title, body=text, notify_type=kind, body_format="text"):
            return None
    return said[-1] if said else "it refused the message"


@contextmanager
def _kept_log() -> Iterator[list[str]]:
    """Keep what apprise logs, instead of showing it; without details, which may hold passwords."""
    said: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage().partition(":")[0].strip())

    logger = logging.getLogger("apprise")
    keeper = Keeper(logging.WARNING)
    was_propagated, logger.propagate = logger.propagate, False
    logger.addHandler(keeper)
    try:
        yield said
    finally:
        logger.removeHandler(keeper)
        logger.propagate = was_propagated
