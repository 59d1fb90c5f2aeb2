"""Which prospects become customers: a signal of known strength that is planted into the prospect list, and what the best forecast of it reaches.

Without the option `conversion_signal`, nobody who is on the list becomes a customer: new customers come to the list with the batch in which they become customers, so there is
nothing to foresee. With it, the new customers of a batch have been on the list before, as strangers. They are drawn in proportion to their *propensity to convert*:

    propensity = exp(strength x (1.2 x HighValue - 1.2 x MoneyAlert + 1.0 x Spender + 1.0 x Inherited - 0.8 x Boomer))

where each word is 1 if the marketing tag of this name fits the prospect as the list has it before the batch, and 0 otherwise. How many rows each file has is not changed, nor who
appears, changes and disappears: only which of the prospects have the names of customers.

`foreseen` says for a day what an observer who knows the propensities can foresee, and what happened.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from brokerage_sources.generate import crm_values as crm
from brokerage_sources.generate.calendar import FIRST_BATCH_DAY
from brokerage_sources.generate.draws import Flags, Integers, Stream
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.prospect_values import figure, is_given, rows_of_prospects

Weights: TypeAlias = npt.NDArray[np.float64]

HORIZON_DAYS = 7
_HIGH_VALUE, _MONEY_ALERT, _SPENDER, _INHERITED, _BOOMER = 1.2, -1.2, 1.0, 1.0, -0.8


class Lists(Protocol):
    """Who is on the list of each batch, and how often it has changed (`prospect.Turnover`)."""

    @property
    def first(self) -> Integers:
        """Per prospect, the first batch whose list has it."""

    def present(self, ids: Integers, batch: int) -> Flags:
        """Which prospects are on the list of a batch."""

    def changes_before(self, ids: Integers, batch: int) -> Integers:
        """How often each prospect has changed before a batch."""


def propensities(parameters: Parameters, ids: Integers, changes: Integers) -> Weights:
    """The propensity to convert of prospects that have changed so many times."""
    rows = rows_of_prospects(ids, changes)

    def above(column: str, least: int) -> Flags:
        return is_given(parameters, column, rows) & (figure(parameters, column, rows) > least)

    def below(column: str, most: int) -> Flags:
        return is_given(parameters, column, rows) & (figure(parameters, column, rows) < most)

    is_rich = above("net_worth", 1_000_000)
    score = (
        _HIGH_VALUE * (is_rich | above("income", 200_000))
        + _MONEY_ALERT
        * (below("income", 50_000) | below("rating", 600) | below("net_worth", 100_000))
        + _SPENDER * (above("cars", 3) | above("cards", 7))
        + _INHERITED * (below("age", 25) & is_rich)
        + _BOOMER * above("age", 45)
    )
    return np.asarray(np.exp(parameters.conversion_signal * score))


def converted(parameters: Parameters, lists: Lists, customers: Integers) -> Integers:
    """The customer that each prospect is in the end, if the new customers of each batch were on the list before.

    Args:
        parameters: of the dataset.
        lists: who is on the list.
        customers: the same without the signal: the new customers of a batch come to the list with it.
    """
    sizes = parameters.sizes
    found = customers.copy()
    known = sizes.customers_after(sizes.steps)
    ids = np.arange(len(found))
    found[(ids >= sizes.prospects) & (found != crm.ABSENT)] = crm.ABSENT
    chance = Stream(parameters.seed, "prospect.conversion")
    for batch in range(2, parameters.batches + 1):
        new = np.arange(sizes.customer_mix.new) + known + (batch - 2) * sizes.customer_mix.new
        open_ids = ids[
            (found == crm.ABSENT)
            & (lists.first < batch)
            & lists.present(ids, batch - 1)
            & lists.present(ids, batch)
        ]
        weights = propensities(parameters, open_ids, lists.changes_before(open_ids, batch))
        bits = chance.bits((batch << 32) + open_ids)
        # Each waits an exponential time with its weight as the rate; the first ones convert.
        uniform = ((bits >> np.uint64(11)).astype(np.float64) + 1) / 2.0**53
        order = np.argsort(-np.log(uniform) / weights, kind="stable")
        chosen = open_ids[order[: len(new)]]
        found[chosen] = new[: len(chosen)]
    return found


def batch_of_customers(parameters: Parameters, customers: Integers) -> Integers:
    """The batch with which each customer comes: 1 for those of the history, beyond the last one for `crm.ABSENT`."""
    sizes = parameters.sizes
    later = (customers - sizes.customers_after(sizes.steps)) // sizes.customer_mix.new + 2
    batch = np.maximum(1, later)
    return np.where(customers == crm.ABSENT, parameters.batches + 1, batch)


@dataclass(frozen=True)
class Conversions:
    """Those who were on the list at the end of a day.

    Attributes:
        day: days since 1970-01-01.
        ids: of the prospects.
        is_customer: whether they were customers already; nothing more happens to them.
        probability: that they become customers within the next `HORIZON_DAYS` days, as far as it can be foreseen.
        has_converted: whether they did.
    """

    day: int
    ids: Integers
    is_customer: Flags
    probability: Weights
    has_converted: Flags


def foreseen(parameters: Parameters, lists: Lists, customers: Integers, day: int) -> Conversions:
    """What could be foreseen at the end of a day, and what happened.

    Args:
        parameters: of the dataset.
        lists: who is on the list.
        customers: the customer that each prospect is in the end.
        day: days since 1970-01-01; the day of a batch.
    """
    batch = day - FIRST_BATCH_DAY + 1
    ids = np.arange(len(customers))
    comes = batch_of_customers(parameters, customers)
    ids = ids[lists.present(ids, batch)]
    is_customer = comes[ids] <= batch
    weights = propensities(parameters, ids, lists.changes_before(ids, batch + 1)) * ~is_customer
    expected = HORIZON_DAYS * parameters.sizes.customer_mix.new * weights / float(np.sum(weights))
    comes_soon = comes[ids] <= min(batch + HORIZON_DAYS, parameters.batches)
    return Conversions(day, ids, is_customer, -np.expm1(-expected), comes_soon & ~is_customer)
