"""Who leaves: a signal of known strength that is planted into the ends of customers and accounts, and what the best forecast of it reaches.

Without the option `attrition_signal`, whoever becomes inactive and whichever account is closed was drawn by lot, so nobody can foresee it. With it, each customer has
a *propensity to leave*, and is drawn, and its accounts are, in proportion to it:

    propensity = exp(strength x (- 1.2 x ln(1 + orders submitted in the last complete calendar quarter)
                                 - 1.0 x ln(1 + years as a customer)
                                 - 0.02 x age in years))

So who trades little, came lately and is young leaves. How many leave is not changed, and neither is any other row: all counts, formulas and audit figures stay.

A customer has left on the day on which it becomes inactive or its last open account is closed. `departures` says for a day what an observer who knows the
propensities can foresee, and what happened: no forecast that is made from the files of the day can do better, except by chance.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from brokerage_sources.generate import calendar
from brokerage_sources.generate.crm_actions import ADDACCT, CLOSEACCT, INACT, NEW, Actions
from brokerage_sources.generate.crm_values import customer_fields
from brokerage_sources.generate.draws import Flags, Integers
from brokerage_sources.generate.parameters import TRADE_DAYS, Parameters
from brokerage_sources.generate.trades import TradeBook

Weights: TypeAlias = npt.NDArray[np.float64]

HORIZON_DAYS = 90
_ORDERS, _YEARS, _AGE = -1.2, -1.0, -0.02
_DAYS_OF_A_YEAR = 365.25
_DAYS_AT_ONCE = 256


class Attrition:
    """The propensities to leave of all customers, at any time."""

    def __init__(self, parameters: Parameters) -> None:
        sizes = self._sizes = parameters.sizes
        self._strength = parameters.attrition_signal
        ids = np.arange(sizes.customers_after(sizes.step_of_batch(parameters.batches)))
        self._born = customer_fields(parameters, ids)["birth"]
        step = np.maximum(0, ids - sizes.first_customers) // sizes.customer_mix.new + 1
        step = np.where(ids < sizes.first_customers, 0, step)
        days = [self._first_day(number) for number in range(int(step[-1]) + 1)]
        self._joined = np.array(days)[step]
        self._orders = _orders_by_quarter(parameters)

    def weights(self, step: int, owner: Integers) -> Weights:
        """The propensity of each customer during a step.

        Args:
            step: of the customer system.
            owner: the owner of each account; only those of accounts opened before the step are looked at.
        """
        return self.weights_on(self._first_day(step), owner)

    def weights_on(self, day: int, owner: Integers) -> Weights:
        """The propensity of each customer on a day."""
        accounts = self._orders.get(calendar.quarter_of_day(day) - 1)
        orders: Weights = np.zeros(len(self._born))
        if accounts is not None:
            known = np.flatnonzero(accounts[: len(owner)])
            known = known[owner[known] >= 0]
            orders += np.bincount(owner[known], accounts[known], minlength=len(orders))
        years = np.maximum(0, day - self._joined) / _DAYS_OF_A_YEAR
        # Days of birth in the future, or more than a century ago, are dirty data.
        age = np.clip((day - self._born) / _DAYS_OF_A_YEAR, 0, 100)
        score = _ORDERS * np.log1p(orders) + _YEARS * np.log1p(years) + _AGE * age
        return np.asarray(np.exp(self._strength * score))

    def _first_day(self, step: int) -> int:
        start, _ = calendar.step_bounds(calendar.CRM_FIRST_DAY, step, self._sizes.steps)
        return start // calendar.DAY


def _orders_by_quarter(parameters: Parameters) -> dict[int, Integers]:
    """By calendar quarter, how many orders each account submitted in it."""
    sizes = parameters.sizes
    accounts = sizes.accounts_after(sizes.step_of_batch(parameters.batches))
    days = TRADE_DAYS + parameters.incremental_batches
    book = TradeBook(parameters)
    found: dict[int, Integers] = {}
    for first in range(0, days, _DAYS_AT_ONCE):
        trades = book.trades(first, min(first + _DAYS_AT_ONCE, days))
        trades = trades[~trades.canceled]
        quarter = calendar.quarter_of(trades.decided // calendar.DAY)
        for number in np.unique(quarter).tolist():
            counts = np.bincount(trades.account[quarter == number], minlength=accounts)
            found[number] = found.get(number, 0) + counts
    return found


@dataclass(frozen=True)
class Departures:
    """Those who were customers at the end of a day: active, with an open account.

    Attributes:
        day: days since 1970-01-01.
        customers: their ids.
        probability: that they leave within the next `HORIZON_DAYS` days, as far as it can be foreseen.
        has_left: whether they did.
    """

    day: int
    customers: Integers
    probability: Weights
    has_left: Flags


def departures(parameters: Parameters, actions: Actions, owner: Integers, day: int) -> Departures:
    """What could be foreseen at the end of a day, and what happened.

    Args:
        parameters: of the dataset.
        actions: all of its actions.
        owner: the owner of each account.
        day: days since 1970-01-01.
    """
    sizes = parameters.sizes
    action_day = actions.time // calendar.DAY
    before, after = action_day <= day, (action_day > day) & (action_day <= day + HORIZON_DAYS)
    count = sizes.customers_after(sizes.step_of_batch(parameters.batches))
    opened = np.isin(actions.kind, [NEW, ADDACCT])
    closed = actions.kind == CLOSEACCT
    change = opened.astype(np.int64) - closed
    accounts: Weights = np.zeros(count)
    accounts += np.bincount(actions.customer[before], change[before], minlength=count)
    inactive = np.zeros(count, dtype=bool)
    inactive[actions.customer[before & (actions.kind == INACT)]] = True
    staying = np.flatnonzero((accounts > 0) & ~inactive)

    left = np.zeros(count, dtype=bool)
    left[actions.customer[after & (actions.kind == INACT)]] = True
    left |= _lost_all_accounts(actions, change, action_day, after, accounts)

    weights = Attrition(parameters).weights_on(day + 1, owner)
    start, end = calendar.step_bounds(
        calendar.CRM_FIRST_DAY, min(sizes.steps, max(1, _step_of(parameters, day))), sizes.steps
    )
    steps = HORIZON_DAYS * calendar.DAY / (end - start)
    open_accounts = before & opened
    of_accounts = actions.customer[open_accounts]
    closed_before = np.isin(actions.account[open_accounts], actions.account[before & closed])
    all_accounts = float(np.sum(weights[of_accounts[~closed_before]]))
    living = (
        np.bincount(actions.customer[before & (actions.kind == NEW)], minlength=count) > 0
    ) & ~inactive
    becomes_inactive = steps * sizes.customer_mix.end * weights / float(np.sum(weights[living]))
    closes = 1 - np.exp(-steps * sizes.account_mix.end * weights / all_accounts)
    probability = 1 - np.exp(-becomes_inactive) * (1 - closes ** np.maximum(accounts, 1))
    return Departures(day, staying, probability[staying], left[staying])


def _step_of(parameters: Parameters, day: int) -> int:
    steps = parameters.sizes.steps
    share = (
        (day - calendar.CRM_FIRST_DAY)
        * calendar.DAY
        / (calendar.HISTORY_END - calendar.CRM_FIRST_DAY * calendar.DAY)
    )
    return int(share * (steps + 1))


def _lost_all_accounts(
    actions: Actions, change: Integers, action_day: Integers, after: Flags, accounts: Weights
) -> Flags:
    """Whether a customer has no open account at the end of one of the days after."""
    lost = np.zeros(len(accounts), dtype=bool)
    rows = np.flatnonzero(after & (change != 0))
    order = rows[np.lexsort((rows, actions.customer[rows]))]
    customer, days, running = actions.customer[order], action_day[order], change[order].cumsum()
    if not len(order):
        return lost
    begins = np.concatenate([[True], customer[1:] != customer[:-1]])
    base = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    within = running - running[base] + change[order][base]
    is_last_of_day = np.concatenate(
        [(customer[1:] != customer[:-1]) | (days[1:] != days[:-1]), [True]]
    )
    empty = is_last_of_day & (accounts[customer] + within <= 0)
    lost[customer[empty]] = True
    return lost


def area_under_curve(score: npt.NDArray[np.float64], is_positive: Flags) -> float | None:
    """The area under the ROC curve: how often one that has happened was scored above one that has not. None if all are alike."""
    positives = int(np.sum(is_positive))
    negatives = len(is_positive) - positives
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    above = float(np.sum(rank[is_positive])) - positives * (positives + 1) / 2
    return above / (positives * negatives)
