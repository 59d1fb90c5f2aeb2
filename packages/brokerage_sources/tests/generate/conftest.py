"""One tiny dataset for all tests that only read."""

from pathlib import Path

import pytest

from brokerage_sources.generate import Dataset, Parameters, generate


@pytest.fixture(scope="session")
def tiny() -> Parameters:
    return Parameters(scale_factor=0.01, seed=11)


@pytest.fixture(scope="session")
def dataset(tiny: Parameters, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return generate(tiny, tmp_path_factory.mktemp("datasets") / "tiny")


@pytest.fixture(scope="session")
def folder(dataset: Dataset) -> Path:
    return dataset.output
