"""The pages that there are: each exposure of the project that is shown by the dashboard has its address, and a module of the same name.

Usage:
    for exposure in exposures():
        print(exposure.name, exposure.label)

models/exposures.yml is the only list of them. Whoever adds a page adds an exposure with a `url`, and `pages/<name>.py`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from scripts.warehouse.settings import ROOT

EXPOSURES = ROOT / "models" / "exposures.yml"
HOST, PORT = "127.0.0.1", 8501


@dataclass(frozen=True)
class Exposure:
    """Who uses what.

    Attributes:
        name: of the exposure, its module and its address.
        label: as people call it.
        kind: `dashboard`, `application`, ...
        owner: a role.
        description: what it is for.
        url: where it is; empty if the dashboard does not show it.
    """

    name: str
    label: str
    kind: str
    owner: str
    description: str
    url: str

    @property
    def summary(self) -> str:
        """The first sentence of the description."""
        return self.description.split(". ")[0].removesuffix(".") + "."

    @property
    def is_shown(self) -> bool:
        """Whether it is a page of the dashboard."""
        return urlsplit(self.url).port == PORT


def exposures(file: Path = EXPOSURES) -> list[Exposure]:
    """All exposures, in the order in which they are declared."""
    declared = yaml.safe_load(file.read_text(encoding="utf-8"))["exposures"]
    return [_exposure(one) for one in declared]


def shown_exposures() -> list[Exposure]:
    """Those that the dashboard shows."""
    return [exposure for exposure in exposures() if exposure.is_shown]


def _exposure(declared: dict[str, Any]) -> Exposure:
    return Exposure(
        name=declared["name"],
        label=declared["label"],
        kind=declared["type"],
        owner=declared["owner"]["name"],
        description=" ".join(declared["description"].split()),
        url=declared.get("url", ""),
    )
