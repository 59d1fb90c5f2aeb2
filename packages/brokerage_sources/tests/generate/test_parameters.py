"""Sizes: the published formulas from scale factor 3 upwards, sensible datasets below, and refusals."""

import numpy as np
import pytest

from brokerage_sources.generate import HardCaseOptions, ParameterError, Parameters, calendar
from brokerage_sources.generate.crm_plan import crm_plan
from brokerage_sources.generate.finwire_plan import finwire_plan
from brokerage_sources.generate.parameters import (
    MAX_BATCHES,
    OFFICIAL_FLOOR,
    QUARTERS,
    TRADE_DAYS,
    Sizes,
)

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
def test_small_dataset_have_room_for_every_rule(scale: float) -> None:
    sizes = Parameters(scale_factor=scale).sizes
    assert sizes.customers_after(sizes.steps) >= 320  # every tax rate is somebody's
    assert sizes.prospects >= sizes.customers_after(sizes.steps) * 3
    assert sizes.securities.first <= QUARTERS - 8  # the market changes in each of its quarters
    assert min(sizes.companies.mix.new, sizes.securities.mix.new) >= 2
    assert sizes.historical_trades >= 10 * TRADE_DAYS


# From 0.001 to 30, 300 uneven steps; then two whose start is too small for the published number of steps.
SCALES = [round(0.001 * 30_000 ** (step / 299), 5) for step in range(300)]
SHORT_STARTS = [4.7, 13]


def targets(sizes: Sizes) -> int:
    """Customers, or accounts if these are more, that one step acts upon."""
    customers, accounts = sizes.customer_mix, sizes.account_mix
    return max(
        customers.change + customers.end + sizes.accounts_added, accounts.change + accounts.end
    )


def test_every_scale_has_room_for_every_rule() -> None:
    for scale in [*SCALES, *SHORT_STARTS]:
        sizes = Parameters(scale_factor=scale).sizes
        assert sizes.first_customers >= targets(sizes), scale
        assert min(sizes.customer_mix.change, sizes.account_mix.change) >= 2, scale  # doubles
        assert min(sizes.customer_mix.new, sizes.accounts_added, sizes.steps) >= 1, scale
        for quarters in (sizes.companies, sizes.securities):
            mix = quarters.mix
            assert mix.new > mix.end, scale  # so the market never runs empty
            assert quarters.initial >= mix.change + mix.end, scale
            assert 0 < quarters.first <= QUARTERS - 8, scale
        assert sizes.prospects >= sizes.customers_after(sizes.steps), scale
        assert sizes.prospect_turnover >= sizes.customer_mix.new, scale
        assert sizes.trades_per_day >= 10, scale


def test_every_scale_has_securities_enough_for_its_oldest_watcher() -> None:
    for scale in [*SCALES[::3], *SHORT_STARTS]:
        sizes, plan = (parameters := Parameters(scale_factor=scale)).sizes, finwire_plan(parameters)
        tries = 0.0  # of the customers of the start; each try meets a security that exists or not
        for step in range(sizes.steps + MAX_BATCHES + 1):
            start, _ = calendar.step_bounds(calendar.TRADE_FIRST_DAY, step, sizes.steps)
            known = plan.securities_before(calendar.quarter_of_day(start // calendar.DAY))
            watches = sizes.watches_per_step - (sizes.watch_cancels_per_step if step else 0)
            tries += (
                watches / sizes.customers_after(max(0, step - 1)) * sizes.securities.created / known
            )
        assert tries < 0.95 * sizes.securities.created, scale


@pytest.mark.parametrize("scale", [*SCALES[::20], *SHORT_STARTS])
def test_every_scale_can_be_planned(scale: float) -> None:
    parameters = Parameters(scale_factor=scale)
    sizes, plan = parameters.sizes, crm_plan(parameters)
    assert np.array_equal(np.unique(plan.actions.step), np.arange(sizes.steps + 3))
    assert plan.owner.min() >= 0
    counts = np.bincount(plan.actions.step)
    assert set(counts[1:]) == {sizes.actions_per_step}
    companies = finwire_plan(parameters).companies
    assert all(len(companies.alive_at_end(quarter)) for quarter in range(QUARTERS))


@pytest.mark.parametrize("scale", SHORT_STARTS)
def test_a_start_too_small_for_a_step_takes_the_actions_of_one_more(scale: float) -> None:
    scaled = round(scale * 1000)
    per_step = -(-115 * scaled // 10_000)
    steps = (5 * scaled - 3 * scaled // 1000) // per_step
    sizes = Parameters(scale_factor=scale).sizes
    assert scaled > OFFICIAL_FLOOR
    assert 5 * scaled - steps * per_step < targets(sizes)
    assert sizes.steps == steps - 1
    assert sizes.first_customers + sizes.steps * per_step == 5 * scaled


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


@pytest.mark.parametrize("formats", [[], ["csv"], ["xml", "parquet"]])
def test_unknown_formats_and_none_at_all_are_refused(formats: list[str]) -> None:
    with pytest.raises(ParameterError, match="formats must be some of delimited"):
        Parameters(formats=frozenset(formats))


def test_hard_case_options_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="error_floor"):
        HardCaseOptions(error_floor=-1)
    with pytest.raises(ParameterError, match="inactivated_owner_change"):
        HardCaseOptions(inactivated_owner_change=2)
    with pytest.raises(ParameterError, match="seed"):
        Parameters(seed=-1)
