"""Acceptance of the generator: the dataset it writes is what the workload describes.

A small dataset by default. `GENERATOR_SCALES=3,10` runs the same tests at those scale factors, where
row counts are held to the workload's formulas and shares to its rates.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from brokerage_sources.generate import Parameters, generate
from brokerage_sources.verify import Result, verify
from brokerage_sources.verify.formulas import SMALLEST_SCALE

SMALL_SCALE = "0.05"
SCALES = [float(scale) for scale in os.environ.get("GENERATOR_SCALES", SMALL_SCALE).split(",")]


@pytest.fixture(scope="module", params=SCALES, ids=lambda scale: f"scale_{scale:g}")
def scale_factor(request: pytest.FixtureRequest) -> float:
    """Each scale factor to be tested."""
    return float(request.param)


@pytest.fixture(scope="module")
def dataset(scale_factor: float, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of a scale factor, written by one worker."""
    folder = tmp_path_factory.mktemp("generated") / "dataset"
    generate(Parameters(scale_factor=scale_factor), folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def results(dataset: Path, scale_factor: float) -> list[Result]:
    """What the independent check finds."""
    return verify(
        dataset,
        scale_factor=scale_factor if scale_factor >= SMALLEST_SCALE else None,
        hard_cases_expected=True,
    )


def _failed(results: list[Result], belongs: Callable[[str], bool]) -> list[Result]:
    """Failures of a topic, of which there must be results at all."""
    chosen = [result for result in results if belongs(result.name)]
    assert chosen
    return [result for result in chosen if not result.ok]


def test_row_counts_follow_the_formulas(results: list[Result], scale_factor: float) -> None:
    if scale_factor < SMALLEST_SCALE:
        pytest.skip(f"formulas hold from scale factor {SMALLEST_SCALE:g} on; see GENERATOR_SCALES")
    assert _failed(results, lambda name: name.startswith("formulas.")) == []


def test_audit_values_are_those_of_the_files(results: list[Result]) -> None:
    assert _failed(results, lambda name: name.startswith("audit.")) == []


def test_rows_have_the_properties_of_the_workload(results: list[Result]) -> None:
    others = ("audit.", "formulas.", "rates.", "hard_cases.", "warehouse.")
    assert _failed(results, lambda name: not name.startswith(others)) == []


def test_a_warehouse_can_pass_the_audit(results: list[Result]) -> None:
    assert _failed(results, lambda name: name.startswith("warehouse.")) == []


def test_rates_are_those_of_the_workload(results: list[Result], scale_factor: float) -> None:
    if scale_factor < 1:
        pytest.skip("a dataset below scale factor 1 has more errors than its share")
    assert _failed(results, lambda name: name.startswith("rates.")) == []


def test_every_error_and_hard_case_occurs(results: list[Result]) -> None:
    assert _failed(results, lambda name: name.startswith("hard_cases.")) == []


@pytest.mark.parametrize("workers", [2, 4])
def test_bytes_do_not_depend_on_the_run_or_its_workers(
    workers: int, dataset: Path, scale_factor: float, tmp_path: Path
) -> None:
    again = tmp_path / "dataset"
    generate(Parameters(scale_factor=scale_factor), again, workers=workers)
    assert _digests(again) == _digests(dataset)


def test_another_seed_gives_another_dataset(
    dataset: Path, scale_factor: float, tmp_path: Path
) -> None:
    other = tmp_path / "dataset"
    generate(Parameters(scale_factor=scale_factor, seed=2), other)
    found, known = _digests(other), _digests(dataset)
    assert found.keys() == known.keys()
    assert all(
        found[f"Batch{batch}/Trade.txt"] != known[f"Batch{batch}/Trade.txt"] for batch in (1, 2, 3)
    )


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the batches and of the audit files beside them, by path."""
    digests = {}
    for path in sorted((*folder.glob("Batch*/*"), *folder.glob("*_audit.csv"))):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        digests[str(path.relative_to(folder))] = digest
    return digests
