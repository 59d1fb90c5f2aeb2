"""Days and times of the dataset, as days and seconds since 1970-01-01.

Batch 1 ends with 2017-07-07; each incremental batch is the next day. Every source system has a history of its own:

| system                | from       | to                                                                |
| --------------------- | ---------- | ----------------------------------------------------------------- |
| finwire               | 1967-01-01 | 2017-07-07, in calendar quarters                                  |
| crm                   | 2007-07-07 | 2017-07-07, in equal steps                                        |
| trades, watches       | 2012-07-07 | 2017-07-07, trades in days, watches in as many steps as crm       |
| daily market          | 2015-07-06 | 2017-07-06: the prices of a day arrive with the batch of the next |

A watch step and the CRM step of the same number end at the same share of their histories. As the CRM history is twice as long, a
customer of an earlier CRM step always exists when a watch of that step is set.
"""

from datetime import date

import numpy as np

from brokerage_sources.generate.draws import Bits, Integers

DAY = 86_400


def day_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01."""
    return (date(year, month, day) - date(1970, 1, 1)).days


FIRST_BATCH_DAY = day_of(2017, 7, 7)
CRM_FIRST_DAY = day_of(2007, 7, 7)
TRADE_FIRST_DAY = day_of(2012, 7, 7)
MARKET_FIRST_DAY = day_of(2015, 7, 6)
HISTORY_END = (FIRST_BATCH_DAY + 1) * DAY  # the first second after batch 1
HUNDRED_YEARS = 36_525  # days; true for every batch date there can be
FINWIRE_FIRST_YEAR = 1967
LAST_QUARTER = 202  # 2017Q3


def batch_day(batch: int) -> int:
    """The day of a batch (1, 2, ...)."""
    return FIRST_BATCH_DAY + batch - 1


def quarter_first_day(quarter: int) -> int:
    """First day of a quarter; quarter 0 is 1967Q1."""
    return day_of(FINWIRE_FIRST_YEAR + quarter // 4, quarter % 4 * 3 + 1, 1)


def quarter_of(days: Integers) -> Integers:
    """Number of the quarter that contains each day."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // 3 - (FINWIRE_FIRST_YEAR - 1970) * 4)


def quarter_of_day(day: int) -> int:
    """Number of the quarter that contains a day."""
    return int(quarter_of(np.array([day]))[0])


def step_bounds(first_day: int, step: int, steps: int) -> tuple[int, int]:
    """First and one-past-last second of a step, if `steps` + 1 equal steps lead from `first_day` to batch 1's end.

    Steps after `steps` are the days of the incremental batches.
    """
    if step > steps:
        start = HISTORY_END + (step - steps - 1) * DAY
        return start, start + DAY
    length = HISTORY_END - first_day * DAY
    start = first_day * DAY
    return start + length * step // (steps + 1), start + length * (step + 1) // (steps + 1)


def last_complete_step(days: Integers, first_day: int, steps: int) -> Integers:
    """The latest step that has ended before each day begins (-1: none). Batch days count as steps."""
    ends = np.array(
        [-(-step_bounds(first_day, step, steps)[1] // DAY) for step in range(steps + 1)]
    )
    later = np.maximum(days - FIRST_BATCH_DAY - 1, 0)
    return np.searchsorted(ends, np.minimum(days, FIRST_BATCH_DAY + 1), side="right") - 1 + later


def even_times(
    start: int | Integers, end: int | Integers, ranks: Integers, count: int | Integers, bits: Bits
) -> Integers:
    """Times of `count` events in [start, end), in order of rank: one in each of `count` equal parts, at random."""
    part = (ranks << 16) + (bits >> np.uint64(48)).astype(np.int64)
    return np.asarray(start + part * (end - start) // (count << 16))
