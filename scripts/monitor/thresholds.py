"""The limits of the monitor, with what a file of one's own replaces.

Usage:
    thresholds = read_thresholds(Path("own.yml"))
    thresholds["disk"]["free_share"]
    thresholds.of_feed("market.daily_market")["least_factor"]
"""

from pathlib import Path
from typing import Any

import yaml

DEFAULTS = Path(__file__).with_name("thresholds.yml")


class ThresholdsError(Exception):
    """A file of thresholds that cannot be used; names the file and what to do."""


class Thresholds(dict[str, dict[str, Any]]):
    """The limits by section and name, as in thresholds.yml."""

    def of_feed(self, label: str) -> dict[str, Any]:
        """The limits of a feed, `system.feed`."""
        return self["feed"] | (self["feeds"].get(label) or {})


def read_thresholds(own: Path | None = None) -> Thresholds:
    """The limits of the project; those that a file of one's own names are replaced.

    Raises:
        ThresholdsError: the file cannot be read, or names a limit that does not exist or has another type.
    """
    limits = Thresholds(_read(DEFAULTS))
    if own is None:
        return limits
    for section, values in _read(own).items():
        if section not in limits:
            raise ThresholdsError(f"{own}: {_unknown(section, limits)}")
        if section == "feeds" and isinstance(values, dict):
            for label, exceptions in values.items():
                _check(own, f"feeds.{label}", limits["feed"], exceptions)
        else:
            _check(own, section, limits[section], values)
        limits[section] = limits[section] | values
    return limits


def _check(file: Path, section: str, known: dict[str, Any], values: object) -> None:
    if not isinstance(values, dict):
        raise ThresholdsError(f"{file}: {section} has no limits; write them as `name: value`")
    for name, value in values.items():
        if name not in known:
            raise ThresholdsError(f"{file}, {section}: {_unknown(name, known)}")
        expected = list if isinstance(known[name], list) else (int, float)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ThresholdsError(
                f"{file}: {section}.{name} is {value!r}; write it as in {DEFAULTS.name}"
            )


def _unknown(name: str, known: dict[str, Any]) -> str:
    return f"there is no {name!r}; there are {', '.join(known)}"


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise ThresholdsError(f"{file}: cannot be read: {said}; correct it") from error
    if not isinstance(content, dict):
        raise ThresholdsError(f"{file}: holds no sections; write it as {DEFAULTS.name}")
    return content
