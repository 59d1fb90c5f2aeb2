"""Random numbers without a generator: every value is a pure function of (seed, column, row).

A `Stream` belongs to one column of one table. Its number for row r is the splitmix64 finalizer applied to
`key + r * golden ratio`, with the key taken from a hash of the seed and the column's name. Hence the value of a row does
not depend on which process computes it, in which chunk, or in which order, and numpy's own generators (whose
distributions may change between versions) are not involved.

    Stream(7, "trade.quantity").between(np.arange(5), 10, 10_000)

Source of the mixer: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
"""

from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bits: TypeAlias = npt.NDArray[np.uint64]
Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = (np.uint64(shift) for shift in (27, 30, 31, 32))
_LOW = np.uint64(0xFFFFFFFF)


@lru_cache(maxsize=4096)
def _key(seed: int, column: str) -> np.uint64:
    digest = blake2b(f"{seed}/{column}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


class Stream:
    """The random numbers of one column."""

    def __init__(self, seed: int, column: str) -> None:
        self._key = _key(seed, column)

    def bits(self, rows: npt.NDArray[np.integer]) -> Bits:
        """64 random bits per row."""
        z = rows.astype(np.uint64)
        z *= _GOLDEN
        z += self._key
        z ^= z >> _S30
        z *= _MIX_1
        z ^= z >> _S27
        z *= _MIX_2
        z ^= z >> _S31
        return z

    def below(self, rows: npt.NDArray[np.integer], bound: int | Integers) -> Integers:
        """Whole numbers 0 .. bound-1, equally likely; `bound` (one, or one per row) up to 2^32."""
        return scale_high(self.bits(rows), bound)

    def between(self, rows: npt.NDArray[np.integer], low: int, high: int) -> Integers:
        """Whole numbers low .. high, both included; the range may exceed 2^32."""
        span = high - low + 1
        if span <= 2**32:
            return self.below(rows, span) + low
        return (self.bits(rows) % np.uint64(span)).astype(np.int64) + low

    def chance(self, rows: npt.NDArray[np.integer], part: int, whole: int = 100) -> Flags:
        """True with probability part / whole."""
        return self.below(rows, whole) < part

    def pick(self, rows: npt.NDArray[np.integer], weights: list[int]) -> Integers:
        """Index into `weights`, as likely as its weight."""
        steps = np.cumsum(weights)
        return np.searchsorted(steps, self.below(rows, int(steps[-1])), side="right").astype(
            np.int64
        )

    def permutation(self, size: int) -> Integers:
        """The numbers 0 .. size-1 in random order."""
        return np.argsort(self.bits(np.arange(size)), kind="stable").astype(np.int64)

    def one_in(self, rows: npt.NDArray[np.integer], block: int) -> Flags:
        """True for exactly one row in every block of `block` consecutive rows."""
        index = rows // block
        return np.asarray(rows - index * block == self.below(index, block))

    def at_least(self, rows: npt.NDArray[np.integer], total: int, floor: int, one_in: int) -> Flags:
        """One row in `one_in`, and at least `floor` of the rows 0 .. total-1.

        Spread evenly (see `one_in`), so the floor holds for certain and not only on average.
        """
        if floor == 0:
            return self.chance(rows, 1, one_in)
        return self.one_in(rows, max(1, min(one_in, total // floor)))


def scale_high(bits: Bits, bound: int | Integers) -> Integers:
    """The upper 32 bits of each word, scaled to 0 .. bound-1."""
    return _scale(bits >> _S32, bound)


def scale_low(bits: Bits, bound: int | Integers) -> Integers:
    """The lower 32 bits of each word, scaled to 0 .. bound-1: a second number from one draw."""
    return _scale(bits & _LOW, bound)


def _scale(half: Bits, bound: int | Integers) -> Integers:
    factor = np.uint64(bound) if isinstance(bound, int) else bound.astype(np.uint64)
    half *= factor
    half >>= _S32
    return half.view(np.int64)


def half_up(numerator: Integers, denominator: int | Integers) -> Integers:
    """Rounded quotient of non-negative whole numbers, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)
