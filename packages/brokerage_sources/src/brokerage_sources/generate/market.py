"""The market data feed: DailyMarket.txt, a price for every traded security on every calendar day.

Securities join at the start of the quarter after their first record and leave at the start of the quarter in which they end.
Prices are independent draws, not paths. Each row needs two random words: close and high from one, low and volume from the other.
The prices of a day arrive with the batch of the day after.
"""

from functools import cache
from typing import Any

import numpy as np

from brokerage_sources.generate import calendar
from brokerage_sources.generate.audit import Tally, write_audit
from brokerage_sources.generate.cells import (
    CHUNK,
    END_OF_ROW,
    Cell,
    assemble,
    chunks,
    dates,
    every_pair,
    integers,
    table,
)
from brokerage_sources.generate.draws import Integers, Stream, scale_high, scale_low
from brokerage_sources.generate.finwire_plan import finwire_plan, symbols
from brokerage_sources.generate.parameters import MARKET_DAYS, Parameters
from brokerage_sources.generate.writing import DataFile, Workspace

_LOWEST, _HIGHEST = 50, 100_000  # closing prices in cents
_VOLUMES = 10**9 - 999


@cache
def _prices() -> Cell:
    """Every price up to one and a half times the highest close, in cents, with the separator."""
    units = table(str(unit) for unit in range(_HIGHEST * 3 // 200 + 1))
    return every_pair(units, table((f".{cents:02d}" for cents in range(100)), "|"))


class _Market:
    """The rows of all days: which securities, in which order, and the number of each day's first row."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._plan = finwire_plan(parameters)
        self._symbols = symbols(parameters.sizes.securities.created, b"|")
        self._first = Stream(parameters.seed, "market.close_high")
        self._second = Stream(parameters.seed, "market.low_volume")
        self._listings: dict[int, Integers] = {}
        days = np.arange(MARKET_DAYS + parameters.incremental_batches)
        self._quarters = calendar.quarter_of(calendar.MARKET_FIRST_DAY + days).tolist()
        counts = [len(self.listing(day)) for day in range(len(days))]
        self.first_row = np.concatenate([[0], np.cumsum(counts)])

    def listing(self, day: int) -> Integers:
        """Securities of a day, in an order that is drawn once a quarter."""
        quarter = self._quarters[day]
        if quarter not in self._listings:
            securities = self._plan.market(quarter)
            order = Stream(self._parameters.seed, f"market.order.{quarter}").bits(securities)
            self._listings[quarter] = securities[np.argsort(order, kind="stable")]
        return self._listings[quarter]

    def cells(self, day: int, listing: Integers, rows: Integers) -> list[Any]:
        """Cells from the date to the end of the row."""
        first, second = self._first.bits(rows), self._second.bits(rows)
        close = scale_high(first, _HIGHEST - _LOWEST + 1) + _LOWEST
        high = _scaled(close, 1_000_000 + scale_low(first, 500_001))
        low = _scaled(close, 500_000 + scale_high(second, 500_001))
        volume = scale_low(second, _VOLUMES) + 1000
        day_cell = dates(np.array([calendar.MARKET_FIRST_DAY + day]))[0] + b"|"
        prices = _prices()
        return [day_cell, self._symbols.take(listing), prices.take(close), prices.take(high), prices.take(low),
                integers(volume), END_OF_ROW]  # fmt: skip


def _scaled(close: Integers, millionths: Integers) -> Integers:
    """The close times so many millionths, rounded half up."""
    return (close * millionths + 500_000) // 1_000_000


def write(workspace: Workspace, parameters: Parameters) -> None:
    """DailyMarket.txt of every batch, with audit files."""
    market = _Market(parameters)
    with workspace.file(1, "DailyMarket.txt") as file:
        for day in range(MARKET_DAYS):
            _write_day(file, market, day, numbered=False)
    write_audit(workspace, 1, "DailyMarket", Tally({"FactMarketHistory.DM_RECORDS": file.rows}))
    for batch in range(2, parameters.batches + 1):
        with workspace.file(batch, "DailyMarket.txt") as file:
            _write_day(file, market, MARKET_DAYS + batch - 2, numbered=True)
        write_audit(
            workspace, batch, "DailyMarket", Tally({"FactMarketHistory.DM_RECORDS": file.rows})
        )


def _write_day(file: DataFile, market: _Market, day: int, numbered: bool) -> None:
    listing, first = market.listing(day), int(market.first_row[day])
    for chosen in chunks(0, len(listing), CHUNK):
        rows = first + chosen
        number = [b"I|", integers(rows + 1), b"|"] if numbered else []
        file.write(assemble([number, market.cells(day, listing[chosen], rows)]), len(rows))
