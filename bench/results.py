"""Results: one JSON file for each part, scale and engine, so that a later run adds or replaces some.

Usage:
    save(Path("data/bench"), result)
    results = read_results(Path("data/bench"))
    results.median(3, "duckdb", "build", "build").seconds
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scripts.warehouse.process import Run

# The name in place of an engine where only files are worked on.
FILES = "files"


@dataclass(frozen=True)
class Result:
    """The result of one part.

    Attributes:
        scale: scale factor of the dataset.
        engine: name of the engine, or `FILES`.
        part: name of the part.
        measured_at: when, in UTC, ISO 8601.
        version: the commit that was measured.
        machine: what it ran on, in words, by topic.
        steps: the runs of each step of the part.
        figures: other counts, by name.
        failure: why the part did not complete; None if it did.
    """

    scale: float
    engine: str
    part: str
    measured_at: str
    version: str
    machine: dict[str, str]
    steps: dict[str, list[Run]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None

    @property
    def file_name(self) -> str:
        """Name of the file it is kept in."""
        return f"{self.engine}-{self.scale:g}-{self.part}.json"


@dataclass(frozen=True)
class Results:
    """All results of a folder."""

    all: list[Result]

    @property
    def scales(self) -> list[float]:
        """The scales, smallest first."""
        return sorted({result.scale for result in self.all})

    @property
    def engines(self) -> list[str]:
        """The engines, by name."""
        return sorted({result.engine for result in self.all} - {FILES})

    def of(self, part: str) -> list[Result]:
        """The results of a completed part, by engine and scale."""
        found = [result for result in self.all if result.part == part and result.failure is None]
        return sorted(found, key=lambda result: (result.engine, result.scale))

    def find(self, scale: float, engine: str, part: str) -> Result | None:
        """The result of a part, if it was measured and completed."""
        for result in self.of(part):
            if (result.scale, result.engine) == (scale, engine):
                return result
        return None

    def median(self, scale: float, engine: str, part: str, step: str) -> Run | None:
        """The medians of a step, if it was measured."""
        result = self.find(scale, engine, part)
        runs = result.steps.get(step) if result else None
        return median_of(runs) if runs else None


def median_of(runs: Sequence[Run]) -> Run:
    """The medians of some runs, each figure for itself."""
    return Run(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.cpu_seconds for run in runs),
        statistics.median(run.peak_mib for run in runs),
    )


def save(folder: Path, result: Result) -> None:
    """Write the result, replacing an earlier one of the same part."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / result.file_name
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def read_results(folder: Path) -> Results:
    """Read every result of a folder.

    Raises:
        ValueError: a file holds no result; the message names it.
    """
    return Results([_read(path) for path in sorted(folder.glob("*.json"))])


def _read(path: Path) -> Result:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        steps = content.pop("steps")
        runs = {name: [Run(**run) for run in of_step] for name, of_step in steps.items()}
        return Result(**content, steps=runs)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a result of bench ({error}); remove it") from error
