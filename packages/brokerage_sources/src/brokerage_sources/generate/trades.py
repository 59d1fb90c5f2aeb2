"""The trading desk: Trade, TradeHistory, HoldingHistory and CashTransaction, derived from one life cycle per trade.

**Births.** Every day has the same number of trades; trade ids are dense in order of birth. The first day has buys only, from
then on buys and sells alternate, the last trade of a day being a buy at 23:59:59.

**A sell is bound to one buy**: it sells what that buy bought (account, security, quantity) in the same way (limit or market,
canceled or not, with the same delays), so it always ends after its buy. Give every buy the key `number + random delay`, with a
delay below the trades of one day; the j-th sell takes the j-th buy in order of keys. As the first day has buys only, that buy
exists already. And as the delay is bounded, the j-th buy in order is found among the buys near number j, so any range of trades
can be computed by itself, in constant memory.

**Events.** A limit order is pending (PNDG) at birth; up to 90 days later it is canceled (CNCL) or submitted (SBMT). A market
order is submitted at birth. A submitted order completes (CMPT) within 5 minutes, its cash moves within 5 days. Each event goes to
the batch of its day: batch 1 has the last state of each trade and its history, later batches have one row per event.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from brokerage_sources.generate import calendar, hr
from brokerage_sources.generate.audit import Tally, write_audit
from brokerage_sources.generate.cells import (
    Cell,
    assemble,
    chunks,
    integers,
    money,
    only,
    table,
    text_pool,
    timestamps,
)
from brokerage_sources.generate.draws import Flags, Integers, Stream, half_up, scale_high, scale_low
from brokerage_sources.generate.finwire_plan import finwire_plan, symbols
from brokerage_sources.generate.parameters import TRADE_DAYS, Parameters
from brokerage_sources.generate.writing import Workspace

PENDING, SUBMITTED, CANCELED, COMPLETED = range(4)
_STATES = table(["|PNDG|", "|SBMT|", "|CNCL|", "|CMPT|"])
_HISTORY_STATES = table(["|PNDG\r\n", "|SBMT\r\n", "|CNCL\r\n", "|CMPT\r\n"])
_TYPES = table(["TLB|", "TLS|", "TMB|", "TMS|"])  # 2 x market + sell
_TYPE_NAMES = ["TLB", "TLS", "TMB", "TMS"]
_CASH_FLAGS = table(["0|", "1|"])
_CDC_FLAGS = table(["I|", "U|"])

_LONGEST_WAIT = 7_776_000  # seconds from birth of a limit order to its submission or cancellation
_LONGEST_COMPLETION = 300
_LONGEST_SETTLEMENT = 432_000
_LIFE_DAYS = 96  # no trade has an event this many days after its birth
_EVENTS_PER_TRADE = (
    4  # sequence numbers of a trade: pending, submitted or canceled, completed, cash
)
_BATCHES_AT_ONCE = 32
_CANCEL_LEAD = 20  # days from the birth of a forced cancellation to its batch
_NEVER = np.int64(2**62)


@dataclass(frozen=True)
class Trades:
    """Life cycles of consecutive trades, one element per trade.

    Attributes:
        ids: trade ids.
        sell: sold or bought.
        buy: the id of the buy that created the holding (a buy's own id).
        market: market or limit order.
        canceled: a limit order that is canceled.
        born, decided, completed, settled: seconds of the events; `decided` is the submission or cancellation (a market
            order's is its birth), `completed` and `settled` are `_NEVER` for canceled orders.
        account, security, quantity: as bought.
    """

    ids: Integers
    sell: Flags
    buy: Integers
    market: Flags
    canceled: Flags
    born: Integers
    decided: Integers
    completed: Integers
    settled: Integers
    account: Integers
    security: Integers
    quantity: Integers

    def __getitem__(self, chosen: Any) -> "Trades":
        return Trades(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def type(self) -> Integers:
        """Index of the trade type."""
        return 2 * self.market.astype(np.int64) + self.sell


class TradeBook:
    """All trades of a dataset; computes any range of them."""

    def __init__(self, parameters: Parameters) -> None:
        sizes = parameters.sizes
        self.parameters = parameters
        self.per_day = sizes.trades_per_day
        # Two more buys than sells a day let the holdings grow; with few trades, too many would stay unsold.
        self._first_sell = 2 if self.per_day >= 100 and self.per_day % 2 == 0 else self.per_day % 2
        self.sells_per_day = (self.per_day - self._first_sell + 1) // 2
        self.buys_per_day = self.per_day - self.sells_per_day
        self.days = TRADE_DAYS + parameters.incremental_batches
        self._brokers = hr.broker_ids(parameters)
        self._prepare_accounts()
        self._prepare_markets()
        self._prepare_special_buys()

    def _stream(self, column: str) -> Stream:
        return Stream(self.parameters.seed, f"trade.{column}")

    def _prepare_accounts(self) -> None:
        """Accounts that exist before each day."""
        sizes = self.parameters.sizes
        days = calendar.TRADE_FIRST_DAY + np.arange(self.days)
        steps = calendar.last_complete_step(days, calendar.CRM_FIRST_DAY, sizes.steps)
        self._accounts_before = sizes.first_customers + steps * sizes.account_mix.new

    def _prepare_markets(self) -> None:
        """Securities traded on each day, as ranges of one array."""
        plan = finwire_plan(self.parameters)
        quarter = calendar.quarter_of(calendar.TRADE_FIRST_DAY + np.arange(self.days))
        markets = [plan.market(number) for number in range(int(quarter[0]), int(quarter[-1]) + 1)]
        starts = np.cumsum([0, *(len(market) for market in markets)])
        self._market = np.concatenate(markets)
        self._market_start = starts[quarter - quarter[0]]
        self._market_size = np.diff(starts)[quarter - quarter[0]]

    def _prepare_special_buys(self) -> None:
        """Buys with a certain fate, so that a small dataset has these cases too.

        Buys on an account of the same batch, limit orders canceled on the day of batch 2 or 3, and market orders born in the
        last second of batch 1 or 2, which complete in the next batch.
        """
        sizes, hard_cases = self.parameters.sizes, self.parameters.hard_cases
        self._new_account_buys: dict[int, int] = {}
        self._canceled_on: dict[int, int] = {}
        self._midnight_buys: list[int] = []
        for batch in range(2, self.parameters.batches + 1):
            first_buy = self.buys_before(TRADE_DAYS + batch - 2)
            count = max(1, self.buys_per_day * hard_cases.same_batch_trade_percent // 100)
            opened = sizes.accounts_after(sizes.step_of_batch(batch) - 1)
            for rank in range(count if hard_cases.same_batch_trade_percent else 0):
                self._new_account_buys[first_buy + rank] = opened + rank % sizes.account_mix.new
            if batch <= 3:
                canceled = self.buys_before(TRADE_DAYS + batch - 2 - _CANCEL_LEAD)
                self._canceled_on[canceled] = calendar.batch_day(batch)
                self._midnight_buys.append(first_buy - 1)

    # --- who is born when ---

    def buys_before(self, day: int) -> int:
        """Number of buys born before a day (0 is the first)."""
        return 0 if day == 0 else self.per_day + (day - 1) * self.buys_per_day

    def _buy_day(self, numbers: Integers) -> Integers:
        return np.where(
            numbers < self.per_day, 0, 1 + (numbers - self.per_day) // self.buys_per_day
        )

    def _buy_ids(self, numbers: Integers) -> Integers:
        """Trade ids of buys: after the unsold first positions of a day, every second one."""
        day = self._buy_day(numbers)
        rank = numbers - self.per_day - (day - 1) * self.buys_per_day
        position = np.where(
            rank < self._first_sell, rank, self._first_sell + 1 + 2 * (rank - self._first_sell)
        )
        return np.where(day == 0, numbers, day * self.per_day + position)

    def _sold_buys(self, sells: Integers) -> Integers:
        """The buys that consecutive sells are bound to (see the module's description)."""
        if not len(sells):
            return sells
        longest = self.per_day - 1
        low = max(0, int(sells[0]) - 2 * longest)
        buys = np.arange(low, int(sells[-1]) + longest + 2)
        draw = self._stream("holding").bits(buys)
        delay = np.minimum(scale_high(draw, self.per_day), scale_low(draw, self.per_day))
        order = np.argsort(buys + delay, kind="stable")
        return buys[order[sells - low]]

    def trades(self, first_day: int, stop_day: int) -> Trades:
        """All trades born on these days."""
        ids = np.arange(first_day * self.per_day, stop_day * self.per_day)
        day = ids // self.per_day
        position = ids - day * self.per_day
        sell = (day > 0) & (position >= self._first_sell) & ((position - self._first_sell) % 2 == 0)
        buy = np.zeros(len(ids), dtype=np.int64)
        buy[~sell] = self.buys_before(first_day) + np.arange(int(np.sum(~sell)))
        first_sell = max(0, first_day - 1) * self.sells_per_day
        buy[sell] = self._sold_buys(first_sell + np.arange(int(np.sum(sell))))
        bits = self._stream("birth").bits(ids)
        born = calendar.even_times(0, calendar.DAY, position, self.per_day, bits)
        born[position == self.per_day - 1] = calendar.DAY - 1
        born += (calendar.TRADE_FIRST_DAY + day) * calendar.DAY
        return self._with_fate(ids, sell, buy, born)

    def _with_fate(self, ids: Integers, sell: Flags, buy: Integers, born: Integers) -> Trades:
        """What becomes of the trades: drawn by the number of the buy, so shared by a sell and its buy."""
        day = self._buy_day(buy)
        draw = self._stream("kind").bits(buy)
        market = scale_high(draw, 100) < 40
        canceled = ~market & (scale_low(draw, 100) < 10)
        draw = self._stream("delay").bits(buy)
        wait = 1 + scale_high(draw, _LONGEST_WAIT)
        completion = 1 + scale_low(draw, _LONGEST_COMPLETION)
        draw = self._stream("account_security").bits(buy)
        account = scale_high(draw, self._accounts_before[day])
        security = self._market[self._market_start[day] + scale_low(draw, self._market_size[day])]
        draw = self._stream("quantity_settlement").bits(buy)
        quantity = 10 + scale_high(draw, 9_991)
        settlement = 1 + scale_low(draw, _LONGEST_SETTLEMENT)
        self._force(buy, market, canceled, wait, account)
        decided = np.where(market, born, born + wait)
        completed = np.where(canceled, _NEVER, decided + completion)
        settled = np.where(canceled, _NEVER, completed + settlement)
        return Trades(ids, sell, self._buy_ids(buy), market, canceled, born, decided, completed, settled, account,
                      security, quantity)  # fmt: skip

    def _force(
        self, buy: Integers, market: Flags, canceled: Flags, wait: Integers, account: Integers
    ) -> None:
        """Set the fate of the special buys, in place."""
        low, high = int(buy.min()), int(buy.max())
        for number, opened in self._new_account_buys.items():
            if low <= number <= high:
                account[buy == number] = opened
        for number, day in self._canceled_on.items():
            if low <= number <= high:
                here = buy == number
                market[here], canceled[here] = False, True
                birth = int(self._buy_day(np.array([number]))[0]) + calendar.TRADE_FIRST_DAY
                wait[here] = (day - birth) * calendar.DAY
        for number in self._midnight_buys:
            here = buy == number
            market[here], canceled[here] = True, False

    # --- columns that a trade draws by its own id ---

    def static_cells(self, trades: Trades) -> list[Any]:
        """Cells from the type to the executing broker: the same in every row of a trade."""
        ids = trades.ids
        names = symbols(self.parameters.sizes.securities.created, b"|")
        executor = self._brokers[self._stream("executor").below(ids, len(self._brokers))]
        return [
            _TYPES.take(trades.type), _CASH_FLAGS.take(self._stream("is_cash").chance(ids, 20).astype(np.int64)),
            names.take(trades.security), integers(trades.quantity), b"|", money(self.bid(ids)), b"|",
            integers(trades.account), b"|", integers(executor), b"|",
        ]  # fmt: skip

    def bid(self, ids: Integers) -> Integers:
        """Bid price in cents."""
        return self._stream("bid").between(ids, 101, 1000)

    def completion(self, trades: Trades, bad_charge: Flags, bad_commission: Flags) -> "Completion":
        """Price, charge, commission and tax of completed trades, in cents."""
        ids = trades.ids
        price_draw = self._stream("price_tax").bits(ids)
        price = half_up(self.bid(ids) * (950_000 + scale_high(price_draw, 100_001)), 1_000_000)
        value = price * trades.quantity
        draw = self._stream("charge_commission").bits(ids)
        charge = half_up(value * (100 + scale_high(draw, 4_901)), 1_000_000)
        commission = half_up(value * (100 + scale_low(draw, 4_901)), 1_000_000)
        excess = 1_010_000 + self._stream("excess").below(ids, 8_990_001)
        charge = np.where(bad_charge, half_up(value * excess, 1_000_000), charge)
        commission = np.where(bad_commission, half_up(value * excess, 1_000_000), commission)
        tax = half_up(value * (50_000 + scale_low(price_draw, 350_001)), 1_000_000)
        return Completion(value, price, charge, commission, tax)

    def bad_values(self, ids: Integers) -> tuple[Flags, Flags]:
        """Trades whose charge, and whose commission, exceeds the value of the trade: one in 10 000 each, some at least."""
        floor, total = (
            self.parameters.hard_cases.error_floor,
            self.parameters.sizes.historical_trades,
        )
        # Twice the floor: a tenth of the trades is canceled or open and shows no values.
        charge = self._stream("charge_invalid").at_least(ids, total, 2 * floor, 10_000)
        return charge, self._stream("commission_invalid").at_least(ids, total, 2 * floor, 10_000)


@dataclass(frozen=True)
class Completion:
    """Money of completed trades in cents; `value` is price x quantity."""

    value: Integers
    price: Integers
    charge: Integers
    commission: Integers
    tax: Integers

    def cells(self, shown: Flags) -> list[Any]:
        """The four columns, empty where not shown, and the end of the row."""
        parts: list[Any] = []
        for cents in (self.price, self.charge, self.commission, self.tax):
            parts += [b"|", [only(shown, part) for part in money(cents)]]
        return [*parts[1:], b"\r\n"]

    def count(self, shown: Flags, tally: Tally) -> None:
        """Add the shown invalid values to the audit counters."""
        tally["DimTrade.T_InvalidCommision"] += int(np.sum(shown & (self.commission > self.value)))
        tally["DimTrade.T_InvalidCharge"] += int(np.sum(shown & (self.charge > self.value)))


def _trade_tally() -> Tally:
    return Tally.of("DimTrade.T_Records", "DimTrade.T_NEW", "DimTrade.T_CanceledTrades", "DimTrade.T_InvalidCommision",
                    "DimTrade.T_InvalidCharge")  # fmt: skip


def _cash_cells(parameters: Parameters, trades: Trades) -> list[Any]:
    """Account, time, amount and description; the amount is unrelated to the trade's value."""
    ids = trades.ids
    draw = Stream(parameters.seed, "cash.amount").bits(ids)
    size = scale_high(draw, 100)
    low = np.where(size < 55, 100_000, np.where(size < 85, 1_000_000, 10_000_000))
    amount = low + scale_low(draw, 9 * low + 1)
    name = text_pool(parameters.seed, "cash_name", 100, "blank").texts(
        Stream(parameters.seed, "cash.name").bits(ids), 10, 100
    )
    sign = table(["|-", "|"]).take(trades.sell.astype(np.int64))
    return [
        integers(trades.account),
        b"|",
        timestamps(trades.settled),
        sign,
        money(amount),
        b"|",
        name,
        b"\r\n",
    ]


def _holding_cells(trades: Trades) -> list[Any]:
    nothing = np.zeros(len(trades), dtype=np.int64)
    before = np.where(trades.sell, trades.quantity, nothing)
    return [integers(trades.buy), b"|", integers(trades.ids), b"|", integers(before), b"|",
            integers(trades.quantity - before), b"\r\n"]  # fmt: skip


# --- batch 1 -----------------------------------------------------------------------------------


def write_history(workspace: Workspace, parameters: Parameters) -> None:
    """Trade, TradeHistory, CashTransaction and HoldingHistory of batch 1, with audit files."""
    book = TradeBook(parameters)
    trade_tally = _trade_tally()
    history_tally = Tally.of(
        "DimTradeHistory.TH_Records", *(f"DimTradeHistory.TH_{name}Trades" for name in _TYPE_NAMES),
        "DimTradeHistory.TH_CanceledLTrades",
    )  # fmt: skip
    with (
        workspace.file(1, "Trade.txt") as trade_file,
        workspace.file(1, "TradeHistory.txt") as history_file,
        workspace.file(1, "CashTransaction.txt") as cash_file,
        workspace.file(1, "HoldingHistory.txt") as holding_file,
    ):
        days_at_once = max(1, 65_536 // book.per_day)
        for day in range(0, TRADE_DAYS, days_at_once):
            block = book.trades(day, min(day + days_at_once, TRADE_DAYS))
            for chosen in chunks(0, len(block)):
                part = block[slice(int(chosen[0]), int(chosen[-1]) + 1)]
                trade_file.write(_last_states(book, part, trade_tally), len(part))
                text, rows = _history(part, history_tally)
                history_file.write(text, rows)
                cash = part[part.settled < calendar.HISTORY_END]
                cash_file.write(assemble(_cash_cells(parameters, cash)), len(cash))
                held = part[part.completed < calendar.HISTORY_END]
                holding_file.write(assemble(_holding_cells(held)), len(held))
    write_audit(workspace, 1, "Trade", trade_tally)
    write_audit(workspace, 1, "TradeHistory", history_tally)
    _write_cash_and_holding_audits(workspace, 1, cash_file.rows, holding_file.rows)


def _write_cash_and_holding_audits(
    workspace: Workspace, batch: int, cash: int, holdings: int
) -> None:
    names = ("CT_Records", "CT_Trades", "CT_AccountsCreations", "CT_UpdatedAccounts")
    tally = Tally(
        {
            f"DimTradeHistory.{name}": count
            for name, count in zip(names, (cash, cash, 0, 0), strict=True)
        }
    )
    write_audit(workspace, batch, "CashTransaction", tally)
    write_audit(workspace, batch, "HoldingHistory", Tally({"FactHoldings.HH_RECORDS": holdings}))


def _last_states(book: TradeBook, trades: Trades, tally: Tally) -> bytearray:
    """Rows of Trade.txt: each trade as it is at the end of batch 1."""
    decided = trades.decided < calendar.HISTORY_END
    completed = trades.completed < calendar.HISTORY_END
    state = np.where(
        completed,
        COMPLETED,
        np.where(~decided, PENDING, np.where(trades.canceled, CANCELED, SUBMITTED)),
    )
    time = np.where(completed, trades.completed, np.where(decided, trades.decided, trades.born))
    values = book.completion(trades, *book.bad_values(trades.ids))
    tally["DimTrade.T_Records"] += len(trades)
    tally["DimTrade.T_NEW"] += len(trades)
    tally["DimTrade.T_CanceledTrades"] += int(np.sum(state == CANCELED))
    values.count(completed, tally)
    return assemble([integers(trades.ids), b"|", timestamps(time), _STATES.take(state), book.static_cells(trades),
                     values.cells(completed)])  # fmt: skip


def _history(trades: Trades, tally: Tally) -> tuple[bytearray, int]:
    """Rows of TradeHistory.txt: the one to three events of each trade up to the end of batch 1."""
    happened = np.flatnonzero(_events(trades, lambda time: time < calendar.HISTORY_END))
    which, event = np.divmod(happened, 3)
    state = _state_of(event, trades.canceled.take(which))
    tally["DimTradeHistory.TH_Records"] += len(which)
    counts = np.bincount(trades.type.take(which), minlength=len(_TYPE_NAMES))
    for name, count in zip(_TYPE_NAMES, counts.tolist(), strict=True):
        tally[f"DimTradeHistory.TH_{name}Trades"] += count
    tally["DimTradeHistory.TH_CanceledLTrades"] += int(np.sum(state == CANCELED))
    identity = [part.take(which) for part in integers(trades.ids)]
    return assemble(
        [
            identity,
            b"|",
            timestamps(_event_times(trades).take(happened)),
            _HISTORY_STATES.take(state),
        ]
    ), len(which)


def _events(trades: Trades, in_time: Callable[[Integers], Flags]) -> Flags:
    """Which of the three events (birth of a limit order, decision, completion) each trade has in some time."""
    return np.stack(
        [~trades.market & in_time(trades.born), in_time(trades.decided), in_time(trades.completed)],
        axis=1,
    )


def _event_times(trades: Trades) -> Integers:
    return np.stack([trades.born, trades.decided, trades.completed], axis=1)


def _state_of(event: Integers, canceled: Flags) -> Integers:
    """The state that an event leads to."""
    return np.where(
        event == 0,
        PENDING,
        np.where(event == 2, COMPLETED, np.where(canceled, CANCELED, SUBMITTED)),
    )


# --- incremental batches -----------------------------------------------------------------------


def write_batches(workspace: Workspace, parameters: Parameters) -> None:
    """Trade, CashTransaction and HoldingHistory of every incremental batch, with audit files."""
    book = TradeBook(parameters)
    for first in range(2, parameters.batches + 1, _BATCHES_AT_ONCE):
        stop = min(first + _BATCHES_AT_ONCE, parameters.batches + 1)
        trades = book.trades(TRADE_DAYS + first - 2 - _LIFE_DAYS, TRADE_DAYS + stop - 2)
        for batch in range(first, stop):
            _write_batch(workspace, book, trades, batch)


def _write_batch(workspace: Workspace, book: TradeBook, trades: Trades, batch: int) -> None:
    start = calendar.batch_day(batch) * calendar.DAY
    end = start + calendar.DAY

    def today(time: Integers) -> Flags:
        return (time >= start) & (time < end)

    _write_trades(workspace, book, trades, batch, today)
    cash = trades[today(trades.settled)]
    text = assemble([_numbered(cash.ids, 3), _cash_cells(book.parameters, cash)])
    workspace.write_file(batch, "CashTransaction.txt", text, len(cash))
    held = trades[today(trades.completed)]
    text = assemble([_numbered(held.ids, 2), _holding_cells(held)])
    workspace.write_file(batch, "HoldingHistory.txt", text, len(held))
    _write_cash_and_holding_audits(workspace, batch, len(cash), len(held))


def _numbered(ids: Integers, event: int | Integers, flags: Cell | bytes = b"I|") -> list[Any]:
    return [flags, integers(_EVENTS_PER_TRADE * ids + event), b"|"]


def _write_trades(
    workspace: Workspace,
    book: TradeBook,
    trades: Trades,
    batch: int,
    today: Callable[[Integers], Flags],
) -> None:
    """Trade.txt of a batch: one row per event of the day, an insert for the birth and updates for the rest."""
    which, event = np.nonzero(_events(trades, today))
    rows = trades[which]
    times = _event_times(trades)[which, event]
    state = _state_of(event, rows.canceled)
    update = (event > 0) & ~(rows.market & (event == 1))
    completed = event == 2
    bad_charge, bad_commission = book.bad_values(rows.ids)
    forced = book.parameters.hard_cases.incremental_errors if batch <= 3 else 0
    places = np.flatnonzero(completed)
    bad_charge[places[:forced]] = True
    bad_commission[places[forced : 2 * forced]] = True
    values = book.completion(rows, bad_charge, bad_commission)
    tally = _trade_tally()
    tally["DimTrade.T_Records"] = len(rows)
    tally["DimTrade.T_NEW"] = int(np.sum(~update))
    tally["DimTrade.T_CanceledTrades"] = int(np.sum(state == CANCELED))
    values.count(completed, tally)
    text = assemble([
        _numbered(rows.ids, event, _CDC_FLAGS.take(update.astype(np.int64))), integers(rows.ids), b"|",
        timestamps(times), _STATES.take(state), book.static_cells(rows), values.cells(completed),
    ])  # fmt: skip
    workspace.write_file(batch, "Trade.txt", text, len(rows))
    write_audit(workspace, batch, "Trade", tally)
