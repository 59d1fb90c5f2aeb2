"""What a key may use: rows, seconds, requests.

Usage:
    limits = read_limits()
    limits.of("analyst").rows_of_page
    rate = RateLimiter()
    wait = rate.seconds_to_wait(key_id, requests_per_minute=600)
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

DEFAULTS = Path(__file__).with_name("limits.yml")


class LimitsError(Exception):
    """A file of limits that cannot be used; names the file and what to do."""


@dataclass(frozen=True)
class RoleLimits:
    """What a key of a role may use; limits.yml describes each."""

    rows_of_page: int
    rows_of_stream: int
    seconds: int
    stream_seconds: int
    requests_per_minute: int


@dataclass(frozen=True)
class AllLimits:
    """The limits of all roles."""

    default: RoleLimits
    roles: dict[str, RoleLimits]

    def of(self, role: str) -> RoleLimits:
        """Those of a role."""
        return self.roles.get(role, self.default)


def read_limits(own: Path | None = None) -> AllLimits:
    """The limits of the project; those that a file of one's own names are replaced.

    Raises:
        LimitsError: the file cannot be read, or names a limit that does not exist or is no number.
    """
    content = _read(DEFAULTS)
    if own is not None:
        given = _read(own)
        content["default"] |= given.get("default") or {}
        for role, values in (given.get("roles") or {}).items():
            content["roles"][role] = content["roles"].get(role, {}) | (values or {})
    file = own or DEFAULTS
    default = RoleLimits(**_checked(file, "default", content["default"]))
    roles = {
        str(role): replace(default, **_checked(file, f"roles.{role}", values))
        for role, values in content["roles"].items()
    }
    return AllLimits(default, roles)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise LimitsError(f"{file}: cannot be read: {said}; correct it") from error
    is_usable = isinstance(content, dict) and all(
        isinstance(content.get(section) or {}, dict) for section in ("default", "roles")
    )
    if not is_usable or content.keys() - {"default", "roles"}:
        raise LimitsError(f"{file}: write `default` and `roles`, as in {DEFAULTS.name}")
    return dict(content)


def _checked(file: Path, section: str, values: Any) -> dict[str, int]:
    known = [field.name for field in fields(RoleLimits)]
    if not isinstance(values, dict):
        raise LimitsError(f"{file}, {section}: write `name: number`, as in {DEFAULTS.name}")
    for name, value in values.items():
        if name not in known:
            raise LimitsError(f"{file}, {section}: no limit {name}; there are {', '.join(known)}")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise LimitsError(
                f"{file}, {section}: {name} is {value!r}; write a whole number from 1"
            )
    return values


class RateLimiter:
    """Counts requests by key, in this process: each key has a bucket that fills steadily, and a request takes one drop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def seconds_to_wait(self, key_id: str, requests_per_minute: int) -> float:
        """0 if a request may be made now, and it is counted; otherwise how long to wait."""
        per_second, most = requests_per_minute / 60, max(1.0, requests_per_minute / 2)
        now = self._clock()
        with self._lock:
            level, at = self._buckets.get(key_id, (most, now))
            level = min(most, level + (now - at) * per_second)
            is_free = level >= 1
            self._buckets[key_id] = (level - is_free, now)
        return 0.0 if is_free else (1 - level) / per_second
