"""Who does what and when: rules that hold for whole plans, at a tiny and at an official scale."""

from collections import Counter

import numpy as np
import pytest

from brokerage_sources.generate import HardCaseOptions, Parameters, calendar
from brokerage_sources.generate.crm_actions import (
    ADDACCT,
    CLOSEACCT,
    INACT,
    NEW,
    UPDACCT,
    UPDCUST,
    Actions,
)
from brokerage_sources.generate.crm_plan import crm_plan, lost_to_same_day
from brokerage_sources.generate.finwire_plan import FOREVER, finwire_plan, symbols
from brokerage_sources.generate.trades import TradeBook
from brokerage_sources.generate.watches import _Watches

SCALES = [0.01, 3]


@pytest.fixture(params=SCALES)
def actions(request: pytest.FixtureRequest) -> Actions:
    return crm_plan(Parameters(scale_factor=request.param, seed=5)).actions


def first_times(actions: Actions, kinds: list[int], entity: np.ndarray) -> dict[int, int]:
    chosen = np.flatnonzero(np.isin(actions.kind, kinds))[::-1]
    return dict(zip(entity[chosen].tolist(), actions.time[chosen].tolist(), strict=True))


def test_actions_are_in_order_of_time(actions: Actions) -> None:
    assert np.all(np.diff(actions.time) >= 0)


def test_ids_are_dense_and_ascend_in_time(actions: Actions) -> None:
    new = actions[actions.kind == NEW]
    assert np.array_equal(new.customer, np.arange(len(new)))
    opened = actions[np.isin(actions.kind, [NEW, ADDACCT])]
    assert np.array_equal(opened.account, np.arange(len(opened)))


def test_nothing_happens_before_creation_or_after_the_end(actions: Actions) -> None:
    created = first_times(actions, [NEW], actions.customer)
    opened = first_times(actions, [NEW, ADDACCT], actions.account)
    inactive = first_times(actions, [INACT], actions.customer)
    closed = first_times(actions, [CLOSEACCT], actions.account)
    for kind, time, customer, account in zip(
        actions.kind, actions.time, actions.customer, actions.account, strict=True
    ):
        assert created[customer] <= time
        if kind in (UPDCUST, ADDACCT):
            assert time <= inactive.get(customer, time)
        if kind in (UPDACCT, CLOSEACCT):
            assert opened[account] <= time <= closed.get(account, time)


def test_customers_and_accounts_end_only_once(actions: Actions) -> None:
    for kind, entity in ((INACT, actions.customer), (CLOSEACCT, actions.account)):
        ended = entity[actions.kind == kind]
        assert len(np.unique(ended)) == len(ended)


def test_accounts_of_inactive_customers_are_changed_and_closed(actions: Actions) -> None:
    inactive = first_times(actions, [INACT], actions.customer)
    late = Counter(
        int(kind)
        for kind, time, customer in zip(actions.kind, actions.time, actions.customer, strict=True)
        if inactive.get(int(customer), time) < time
    )
    assert set(late) == {UPDACCT, CLOSEACCT}


def test_every_kind_of_same_day_double_occurs(actions: Actions) -> None:
    day = actions.time // calendar.DAY
    pairs: Counter[tuple[int, int]] = Counter()
    for entity, kinds in (
        (actions.customer, (UPDCUST, INACT)),
        (actions.account, (UPDACCT, CLOSEACCT)),
    ):
        last: dict[tuple[int, int], int] = {}
        for row in np.flatnonzero(np.isin(actions.kind, kinds)):
            key = (int(entity[row]), int(day[row]))
            if key in last:
                pairs[last[key], int(actions.kind[row])] += 1
            last[key] = int(actions.kind[row])
    assert {(UPDCUST, UPDCUST), (UPDCUST, INACT), (UPDACCT, UPDACCT), (UPDACCT, CLOSEACCT)} <= set(
        pairs
    )


def test_a_double_can_be_turned_off() -> None:
    parameters = Parameters(scale_factor=0.01, seed=5, hard_cases=HardCaseOptions(same_day_every=0))
    actions = crm_plan(parameters).of_batch(1, parameters.sizes)
    on_customer = actions[np.isin(actions.kind, [NEW, UPDCUST, INACT])]
    assert lost_to_same_day(on_customer.customer, on_customer.time) == 0


def test_doubles_do_not_change_the_number_of_actions() -> None:
    counts = [
        np.bincount(
            crm_plan(
                Parameters(scale_factor=0.01, hard_cases=HardCaseOptions(same_day_every=every))
            ).actions.kind
        )
        for every in (0, 1)
    ]
    assert np.array_equal(*counts)


def test_no_entity_occurs_twice_in_an_incremental_batch() -> None:
    parameters = Parameters(scale_factor=0.01, incremental_batches=60)
    plan = crm_plan(parameters)
    for batch in range(2, 62):
        actions = plan.of_batch(batch, parameters.sizes)
        customers = actions.customer[np.isin(actions.kind, [NEW, UPDCUST, INACT])]
        accounts = actions.account[np.isin(actions.kind, [NEW, ADDACCT, UPDACCT, CLOSEACCT])]
        assert len(np.unique(customers)) == len(customers)
        assert len(np.unique(accounts)) == len(accounts)
        assert np.all(actions.time // calendar.DAY == calendar.batch_day(batch))


@pytest.mark.parametrize("scale", SCALES)
def test_companies_and_securities_change_only_while_they_live(scale: float) -> None:
    plan = finwire_plan(Parameters(scale_factor=scale))
    for lives in (plan.companies, plan.securities):
        for quarter, changed in enumerate(lives.changed):
            assert all(lives.created[entity] < quarter < lives.ended[entity] for entity in changed)
        assert np.sum(lives.ended < FOREVER) == sum(len(ended) for ended in lives.inactivated)


def test_symbols_count_in_base_26() -> None:
    assert symbols(703)[[0, 1, 26, 702]].tolist() == [
        b"A" * 15,
        b"A" * 14 + b"B",
        b"A" * 13 + b"BA",
        b"A" * 12 + b"BBA",
    ]


@pytest.mark.parametrize("scale", SCALES)
def test_each_sell_ends_one_earlier_buy_for_good(scale: float) -> None:
    trades = TradeBook(Parameters(scale_factor=scale)).trades(0, 300)
    sold = trades.buy[trades.sell]
    assert len(np.unique(sold)) == len(sold)
    assert not np.any(trades.sell[sold])
    assert np.all(trades.born[sold] < trades.born[trades.sell])
    both = trades.completed[trades.sell] < trades.completed.max()
    assert np.all(trades.completed[sold][both] < trades.completed[trades.sell][both])
    for column in (
        trades.account,
        trades.security,
        trades.quantity,
        trades.market,
        trades.canceled,
    ):
        assert np.array_equal(column[sold], column[trades.sell])


@pytest.mark.parametrize("scale", SCALES)
def test_trades_are_the_same_in_any_range_of_days(scale: float) -> None:
    book = TradeBook(Parameters(scale_factor=scale))
    whole, part = book.trades(100, 140), book.trades(117, 121)
    chosen = slice(17 * book.per_day, 21 * book.per_day)
    for name in part.__dataclass_fields__:
        assert np.array_equal(getattr(whole, name)[chosen], getattr(part, name)), name


def test_watched_pairs_are_unique_and_canceled_once_and_later() -> None:
    parameters = Parameters(scale_factor=0.01, incremental_batches=200)
    sizes, watches = parameters.sizes, _Watches(parameters)
    active: set[tuple[int, int]] = set()
    ever: set[tuple[int, int]] = set()
    for step in range(sizes.steps + 201):
        batch = max(1, step - sizes.steps + 1)
        customers, securities, actions = watches.step(step, batch)
        assert len(actions) == sizes.watches_per_step
        assert customers.max() < sizes.customers_after(step)
        pairs = list(zip(customers.tolist(), securities.tolist(), strict=True))
        canceled = {pair for pair, action in zip(pairs, actions, strict=True) if action}
        placed = {pair for pair, action in zip(pairs, actions, strict=True) if not action}
        assert len(canceled) + len(placed) == len(pairs)
        assert canceled <= active
        assert not placed & ever
        active = active - canceled | placed
        ever |= placed
