"""Drawing without replacement from a changing set of ids."""

import numpy as np
import numpy.typing as npt

from brokerage_sources.generate.draws import Stream

_DEAD = -1


class Pool:
    """Ids still alive. Drawing and removing cost time by the size of the draw, not of the pool."""

    def __init__(self, capacity: int, stream: Stream, weighted: Stream | None = None) -> None:
        self._ids = np.zeros(capacity, dtype=np.int64)
        self._position = np.full(capacity, _DEAD, dtype=np.int64)
        self._size = 0
        self._stream = stream
        self._weighted = weighted or stream

    def __contains__(self, member: int) -> bool:
        return bool(self._position[member] != _DEAD)

    def add(self, first: int, stop: int) -> None:
        """The ids first .. stop-1 are added."""
        count = stop - first
        self._ids[self._size : self._size + count] = np.arange(first, stop)
        self._position[first:stop] = np.arange(self._size, self._size + count)
        self._size += count

    def remove(self, members: list[int]) -> None:
        """Remove these ids."""
        for member in members:
            self._size -= 1
            hole, last = self._position[member], self._ids[self._size]
            self._ids[hole] = last
            self._position[last] = hole
            self._position[member] = _DEAD

    def draw(self, count: int, round_number: int) -> list[int]:
        """`count` different living ids, each equally likely."""
        rows = (round_number << 24) + np.arange(2 * count + 16)
        if self._size > 4 * len(rows):
            positions = self._stream.below(rows, self._size)
            first_seen = np.sort(np.unique(positions, return_index=True)[1])
            positions = positions[first_seen]
        else:
            rows = (round_number << 24) + np.arange(self._size)
            positions = np.argsort(self._stream.bits(rows), kind="stable")
        return [int(member) for member in self._ids[positions[:count]]]

    def draw_weighted(
        self, count: int, round_number: int, weights: npt.NDArray[np.float64]
    ) -> list[int]:
        """`count` different living ids, one after the other, each as likely as its weight among those that are left. Takes time by the size of the pool.

        Each waits an exponential time with its weight as the rate; the first ones are drawn.
        """
        alive = self._ids[: self._size]
        bits = self._weighted.bits((round_number << 24) + np.arange(self._size))
        # Above 0 and up to 1, in steps of 2^-53.
        uniform = ((bits >> np.uint64(11)).astype(np.float64) + 1) / 2.0**53
        waiting = -np.log(uniform) / weights[alive]
        return [int(member) for member in alive[np.argsort(waiting, kind="stable")[:count]]]
