"""One tiny world for all tests that only read."""

from pathlib import Path

import pytest

from scripts.generate import Parameters, World, generate


@pytest.fixture(scope="session")
def tiny() -> Parameters:
    return Parameters(scale_factor=0.01, seed=11)


@pytest.fixture(scope="session")
def world(tiny: Parameters, tmp_path_factory: pytest.TempPathFactory) -> World:
    return generate(tiny, tmp_path_factory.mktemp("worlds") / "tiny")


@pytest.fixture(scope="session")
def folder(world: World) -> Path:
    return world.output
