"""Sizes: the published formulas from scale factor 3 upwards, sensible worlds below, and refusals."""

import numpy as np
import pytest

from scripts.generate import Knobs, ParameterError, Parameters, calendar
from scripts.generate.finwire_plan import finwire_plan
from scripts.generate.parameters import QUARTERS, TRADE_DAYS

# Row counts measured in the output of the published tool, per scale factor.
PUBLISHED = {
    "customer actions": {3: 14_572, 5: 24_570, 10: 50_000},
    "new customers": {3: 4_728, 5: 7_800, 10: 15_280},
    "added accounts": {3: 4_280, 5: 7_310, 10: 15_190},
    "inactivated": {3: 428, 5: 860, 10: 2_170},
    "customer updates": {3: 1_284, 5: 2_150, 10: 4_340},
    "account updates": {3: 2_568, 5: 4_300, 10: 8_680},
    "closed accounts": {3: 1_284, 5: 2_150, 10: 4_340},
    "employees": {3: 15_000, 5: 25_000, 10: 50_000},
    "prospects": {3: 14_982, 5: 24_970, 10: 49_940},
    "company records": {3: 1_500, 5: 2_500, 10: 5_000},
    "security records": {3: 2_400, 5: 4_000, 10: 8_000},
    "figures": {3: 98_576, 5: 198_061, 10: 457_025},
    "prices": {3: 1_282_768, 5: 2_422_064, 10: 5_270_304},
    "watches": {3: 900_042, 5: 1_500_311, 10: 3_000_195},
    "trades": {3: 390_978, 5: 650_412, 10: 1_300_824},
    "batch customers": {3: 15, 5: 25, 10: 50},
    "batch accounts": {3: 30, 5: 50, 10: 100},
    "batch trades": {3: 214, 5: 356, 10: 712},
    "batch watches": {3: 2_098, 5: 3_481, 10: 6_897},
}


def planned(parameters: Parameters) -> dict[str, int]:
    sizes, plan = parameters.sizes, finwire_plan(parameters)
    customers, accounts, steps = sizes.customer_mix, sizes.account_mix, sizes.steps
    days = calendar.MARKET_FIRST_DAY + np.arange(732)
    markets = {
        int(quarter): len(plan.market(int(quarter)))
        for quarter in np.unique(calendar.quarter_of(days))
    }
    return {
        "customer actions": sizes.first_customers + steps * sizes.actions_per_step,
        "new customers": sizes.customers_after(steps),
        "added accounts": sizes.accounts_after(steps) - sizes.customers_after(steps),
        "inactivated": steps * customers.end,
        "customer updates": steps * customers.change,
        "account updates": steps * accounts.change,
        "closed accounts": steps * accounts.end,
        "employees": sizes.employees,
        "prospects": sizes.prospect_rows,
        "company records": sizes.companies.records,
        "security records": sizes.securities.records,
        "figures": sum(
            len(plan.companies.alive_at_end(quarter - 1)) for quarter in range(1, QUARTERS)
        ),
        "prices": sum(markets[int(quarter)] for quarter in calendar.quarter_of(days)),
        "watches": sizes.historical_watches,
        "trades": sizes.historical_trades,
        "batch customers": customers.total,
        "batch accounts": accounts.total,
        "batch trades": sizes.trades_per_day,
        "batch watches": sizes.watches_per_step,
    }


@pytest.mark.parametrize("scale", [3, 5, 10])
def test_sizes_are_the_published_ones(scale: int) -> None:
    expected = {name: counts[scale] for name, counts in PUBLISHED.items()}
    assert planned(Parameters(scale_factor=scale)) == expected


@pytest.mark.parametrize("scale", [0.0001, 0.01, 0.3, 1, 2.9])
def test_small_worlds_have_room_for_every_rule(scale: float) -> None:
    sizes = Parameters(scale_factor=scale).sizes
    assert sizes.customers_after(sizes.steps) >= 320  # every tax rate is somebody's
    assert sizes.prospects >= sizes.customers_after(sizes.steps) * 3
    assert sizes.securities.first <= QUARTERS - 8  # the market changes in each of its quarters
    assert min(sizes.companies.mix.new, sizes.securities.mix.new) >= 2
    assert sizes.historical_trades >= 10 * TRADE_DAYS


def test_sizes_grow_with_the_scale_factor() -> None:
    totals = [
        sum(planned(Parameters(scale_factor=scale)).values())
        for scale in (0.01, 0.1, 0.5, 1, 2, 3, 5)
    ]
    assert totals == sorted(totals)
    assert len(set(totals)) == len(totals)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), 20_000])
def test_a_nonsensical_scale_factor_is_refused(scale: float) -> None:
    with pytest.raises(ParameterError, match="scale factor"):
        Parameters(scale_factor=scale)


@pytest.mark.parametrize("batches", [0, -2, 366])
def test_a_number_of_batches_out_of_range_is_refused(batches: int) -> None:
    with pytest.raises(ParameterError, match="batches"):
        Parameters(incremental_batches=batches)


def test_knobs_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="error_floor"):
        Knobs(error_floor=-1)
    with pytest.raises(ParameterError, match="seed"):
        Parameters(seed=-1)
