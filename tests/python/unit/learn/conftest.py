"""One model, trained once on customers with a signal."""

import numpy as np
import pytest

from scripts.learn.artifact import Model
from scripts.learn.examples import Examples
from scripts.learn.training import Trained, train
from tests.python.learning import QUESTION, SOURCE, planted_customers


@pytest.fixture(scope="session")
def planted() -> tuple[Examples, np.ndarray]:
    return planted_customers(strength=1.0)


@pytest.fixture(scope="session")
def trained(planted: tuple[Examples, np.ndarray]) -> Trained:
    return train(QUESTION, planted[0], SOURCE)


@pytest.fixture(scope="session")
def model(trained: Trained) -> Model:
    return Model(trained.graph, trained.description)
