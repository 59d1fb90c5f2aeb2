"""Row counts as functions of the scale factor.

Sizes are linear in the internal scale (1000 times the scale factor) up to integer rounding, and the
workload's official output has exactly these counts at scale 3, 5 and 10. Below scale 3 the official
rules degenerate (a quarter would have no new company), so the formulas apply only from there
on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from brokerage_sources.verify.check import Check, Result

SMALLEST_SCALE = 3.0

_QUARTERS = 203
_FIRST_YEAR = 1967
_TRADE_DAYS = 1827
_CALENDAR_DAYS = 25_933
_MARKET_DAYS = 732
_FIRST_MARKET_DAY = date(2015, 7, 6)


@dataclass(frozen=True)
class Changes:
    """How many of one kind are inserted, changed and deleted in one step."""

    new: int
    changed: int
    deleted: int

    @classmethod
    def of(cls, total: int, changed_share: int, deleted_share: int) -> Changes:
        """Split `total`: shares in percent, rounded down but at least one each; the rest is new."""
        changed = max(1, total * changed_share // 100)
        deleted = max(1, total * deleted_share // 100)
        return cls(total - changed - deleted, changed, deleted)


@dataclass(frozen=True)
class Sizes:
    """Everything that follows from the scale factor; `scale` is the internal scale."""

    scale: int

    @property
    def customers(self) -> Changes:
        """Customer changes per update."""
        return Changes.of(self.scale * 5 // 1000, 20, 10)

    @property
    def accounts(self) -> Changes:
        """Account changes per update."""
        return Changes.of(self.scale // 100, 20, 10)

    @property
    def updates(self) -> int:
        """Number of updates after the initial load of customers."""
        return (5 * self.scale - 3 * self.scale // 1000) // self._rows_per_update

    @property
    def initial_customers(self) -> int:
        """Customers of the initial load."""
        return 5 * self.scale - self.updates * self._rows_per_update

    @property
    def trades_per_day(self) -> int:
        """Trades born on every day."""
        return math.ceil(130 * self.scale / 1828)

    @property
    def watches_per_update(self) -> int:
        """Watch rows of one update, which is also the number of a later batch."""
        return math.ceil(300 * self.scale / (self.updates + 1))

    @property
    def prospects(self) -> int:
        """Rows of each prospect dump."""
        return 5 * self.scale - 6 * self.scale // 1000

    def companies_after(self, quarter: int) -> int:
        """Live companies after this quarter (0 = the first one)."""
        return _live_after(quarter, self.scale // 2, _QUARTERS)

    def securities_on(self, day: date) -> int:
        """Securities quoted on this day: those born before its quarter and live at its end."""
        quarter = (day.year - _FIRST_YEAR) * 4 + (day.month - 1) // 3 - 1
        records = 8 * self.scale // 10
        born = Changes.of(records // (_QUARTERS - 1), 1, 2).new
        return _live_after(quarter, records, _QUARTERS - 1) - born

    @property
    def financials(self) -> int:
        """FIN records of all quarters: one per company live at the end of the quarter before."""
        return sum(self.companies_after(quarter) for quarter in range(_QUARTERS - 1))

    @property
    def _rows_per_update(self) -> int:
        return math.ceil(115 * self.scale / 10_000)


def _live_after(quarter: int, records: int, quarters: int) -> int:
    """Live entities after a quarter; the first has what the even split over the others leaves."""
    per_quarter = records // quarters
    step = Changes.of(per_quarter, 1, 2)
    return records - (quarters - 1) * per_quarter + (step.new - step.deleted) * quarter


@dataclass(frozen=True)
class RowCount:
    """A count that must equal a number."""

    name: str
    claim: str
    expected: int
    sql: str

    def run(self, connection: duckdb.DuckDBPyConnection) -> list[Result]:
        """Compare the count found with the expected one."""
        row = connection.execute(self.sql).fetchone()
        found = int(row[0]) if row else 0
        return [
            Result(self.name, self.claim, found == self.expected, str(found), str(self.expected))
        ]


def checks(scale_factor: float, batches: int) -> list[Check]:
    """The row counts of every file of a folder of this scale with this many batches.

    Raises `ValueError` for a scale factor below 3, for which no formula is known.
    """
    if scale_factor < SMALLEST_SCALE:
        raise ValueError(
            f"row counts are defined from scale factor {SMALLEST_SCALE:g} on, not for "
            f"{scale_factor:g}; leave the scale factor out to skip them"
        )
    sizes = Sizes(round(scale_factor * 1000))
    found: list[Check] = [*_customer_counts(sizes), *_reference_counts(), *_first_counts(sizes)]
    for batch_id in range(2, batches + 1):
        found += _later_counts(sizes, batch_id)
    return found


def _count(name: str, claim: str, expected: int, table: str, condition: str = "true") -> RowCount:
    sql = f"select count(*) from {table} where {condition}"
    return RowCount(f"formulas.{name}", claim, expected, sql)


def _customer_counts(sizes: Sizes) -> list[Check]:
    customers, accounts, updates = sizes.customers, sizes.accounts, sizes.updates
    expected = {
        "NEW": sizes.initial_customers + updates * customers.new,
        "ADDACCT": updates * (accounts.new - customers.new),
        "UPDCUST": updates * customers.changed,
        "INACT": updates * customers.deleted,
        "UPDACCT": updates * accounts.changed,
        "CLOSEACCT": updates * accounts.deleted,
    }
    return [
        _count(
            f"customer_actions.{action}",
            f"{action} actions: the same number in each of {updates} updates",
            number,
            "customer_actions",
            f"action_type = '{action}'",
        )
        for action, number in expected.items()
    ]


def _reference_counts() -> list[Check]:
    fixed = {
        "dates": _CALENDAR_DAYS,
        "times": 86_400,
        "tax_rates": 320,
        "industries": 102,
        "status_types": 6,
        "trade_types": 5,
    }
    return [
        _count(table, "Reference files have the same size at every scale", number, table)
        for table, number in fixed.items()
    ]


def _first_counts(sizes: Sizes) -> list[Check]:
    market_days = (_FIRST_MARKET_DAY + timedelta(days=day) for day in range(_MARKET_DAYS))
    canceled_watches = sizes.updates * (sizes.watches_per_update // 5)
    return [
        _count("employees", "5 per unit of internal scale", 5 * sizes.scale, "employees"),
        _count("companies", "CMP records: 0.5 per unit", sizes.scale // 2, "companies"),
        _count("securities", "SEC records: 0.8 per unit", 8 * sizes.scale // 10, "securities"),
        _count(
            "financials",
            "FIN records: one per quarter and company live at its start",
            sizes.financials,
            "financials",
        ),
        _count("prospects.batch_1", "A full dump", sizes.prospects, "prospects", "batch_id = 1"),
        _count(
            "trades.batch_1",
            f"{sizes.trades_per_day} trades on each of {_TRADE_DAYS} days",
            _TRADE_DAYS * sizes.trades_per_day,
            "trades",
            "batch_id = 1",
        ),
        _count(
            "daily_market.batch_1",
            f"One row per live security on each of {_MARKET_DAYS} days",
            sum(sizes.securities_on(day) for day in market_days),
            "daily_market",
            "batch_id = 1",
        ),
        _count(
            "watch_history.batch_1",
            "The same number of rows in each update",
            (sizes.updates + 1) * sizes.watches_per_update,
            "watch_history",
            "batch_id = 1",
        ),
        _count(
            "watch_history.canceled.batch_1",
            "A fifth of the rows of each update but the first cancel a watch",
            canceled_watches,
            "watch_history",
            "batch_id = 1 and w_action = 'CNCL'",
        ),
    ]


def _later_counts(sizes: Sizes, batch_id: int) -> list[Check]:
    last_market_day = _FIRST_MARKET_DAY + timedelta(days=_MARKET_DAYS - 2 + batch_id)
    customers, accounts = sizes.customers, sizes.accounts
    expected = [
        ("customers.new", "One update", customers.new, "customers", "cdc_flag = 'I'"),
        (
            "customers.changed",
            "One update",
            customers.changed,
            "customers",
            "cdc_flag = 'U' and c_st_id = 'ACTV'",
        ),
        ("customers.inactivated", "One update", customers.deleted, "customers", "c_st_id = 'INAC'"),
        ("accounts.new", "One update", accounts.new, "accounts", "cdc_flag = 'I'"),
        (
            "accounts.changed",
            "One update",
            accounts.changed,
            "accounts",
            "cdc_flag = 'U' and ca_st_id = 'ACTV'",
        ),
        ("accounts.closed", "One update", accounts.deleted, "accounts", "ca_st_id = 'INAC'"),
        ("prospects", "A full dump", sizes.prospects, "prospects", "true"),
        ("trades.new", "One day's trades", sizes.trades_per_day, "trades", "cdc_flag = 'I'"),
        ("watch_history", "One update", sizes.watches_per_update, "watch_history", "true"),
        (
            "watch_history.canceled",
            "A fifth of the rows cancel a watch",
            sizes.watches_per_update // 5,
            "watch_history",
            "w_action = 'CNCL'",
        ),
        (
            "daily_market",
            "One row per live security",
            sizes.securities_on(last_market_day),
            "daily_market",
            "true",
        ),
    ]
    return [
        _count(
            f"{name}.batch_{batch_id}",
            claim,
            number,
            table,
            f"batch_id = {batch_id} and {condition}",
        )
        for name, claim, number, table, condition in expected
    ]
