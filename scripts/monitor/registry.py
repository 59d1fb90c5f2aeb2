"""Every check of the monitor: its name, how bad it is, what to do.

Usage:
    @check("disk_full", Severity.WARNING, "a file system is nearly full", "remove what is not needed")
    def disk_full(sight: Sight) -> Iterator[Seen]:
        yield Seen("/data", "/data: 3 GB of 500 GB are free")

Each check has a page of its name in docs/runbooks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from scripts.monitor.sight import Sight


class HiddenError(Exception):
    """What a check looks at cannot be seen now, which another check tells: its alerts stay as they are."""


class Severity(StrEnum):
    """How bad something is."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True)
class Seen:
    """Something that a check has noticed.

    Attributes:
        subject: what it is about; together with the check, it identifies the alert from look to look.
        what: what is wrong and where, in one line; without personal values, since it is sent to others.
        severity: if it is not that of the check.
    """

    subject: str
    what: str
    severity: Severity | None = None


@dataclass(frozen=True)
class Finding:
    """Something to tell, with all that its reader needs."""

    check: str
    severity: Severity
    subject: str
    what: str
    action: str

    @property
    def key(self) -> str:
        """Identifies it from look to look."""
        return f"{self.check}: {self.subject}"

    @property
    def runbook(self) -> str:
        """The page about it, from the folder of the project."""
        return f"docs/runbooks/{self.check}.md"


@dataclass(frozen=True)
class Check:
    """A kind of trouble that is looked for.

    Attributes:
        name: identifies it; also the name of its page.
        severity: how bad it is.
        notices: what it notices, in words.
        action: what to do, in one line.
        look: finds it.
    """

    name: str
    severity: Severity
    notices: str
    action: str
    look: Callable[[Sight], Iterator[Seen]]

    def findings(self, sight: Sight) -> list[Finding]:
        """All that it finds now; raises what reading may raise."""
        return [
            Finding(self.name, seen.severity or self.severity, seen.subject, seen.what, self.action)
            for seen in self.look(sight)
        ]


CHECKS: dict[str, Check] = {}


def check(
    name: str, severity: Severity, notices: str, action: str
) -> Callable[[Callable[[Sight], Iterator[Seen]]], Callable[[Sight], Iterator[Seen]]]:
    """Register a function as a check."""

    def register(look: Callable[[Sight], Iterator[Seen]]) -> Callable[[Sight], Iterator[Seen]]:
        CHECKS[name] = Check(name, severity, notices, action, look)
        return look

    return register


# What cannot be looked at is told like anything else, but no check of its own looks for it.
BLIND = Check(
    "cannot_look",
    Severity.CRITICAL,
    "something cannot be read, so that its checks see nothing",
    "make what it names readable for the monitor",
    lambda _: iter(()),
)
