"""Who does what and when in the customer system: the one plan behind CustomerMgmt, Customer, Account and Prospect.

Time passes in steps. Step 0 creates the first customers; every later step creates, changes and ends a fixed number of customers
and accounts; the steps after the last historical one are the incremental batches. Customer and account ids are dense and
ascend in time, so "existed at the end of step s" is simply `id < customers_after(s)`: that is how all other systems pick
customers and accounts without asking this plan.

Targets of changes are drawn among those alive at the end of the *previous* step, without repetition within a step. Two things
are then changed on purpose: same-day doubles (see `HardCaseOptions`), and changes and closings of accounts whose owner is inactive.

With the option `attrition_signal`, who becomes inactive and which accounts are closed is drawn by weight (see `attrition`); how many stays as it is.

The plan is a loop over steps, not over rows: about 430 rounds at any scale from 3 upwards.
"""

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from brokerage_sources.generate import calendar
from brokerage_sources.generate.attrition import Attrition, Weights
from brokerage_sources.generate.crm_actions import (
    ADDACCT,
    CLOSEACCT,
    INACT,
    NEW,
    NOBODY,
    UPDACCT,
    UPDCUST,
    Actions,
)
from brokerage_sources.generate.draws import Integers, Stream
from brokerage_sources.generate.parameters import Parameters, Sizes
from brokerage_sources.generate.pool import Pool

_DOUBLE_CUSTOMER, _DOUBLE_INACT, _DOUBLE_ACCOUNT, _DOUBLE_CLOSE, _DOUBLE_BOTH = range(5)
_OWNER_CHANGED_EVERY = (
    8  # steps between forced changes (and closings) of accounts of inactive customers
)


@dataclass(frozen=True)
class CrmPlan:
    """All actions of all batches, and the owner of every account."""

    actions: Actions
    owner: Integers

    def of_batch(self, batch: int, sizes: Sizes) -> Actions:
        """The actions of one batch in file order."""
        if batch == 1:
            low, high = 0, sizes.steps + 1
        else:
            low = sizes.step_of_batch(batch)
            high = low + 1
        first, last = np.searchsorted(self.actions.step, [low, high])
        return self.actions[slice(int(first), int(last))]


@lru_cache(maxsize=2)
def crm_plan(parameters: Parameters) -> CrmPlan:
    """The plan of a dataset; the same for every process that asks."""
    return _Planner(parameters).plan()


class _Planner:
    """The loop over steps, and its state."""

    def __init__(self, parameters: Parameters) -> None:
        self.sizes = sizes = parameters.sizes
        self.hard_cases = parameters.hard_cases
        self.last_step = sizes.step_of_batch(parameters.batches)
        self.owner = np.full(sizes.accounts_after(self.last_step), NOBODY, dtype=np.int64)
        self.customers = Pool(
            sizes.customers_after(self.last_step),
            Stream(parameters.seed, "crm.customers"),
            Stream(parameters.seed, "crm.attrition.customers"),
        )
        self.accounts = Pool(
            len(self.owner),
            Stream(parameters.seed, "crm.accounts"),
            Stream(parameters.seed, "crm.attrition.accounts"),
        )
        self.clock = Stream(parameters.seed, "crm.time")
        self.attrition = Attrition(parameters) if parameters.attrition_signal else None
        self.inactivated: deque[int] = deque(maxlen=64)
        self.done: list[Actions] = []

    def plan(self) -> CrmPlan:
        self._first_step()
        for step in range(1, self.last_step + 1):
            self._step(step)
        columns = (
            [getattr(part, name) for part in self.done] for name in Actions.__dataclass_fields__
        )
        return CrmPlan(Actions(*(np.concatenate(column) for column in columns)), self.owner)

    def first_account(self, customer: int) -> int:
        """The account that came with the customer."""
        sizes = self.sizes
        if customer < sizes.first_customers:
            return customer
        step, rank = divmod(customer - sizes.first_customers, sizes.customer_mix.new)
        return sizes.accounts_after(step) + rank

    def _first_step(self) -> None:
        count = self.sizes.first_customers
        ids = np.arange(count)
        self.owner[:count] = ids
        start, end = calendar.step_bounds(calendar.CRM_FIRST_DAY, 0, self.sizes.steps)
        time = calendar.even_times(start, end, ids, count, self.clock.bits(ids))
        zeros = np.zeros(count, dtype=np.int64)
        self.done.append(Actions(zeros + NEW, time, ids, ids, ids, zeros))
        self.customers.add(0, count)
        self.accounts.add(0, count)

    def _step(self, step: int) -> None:
        sizes = self.sizes
        mix, account_mix = sizes.customer_mix, sizes.account_mix
        weights = self.attrition.weights(step, self.owner) if self.attrition else None
        inactivated, drawn = self._drawn(
            self.customers, mix.end, mix.change + sizes.accounts_added, step, weights
        )
        changed, adding = drawn[: mix.change], drawn[mix.change :]
        if weights is not None:
            weights = weights[self.owner[: sizes.accounts_after(step - 1)]]
        closed, updated = self._drawn(
            self.accounts, account_mix.end, account_mix.change, step, weights
        )

        self._touch_accounts_of_inactive_owners(step, closed, updated)
        double = self._double_kind(step)
        if step <= sizes.steps:
            self._bend_to_double(double, inactivated, changed, closed, updated)
        elif self.hard_cases.inactivated_owner_change:
            self._change_an_account_of(inactivated, updated, closed)

        self._record(step, double, inactivated, changed, adding, closed, updated)
        self.customers.remove(inactivated)
        self.customers.add(sizes.customers_after(step - 1), sizes.customers_after(step))
        self.accounts.remove(closed)
        self.accounts.add(sizes.accounts_after(step - 1), sizes.accounts_after(step))
        self.inactivated.extend(inactivated)

    @staticmethod
    def _drawn(
        pool: Pool, ending: int, others: int, step: int, weights: Weights | None
    ) -> tuple[list[int], list[int]]:
        """The targets that end, and others, all different; without weights, each is equally likely to end."""
        drawn = pool.draw(ending + others, step)
        if weights is None:
            return drawn[:ending], drawn[ending:]
        ended = pool.draw_weighted(ending, step, weights)
        return ended, [member for member in drawn if member not in ended][:others]

    def _replace(self, targets: list[int], position: int, account: int, others: list[int]) -> bool:
        """Make an open account the target at `position`, unless it is one already."""
        if account not in self.accounts or account in targets or account in others:
            return False
        targets[position] = account
        return True

    def _touch_accounts_of_inactive_owners(
        self, step: int, closed: list[int], updated: list[int]
    ) -> None:
        turn = step % _OWNER_CHANGED_EVERY
        if turn not in (2, 6):
            return
        targets, others = (updated, closed) if turn == 2 else (closed, updated)
        for customer in self.inactivated:
            if self._replace(targets, -1, self.first_account(customer), others):
                return

    def _change_an_account_of(
        self, inactivated: list[int], updated: list[int], closed: list[int]
    ) -> None:
        """Also change an account of a customer who is inactivated now, or, if all are closed, was recently."""
        for customer in [*inactivated, *reversed(self.inactivated)]:
            if self._replace(updated, 0, self.first_account(customer), closed):
                return

    def _double_kind(self, step: int) -> int | None:
        every = self.hard_cases.same_day_every
        if step > self.sizes.steps or not every or step % every:
            return None
        return step // every % 5

    def _bend_to_double(
        self,
        double: int | None,
        inactivated: list[int],
        changed: list[int],
        closed: list[int],
        updated: list[int],
    ) -> None:
        """Give the second action of the double the target of the first."""
        if double == _DOUBLE_CUSTOMER:
            changed[1] = changed[0]
        elif double == _DOUBLE_INACT:
            changed[0] = inactivated[0]
        elif double == _DOUBLE_ACCOUNT:
            updated[1] = updated[0]
        elif double == _DOUBLE_CLOSE:
            updated[0] = closed[0]
        elif double == _DOUBLE_BOTH:
            self._replace(updated, 0, self.first_account(changed[0]), closed)

    def _record(
        self,
        step: int,
        double: int | None,
        inactivated: list[int],
        changed: list[int],
        adding: list[int],
        closed: list[int],
        updated: list[int],
    ) -> None:
        """Put the actions of a step in order and date them.

        New customers come in the first half of the step, added accounts in the second, so account ids ascend in time;
        everything else is spread over the whole step.
        """
        sizes = self.sizes
        new_customers = np.arange(sizes.customers_after(step - 1), sizes.customers_after(step))
        new_accounts = np.arange(sizes.accounts_after(step - 1), sizes.accounts_after(step))
        nobody = np.full(len(changed) + len(inactivated), NOBODY)
        self.owner[new_accounts] = np.concatenate([new_customers, np.array(adding, dtype=np.int64)])
        account = np.concatenate([new_accounts, nobody, np.array(updated + closed)])
        customer = np.concatenate(
            [
                self.owner[new_accounts],
                np.array(changed + inactivated),
                self.owner[updated + closed],
            ]
        )
        counts = [
            len(new_customers),
            len(adding),
            len(changed),
            len(inactivated),
            len(updated),
            len(closed),
        ]
        kind = np.repeat(np.arange(6), counts)
        within = np.concatenate([np.arange(count) for count in counts])
        ordinal = within + np.repeat(counts, counts) * (step - 1)
        ordinal[kind == NEW] = new_customers
        half = 1 << 30
        place = (2 * within + 1) * half // np.repeat(counts, counts)
        place[kind <= ADDACCT] //= 2
        place[kind == ADDACCT] += half
        pair = _pair(double, counts)
        if pair:
            place[pair[1]] = place[pair[0]]
        order = np.lexsort((kind, place))
        total = len(order)
        start, end = calendar.step_bounds(calendar.CRM_FIRST_DAY, step, sizes.steps)
        bits = self.clock.bits((step << 24) + np.arange(total))
        time = calendar.even_times(start, end, np.arange(total), total, bits)
        if pair:
            rank = np.argsort(order)
            _same_day(time, int(rank[pair[0]]), int(rank[pair[1]]))
        self.done.append(
            Actions(
                kind[order],
                time,
                customer[order],
                account[order],
                ordinal[order],
                np.full(total, step),
            )
        )


def _pair(double: int | None, counts: list[int]) -> tuple[int, int] | None:
    """Positions (by kind, then rank) of the two actions that a double puts on one day."""
    first = np.concatenate([[0], np.cumsum(counts)])
    change, end, update, close = (int(first[kind]) for kind in (UPDCUST, INACT, UPDACCT, CLOSEACCT))
    pairs = {
        _DOUBLE_CUSTOMER: (change, change + 1),
        _DOUBLE_INACT: (change, end),
        _DOUBLE_ACCOUNT: (update, update + 1),
        _DOUBLE_CLOSE: (update, close),
        _DOUBLE_BOTH: (change, update),
    }
    return None if double is None else pairs[double]


def _same_day(time: Integers, first: int, second: int) -> None:
    """Move the second of two neighboring actions to the day of the first; times keep ascending."""
    last_second = time[first] // calendar.DAY * calendar.DAY + calendar.DAY - 1
    time[first] = min(time[first], last_second - 1)
    time[second] = min(time[second], last_second)
    time[first + 1 : second] = np.clip(time[first + 1 : second], time[first], time[second])
    np.maximum.accumulate(time, out=time)


def lost_to_same_day(entity: Integers, time: Integers) -> int:
    """How many of these actions are followed by a later one of the same entity on the same day."""
    key = entity * 100_000 + time // calendar.DAY
    return int(np.sum(np.diff(np.sort(key)) == 0))
