"""The lives of companies and securities: when each is created, changed and ended, quarter by quarter.

Ids are dense and ascend in time. The loop runs over 203 quarters, not over rows. Other systems ask three questions: which
securities trade in a quarter (`market`), how many existed before a quarter (`securities_before`), and what a symbol looks like
(`symbols`).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from brokerage_sources.generate.calendar import LAST_QUARTER
from brokerage_sources.generate.cells import Cell
from brokerage_sources.generate.draws import Integers, Stream
from brokerage_sources.generate.parameters import QUARTERS, Parameters, QuarterPlan
from brokerage_sources.generate.pool import Pool

SYMBOL_LETTERS = 15
FOREVER = QUARTERS + 1


@dataclass(frozen=True)
class Lives:
    """Lives of one kind of entity.

    Attributes:
        created: quarter of creation per id, ascending.
        ended: quarter in which the INAC record comes, `FOREVER` if none.
        before: ids created before each quarter (0 .. QUARTERS).
        changed: ids changed in each quarter.
        inactivated: ids ended in each quarter.
    """

    created: Integers
    ended: Integers
    before: Integers
    changed: list[list[int]]
    inactivated: list[list[int]]

    def alive_at_end(self, quarter: int) -> Integers:
        """Ids created up to and including the quarter and not ended by then."""
        known = int(self.before[quarter + 1])
        return np.flatnonzero(self.ended[:known] > quarter)


@dataclass(frozen=True)
class FinwirePlan:
    """All lives, and the market of each quarter."""

    companies: Lives
    securities: Lives

    def market(self, quarter: int) -> Integers:
        """Securities with a price on each day of a quarter: created before it and not ended up to its end."""
        quarter = min(quarter, LAST_QUARTER + 1)
        known = int(self.securities.before[quarter])
        return np.flatnonzero(self.securities.ended[:known] > quarter)

    def securities_before(self, quarter: int) -> int:
        """Number of securities ever created before a quarter."""
        return int(self.securities.before[min(quarter, LAST_QUARTER + 1)])


@lru_cache(maxsize=2)
def finwire_plan(parameters: Parameters) -> FinwirePlan:
    """The plan of a dataset; the same for every process that asks."""
    sizes = parameters.sizes
    return FinwirePlan(
        _lives(sizes.companies, 0, Stream(parameters.seed, "finwire.company_lives")),
        _lives(sizes.securities, 1, Stream(parameters.seed, "finwire.security_lives")),
    )


def _lives(plan: QuarterPlan, start: int, stream: Stream) -> Lives:
    created = np.zeros(plan.created, dtype=np.int64)
    ended = np.full(plan.created, FOREVER, dtype=np.int64)
    before = np.zeros(QUARTERS + 1, dtype=np.int64)
    changed: list[list[int]] = [[] for _ in range(QUARTERS)]
    inactivated: list[list[int]] = [[] for _ in range(QUARTERS)]
    pool = Pool(plan.created, stream)
    known = 0
    for quarter in range(QUARTERS):
        before[quarter] = known
        new = plan.initial if quarter == start else 0
        if quarter >= plan.first:
            mix = plan.mix
            drawn = pool.draw(mix.end + mix.change, quarter)
            inactivated[quarter], changed[quarter] = drawn[: mix.end], drawn[mix.end :]
            ended[inactivated[quarter]] = quarter
            pool.remove(inactivated[quarter])
            new += mix.new
        created[known : known + new] = quarter
        pool.add(known, known + new)
        known += new
    before[QUARTERS] = known
    return Lives(created, ended, before, changed, inactivated)


@lru_cache(maxsize=4)
def symbols(count: int, suffix: bytes = b"") -> Cell:
    """The first `count` symbols: 15 letters, base 26, padded with A; each followed by `suffix`."""
    letters = np.zeros((count, SYMBOL_LETTERS + len(suffix)), dtype=np.uint8)
    rest = np.arange(count)
    for position in reversed(range(SYMBOL_LETTERS)):
        rest, letter = np.divmod(rest, 26)
        letters[:, position] = letter + ord("A")
    letters[:, SYMBOL_LETTERS:] = np.frombuffer(suffix, dtype=np.uint8)
    return letters.view(f"S{letters.shape[1]}").ravel()
