"""Claims that hold row by row in sound source files, one module per topic.

What the official data break on purpose or by accident is not claimed: closed accounts and inactive
customers keep trading, accounts of inactive customers are still changed, a sold security may have
left the market.
"""

from __future__ import annotations

from brokerage_sources.verify.check import Check
from brokerage_sources.verify.properties import (
    customers,
    files,
    finwire,
    market,
    prospects,
    reference,
    trades,
    watches,
)

CHECKS: list[Check] = [
    *files.CHECKS,
    *reference.CHECKS,
    *finwire.CHECKS,
    *customers.CHECKS,
    *prospects.CHECKS,
    *trades.CHECKS,
    *market.CHECKS,
    *watches.CHECKS,
]
