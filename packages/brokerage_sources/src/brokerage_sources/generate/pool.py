"""Drawing without replacement from a changing set of ids."""

import numpy as np

from brokerage_sources.generate.draws import Stream

_DEAD = -1


class Pool:
    """Ids still alive. Drawing and removing cost time by the size of the draw, not of the pool."""

    def __init__(self, capacity: int, stream: Stream) -> None:
        self._ids = np.zeros(capacity, dtype=np.int64)
        self._position = np.full(capacity, _DEAD, dtype=np.int64)
        self._size = 0
        self._stream = stream

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
