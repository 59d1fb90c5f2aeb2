"""Rows that cannot be modeled or are implausible, written into the source files of a generated dataset.

Usage:
    planted = plant(Sources(folder))       into the files of the third batch, and those of the newswire

What the rows are is in `plant`; `Planted` has their keys.
"""

from dataclasses import dataclass
from pathlib import Path

DAY = "2017-07-09"
LONG_AGO = "1850-01-01"
# The last day of the calendar, whose entry gets the ID of the day before.
UNLISTED_DAY = "2020-12-31"
BROKER = "314"
# Keys that nothing in the dataset has.
NOBODY = 999_999_999
NO_SYMBOL = "NOSUCHSYMBOL"
ZERO_KEY = "00000000-0000-0000-0000-000000000000"
# Change numbers from here on are planted.
FIRST_NUMBER = 90_000_000


class Sources:
    """The source files of a dataset, and what was planted in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = FIRST_NUMBER

    def lines(self, name: str) -> list[str]:
        """The lines of a file, without their ends."""
        return (self.folder / name).read_text().splitlines()

    def rows(self, name: str) -> list[list[str]]:
        """The fields of the lines of a file."""
        return [line.split("|") for line in self.lines(name)]

    def write(self, name: str, lines: list[str]) -> None:
        """Replace a file."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))

    def add(self, name: str, *fields: object, flag: str = "I") -> None:
        """A line at the end of a file of a daily batch, with a change number of its own."""
        self.number += 1
        line = "|".join(str(field) for field in (flag, self.number, *fields))
        self.write(name, [*self.lines(name), line])

    def add_trade(
        self, trade_id: int, *, symbol: str, account: object, flag: str = "I", **values: object
    ) -> None:
        """A row of a trade in the last batch; what `values` do not say is usual."""
        usual = {"status": "SBMT", "kind": "TMB", "quantity": 5, "price": "1.00", "figures": "|||"}
        usual |= {"at": f"{DAY} 11:00:00"}
        row = usual | values
        self.add(
            "Batch3/Trade.txt",
            trade_id,
            row["at"],
            row["status"],
            row["kind"],
            1,
            symbol,
            row["quantity"],
            row["price"],
            account,
            "planted",
            row["figures"],
            flag=flag,
        )

    def change(self, name: str, line: int, **fields: object) -> list[str]:
        """Other values of some fields of a line; `field_3` is the fourth. Returns the fields of the line."""
        rows = self.rows(name)
        for place, value in fields.items():
            rows[line][int(place.removeprefix("field_"))] = str(value)
        self.write(name, ["|".join(row) for row in rows])
        return rows[line]


@dataclass(frozen=True)
class Planted:
    """What the tests look for."""

    account_of_another_employee: int
    another_employee: int
    account_of_nobody: int
    orphan_account: int
    moved_account: int
    reissued: str
    known_account: int
    priced_at_zero: str
    priced_twice: str
    completed_price: tuple[str, str]
    priced_on_unlisted_day: str
    out_of_order: str
    lots: tuple[int, int]
    closing_trade: int
    implausible_trade: int
    oddly_typed_trade: int
    backdated_trade: int
    undated_trade: int
    placed_twice: int
    watched: str


def plant(sources: Sources) -> Planted:
    """Write all cases into the files of the third batch, and those of the newswire into the first."""
    for audit in sources.folder.rglob("*_audit.csv"):
        audit.unlink()
    employees = [line.split(",") for line in sources.lines("Batch1/HR.csv")]
    another = next(int(fields[0]) for fields in employees if fields[5] != BROKER)
    broker = next(int(fields[0]) for fields in employees if fields[5] == BROKER)
    account, moved = (row[2] for row in sources.rows("Batch3/CashTransaction.txt")[:2])
    prices = sources.rows("Batch3/DailyMarket.txt")

    # Accounts: the broker has another job, is nobody, or the owner is nobody.
    ids = (800_001, 800_002, 800_003)
    for account_id, broker_id, customer_id in (
        (ids[0], another, 0),
        (ids[1], NOBODY, 0),
        (ids[2], broker, NOBODY),
    ):
        sources.add("Batch3/Account.txt", account_id, broker_id, customer_id, "planted", 1, "ACTV")
    # Inserted although known, updated although unknown.
    sources.add("Batch3/Account.txt", account, broker, 0, "known", 1, "ACTV")
    sources.add("Batch3/Account.txt", 800_004, broker, 0, "unknown", 1, "ACTV", flag="U")
    # Known, and moved to nobody.
    sources.add("Batch3/Account.txt", moved, broker, NOBODY, "moved", 1, "ACTV", flag="U")

    # Cash and watches without a parent, or on a day that is in no calendar.
    sources.add("Batch3/CashTransaction.txt", NOBODY, f"{DAY} 10:00:00", "5.00", "nobody's")
    sources.add("Batch3/WatchHistory.txt", NOBODY, prices[0][3], f"{DAY} 10:00:00", "ACTV")
    sources.add("Batch3/WatchHistory.txt", 0, NO_SYMBOL, f"{DAY} 10:00:00", "ACTV")
    sources.add("Batch3/WatchHistory.txt", 1, prices[0][3], f"{LONG_AGO} 10:00:00", "ACTV")
    sources.add("Batch3/WatchHistory.txt", 2, NO_SYMBOL, f"{DAY} 10:00:00", "CNCL")
    # The key of the unknown customer is nobody's, and an action that is none does not come between two others.
    sources.add("Batch3/WatchHistory.txt", -1, prices[0][3], f"{DAY} 10:00:00", "ACTV")
    for time, action in (("22:00:00", "ACTV"), ("22:01:00", "NONE"), ("22:02:00", "CNCL")):
        sources.add("Batch3/WatchHistory.txt", 3, prices[6][3], f"{DAY} {time}", action)

    # Prices: none, one too many, of nothing, and in a wrong order.
    sources.change("Batch3/DailyMarket.txt", 0, field_4="0.00", field_6="0.00")
    sources.change("Batch3/DailyMarket.txt", 1, field_5="1.00", field_6="2.00", field_7="-3")
    sources.add("Batch3/DailyMarket.txt", *prices[2][2:])
    sources.add("Batch3/DailyMarket.txt", prices[2][2], NO_SYMBOL, "1.00", "1.00", "1.00", 5)
    # Delivered without a high, then completely; and on a day that the calendar lists under the ID of another one.
    sources.change("Batch3/DailyMarket.txt", 4, field_5="")
    sources.add("Batch3/DailyMarket.txt", *prices[4][2:])
    sources.change("Batch1/Date.txt", -1, field_0=sources.rows("Batch1/Date.txt")[-2][0])
    sources.add("Batch3/DailyMarket.txt", UNLISTED_DAY, *prices[5][3:])

    # Trades: of nobody, of nothing, of an unknown kind, with absurd figures, and changed although never placed.
    first, symbol = 900_001, prices[0][3]
    sources.add_trade(first, symbol=symbol, account=NOBODY)
    sources.add_trade(first + 1, symbol=NO_SYMBOL, account=account)
    sources.add_trade(first + 2, symbol=symbol, account=account, kind="X")
    sources.add_trade(first + 3, symbol=symbol, account=account, quantity=-5, price="-9.85")
    sources.add_trade(first + 4, symbol=symbol, account=account, flag="U")

    # Changed long before it was placed: one stays open, one is completed.
    backdated, undated = first + 5, first + 6
    for trade_id, status in ((backdated, "SBMT"), (undated, "CMPT")):
        sources.add_trade(trade_id, symbol=symbol, account=account)
        at = f"{LONG_AGO} 10:00:00"
        sources.add_trade(trade_id, symbol=symbol, account=account, flag="U", status=status, at=at)
    # Placed twice.
    twice = first + 7
    for quantity in (10, 20):
        sources.add_trade(
            twice,
            symbol=prices[7][3],
            account=account,
            status="CMPT",
            quantity=quantity,
            figures="3.00|0.10|0.20|0.30",
        )
    sources.add("Batch3/HoldingHistory.txt", twice, twice, 0, 20)

    # One sale closes two lots.
    lots, closing = (first + 10, first + 11), first + 12
    for trade_id, kind, quantity in (
        (lots[0], "TMB", 10),
        (lots[1], "TMB", 20),
        (closing, "TMS", 30),
    ):
        done = {
            "status": "CMPT",
            "kind": kind,
            "quantity": quantity,
            "figures": "3.00|0.10|0.20|0.30",
        }
        sources.add_trade(trade_id, symbol=prices[3][3], account=account, **done)
    for opening, current, before, after in (
        (lots[0], lots[0], 0, 10),
        (lots[1], lots[1], 0, 20),
        (lots[0], closing, 10, 0),
        (lots[1], closing, 20, 0),
    ):
        sources.add("Batch3/HoldingHistory.txt", opening, current, before, after)
    # A holding of a trade that was rejected, and one of a trade that nobody placed.
    sources.add("Batch3/HoldingHistory.txt", first, first, 0, 5)
    sources.add("Batch3/HoldingHistory.txt", NOBODY, NOBODY, 0, 5)

    _plant_newswire(sources, reissued=prices[8][3])
    return Planted(
        account_of_another_employee=ids[0],
        another_employee=another,
        account_of_nobody=ids[1],
        orphan_account=ids[2],
        moved_account=int(moved),
        reissued=prices[8][3],
        known_account=int(account),
        priced_at_zero=prices[0][3],
        priced_twice=prices[2][3],
        completed_price=(prices[4][3], prices[4][5]),
        priced_on_unlisted_day=prices[5][3],
        out_of_order=prices[1][3],
        lots=lots,
        closing_trade=closing,
        implausible_trade=first + 3,
        oddly_typed_trade=first + 2,
        backdated_trade=backdated,
        undated_trade=undated,
        placed_twice=twice,
        watched=prices[6][3],
    )


def _plant_newswire(sources: Sources, reissued: str) -> None:
    """A company called 3, securities of both that 3 may mean, and records of companies that nobody knows.

    One of them is a later record of the security `reissued`.
    """
    names = sorted(path.name for path in (sources.folder / "Batch1").glob("FINWIRE*"))
    lines = [(name, line) for name in names for line in sources.lines(f"Batch1/{name}")]
    kinds = {
        kind: [line for _, line in lines if line[15:18] == kind] for kind in ("CMP", "SEC", "FIN")
    }
    company = kinds["CMP"][0]
    security, figures = kinds["SEC"][0], kinds["FIN"][0]
    last = f"Batch1/{names[-1]}"
    time = sources.lines(last)[-1][:15]
    called_three = f"{time}CMP{'3':<60}{9003:010}{company[88:92]}ZZ{company[94:]}"
    planted = [called_three]
    for symbol, reference in (
        ("THREEBYNAME", f"{'3':<60}"),
        ("THREEBYNUMBER", f"{3:010}"),
        ("OFNOBODY", f"{NOBODY:010}"),
    ):
        planted.append(f"{time}SEC{symbol:<15}{security[33:160]}{reference}")
    planted.append(f"{time}{figures[15:186]}{NOBODY:010}")
    known = next(line for line in kinds["SEC"] if line[18:33].rstrip() == reissued)
    planted.append(f"{time}{known[15:160]}{NOBODY:010}")
    sources.write(last, [*sources.lines(last), *planted])
