"""Daily rows that change what earlier batches said, written into the source files of a generated dataset.

Usage:
    plant_corrections(Sources(folder), random.Random(7))     into the files of all batches

A trade is closed on another day, canceled after it was completed, placed again for another account or nobody, or dated in the future; a price and a
transaction come late or early; an account changes on the days in between. What a batch makes impossible must leave the marts.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.python.hard_data import NOBODY, Sources

CORRECTIONS_PER_BATCH = 12
FIRST_NEW_TRADE = 950_000
FIGURES = ("3.00", "0.10", "0.20", "0.30")
HIGHEST_PRICE = "99999.99"


@dataclass
class _Draft:
    """The files that are written into, and what is known about their rows."""

    sources: Sources
    chance: random.Random
    days: dict[int, str]
    trades: list[list[str]]
    accounts: list[str]
    symbols: list[str]
    new_trades: int = 0

    @property
    def last_batch(self) -> int:
        return max(self.days)

    def day(self) -> str:
        """The day of a daily batch."""
        return self.days[self.chance.choice(range(2, self.last_batch + 1))]

    def add_state(self, batch: int, day: str, status: str, **changed: str) -> None:
        """A row of a known trade, with other values of some fields and `flag`."""
        trade = list(self.chance.choice(self.trades))
        figures = FIGURES if status == "CMPT" else ("", "", "", "")
        trade[1:3] = [f"{day} {self.chance.randrange(10, 24)}:00:00", status]
        trade[10:14] = figures
        trade[5] = changed.get("symbol", trade[5])
        trade[8] = changed.get("account", trade[8])
        self.sources.add(f"Batch{batch}/Trade.txt", *trade, flag=changed.get("flag", "U"))


def plant_corrections(sources: Sources, chance: random.Random) -> None:
    """Write corrections into the third and every later batch, and a few rows into the first two.

    Args:
        sources: the files of a dataset with at least three batches.
        chance: decides which rows are corrected, and how.
    """
    draft = _draft(sources, chance)
    kinds: tuple[Callable[[_Draft, int], None], ...] = (
        _closed_on_another_day,
        _canceled,
        _dated_before_everything,
        _placed_again,
        _placed_for_nobody,
        _dated_ahead,
        _price_of_another_day,
        _account_changed,
        _watch_repeated,
    )
    for batch in range(3, draft.last_batch + 1):
        for kind in (*kinds, *chance.choices(kinds, k=CORRECTIONS_PER_BATCH - len(kinds))):
            kind(draft, batch)
    _dated_ahead(draft, 2)
    _transaction_ahead_of_the_history(draft)


def _draft(sources: Sources, chance: random.Random) -> _Draft:
    batches = sorted(int(path.name.removeprefix("Batch")) for path in sources.folder.glob("Batch?"))
    return _Draft(
        sources,
        chance,
        days={batch: sources.lines(f"Batch{batch}/BatchDate.txt")[0] for batch in batches},
        trades=[
            *sources.rows("Batch1/Trade.txt")[-200:],
            *(row[2:] for row in sources.rows("Batch2/Trade.txt") if row[0] == "I"),
        ],
        accounts=sorted({row[0] for row in sources.rows("Batch1/CashTransaction.txt")}),
        symbols=sorted({row[3] for row in sources.rows("Batch2/DailyMarket.txt")}),
    )


def _closed_on_another_day(draft: _Draft, batch: int) -> None:
    draft.add_state(batch, draft.day(), "CMPT")


def _canceled(draft: _Draft, batch: int) -> None:
    draft.add_state(batch, draft.days[batch], "CNCL")


def _dated_before_everything(draft: _Draft, batch: int) -> None:
    draft.add_state(batch, "1850-01-01", draft.chance.choice(("SBMT", "CMPT")))


def _placed_again(draft: _Draft, batch: int) -> None:
    account, symbol = draft.chance.choice(draft.accounts), draft.chance.choice(draft.symbols)
    status = draft.chance.choice(("SBMT", "CMPT"))
    draft.add_state(batch, draft.days[batch], status, flag="I", account=account, symbol=symbol)


def _placed_for_nobody(draft: _Draft, batch: int) -> None:
    draft.add_state(batch, draft.days[batch], "CMPT", flag="I", account=str(NOBODY))


def _dated_ahead(draft: _Draft, batch: int) -> None:
    """A new trade that is dated on the day of a later batch, on which its account changes."""
    trade = list(draft.chance.choice(draft.trades))
    draft.new_trades += 1
    trade[0] = str(FIRST_NEW_TRADE + draft.new_trades)
    trade[1] = f"{draft.days[draft.last_batch]} 10:00:00"
    draft.sources.add(f"Batch{batch}/Trade.txt", *trade)
    _change_account(draft, draft.last_batch, trade[8])


def _price_of_another_day(draft: _Draft, batch: int) -> None:
    """A price of the history comes with a daily batch, and is higher than all others."""
    lines = draft.sources.lines("Batch1/DailyMarket.txt")
    day, symbol, _, _, low, volume = lines.pop(
        draft.chance.randrange(len(lines) // 2, len(lines))
    ).split("|")
    draft.sources.write("Batch1/DailyMarket.txt", lines)
    draft.sources.add(f"Batch{batch}/DailyMarket.txt", day, symbol, low, HIGHEST_PRICE, low, volume)


def _account_changed(draft: _Draft, batch: int) -> None:
    _change_account(draft, batch, draft.chance.choice(draft.accounts))


def _change_account(draft: _Draft, batch: int, account: str) -> None:
    known = draft.chance.choice(draft.sources.rows("Batch2/Account.txt"))
    draft.sources.add(
        f"Batch{batch}/Account.txt", account, *known[3:5], "changed", 1, "ACTV", flag="U"
    )


def _watch_repeated(draft: _Draft, batch: int) -> None:
    """A watch of an earlier batch is placed again, earlier on the same day, or canceled."""
    _, _, customer, symbol, time, _ = draft.chance.choice(
        draft.sources.rows("Batch2/WatchHistory.txt")
    )
    at, action = draft.chance.choice(
        ((f"{time[:10]} 00:00:01", "ACTV"), (f"{draft.days[batch]} 12:00:00", "CNCL"))
    )
    draft.sources.add(f"Batch{batch}/WatchHistory.txt", customer, symbol, at, action)


def _transaction_ahead_of_the_history(draft: _Draft) -> None:
    """A transaction of the historical batch is dated on the day of the last one, on which its account changes."""
    account, last_day = draft.chance.choice(draft.accounts), draft.days[draft.last_batch]
    name = "Batch1/CashTransaction.txt"
    line = f"{account}|{last_day} 10:00:00|5.00|ahead"
    draft.sources.write(name, [*draft.sources.lines(name), line])
    _change_account(draft, draft.last_batch, account)
