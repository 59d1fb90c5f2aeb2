"""Claims that hold row by row in sound source files, one file per topic.

A check is in the `.sql` file of its topic, or in the module where its SQL is put together from lists of columns or tables.

What the official data break on purpose or by accident is not claimed: closed accounts and inactive
customers keep trading, accounts of inactive customers are still changed, a sold security may have
left the market.
"""

from __future__ import annotations

from brokerage_sources.verify.check import Check
from brokerage_sources.verify.properties import customers, files, finwire, prospects
from brokerage_sources.verify.sql_file import read_checks

CHECKS: list[Check] = [
    *files.CHECKS,
    *read_checks("properties/reference.sql"),
    *finwire.CHECKS,
    *customers.CHECKS,
    *prospects.CHECKS,
    *read_checks("properties/trades.sql"),
    *read_checks("properties/market.sql"),
    *read_checks("properties/watches.sql"),
]
