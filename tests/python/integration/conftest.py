"""One built world for all tests that only read it."""

import pytest
from project import Project

from brokerage_sources.generate import Parameters, generate


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small world, loaded and built with all tests. Files that use it belong to the xdist group `built`."""
    project = Project(tmp_path_factory.mktemp("built"))
    generate(Parameters(scale_factor=0.02), project.sources)
    assert project.load() == []
    build = project.dbt("--log-level", "warn", "build")
    assert build.returncode == 0, build.stdout
    return project
