"""Figures of prospects: each is a function of the prospect, and of how often it has changed."""

import numpy as np

from brokerage_sources.generate.draws import Flags, Integers, Stream
from brokerage_sources.generate.parameters import Parameters

_NULL_PERCENT = 5
# From, to.
FIGURES = {
    "income": (0, 500_000),
    "cars": (0, 5),
    "children": (0, 5),
    "age": (0, 100),
    "rating": (300, 850),
    "cards": (0, 10),
    "net_worth": (10_000, 4_000_000),
}


def rows_of_prospects(ids: Integers, changes: Integers) -> Integers:
    """What decides the figures of prospects that have changed so many times."""
    return np.asarray((ids << 9) + changes)


def figure(parameters: Parameters, column: str, rows: Integers) -> Integers:
    """Values of a figure; see `is_given`."""
    low, high = FIGURES[column]
    return _stream(parameters, column).between(rows, low, high)


def is_given(parameters: Parameters, column: str, rows: Integers) -> Flags:
    """Whether the list has a value in a column."""
    return ~_stream(parameters, f"{column}_null").chance(rows, _NULL_PERCENT)


def _stream(parameters: Parameters, column: str) -> Stream:
    return Stream(parameters.seed, f"prospect.{column}")
