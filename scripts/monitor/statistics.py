"""What is usual: the median of earlier values and their spread, which single strange values do not move.

Usage:
    usual = Usual.of(values)
    usual.median + 6 * usual.spread
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

# The median of the absolute deviations of a normal distribution, times this, is its standard deviation.
_NORMAL = 1.4826
# Of eight values of normal noise, one spread in seven is less than half of the true one; with this addition, one in twenty.
_FEW = 3
# Counts vary by their square root even if nothing changes. A little less, so that half of a feed of fifty constant rows is noticed.
_OF_ROOT = 0.75


@dataclass(frozen=True)
class Usual:
    """The median of some values, and their spread: the median of their distances to it, scaled to a standard deviation."""

    median: float
    spread: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of at least one value. Few values may agree by chance, so that their spread is taken as larger than it looks."""
        middle = median(values)
        spread = _NORMAL * median(abs(value - middle) for value in values)
        return cls(middle, spread * (1 + _FEW / len(values)))


@dataclass(frozen=True)
class Range:
    """The least and the greatest number of rows that is usual, and the median."""

    least: float
    median: float
    greatest: float

    def contains(self, value: float) -> bool:
        """Whether a value is usual."""
        return self.least <= value <= self.greatest


def usual_rows(earlier: Iterable[int], spreads: float, least_factor: float) -> Range:
    """The usual numbers of rows, by their logarithms: half is as far away as double.

    Args:
        earlier: at least one number.
        spreads: how many spreads a number may be away from the median.
        least_factor: how far it always may be away.
    """
    usual = Usual.of([math.log(rows + 1) for rows in earlier])
    rows = math.exp(usual.median)
    spread = max(usual.spread, _OF_ROOT / math.sqrt(rows))
    factor = max(math.exp(spreads * spread), least_factor)
    return Range(rows / factor - 1, rows - 1, rows * factor - 1)
