"""Static reference data: Date, Time, TaxRate, Industry, StatusType and TradeType; the same at every scale and seed.

The calendar keeps the published formats (month and day names of three letters, ids without padding) but not the faults of the
published files: a fiscal quarter is the one it names, and the days before 1 January stay in week 53 or 54 of their own year.
Weeks begin on Sunday; week 1 contains 1 January. The fiscal year begins on 1 July.
"""

import calendar
from datetime import date

import numpy as np

from brokerage_sources.generate import words
from brokerage_sources.generate.audit import write_audit
from brokerage_sources.generate.cells import (
    END_OF_ROW,
    SECONDS,
    assemble,
    compact_dates,
    dates,
    integers,
    table,
    zero_padded,
)
from brokerage_sources.generate.writing import Workspace

FIRST_DATE, LAST_DATE = date(1950, 1, 1), date(2020, 12, 31)
_MONTHS = table(calendar.month_abbr[1:])
_WEEKDAYS = table(calendar.day_abbr)
_FLAGS = table(["false", "true"])
_HOLIDAYS = [101, 501, 704, 1225, 1226]  # month x 100 + day
_MARKET_HOURS = (9 * 3600 + 30 * 60, 16 * 3600)
_OFFICE_HOURS = (8 * 3600, 17 * 3600)

STATUS_TYPES = {
    "ACTV": "Active",
    "CMPT": "Completed",
    "CNCL": "Canceled",
    "PNDG": "Pending",
    "SBMT": "Submitted",
    "INAC": "Inactive",
}
TRADE_TYPES = [
    ("TMB", "Market Buy", 0, 1),
    ("TMS", "Market Sell", 1, 1),
    ("TSL", "Stop Loss", 1, 1),
    ("TLS", "Limit Sell", 1, 0),
    ("TLB", "Limit Buy", 0, 0),
]


def write(workspace: Workspace) -> None:
    """All six files of batch 1, each with an audit file that holds the header only."""
    small = {
        "TaxRate": [
            f"{tax.tax_id}|{tax.name}|{tax.rate // 10**5}.{tax.rate % 10**5:05d}"
            for tax in words.tax_rates()
        ],
        "Industry": ["|".join(industry) for industry in words.industries()],
        "StatusType": [f"{code}|{name}" for code, name in STATUS_TYPES.items()],
        "TradeType": [f"{code}|{name}|{sell}|{market}" for code, name, sell, market in TRADE_TYPES],
    }
    texts = {
        name: "".join(f"{line}\r\n" for line in lines).encode("ascii")
        for name, lines in small.items()
    }
    files: dict[str, bytes | bytearray] = {**texts, "Date": _dates(), "Time": _times()}
    for name, text in files.items():
        workspace.write_file(1, f"{name}.txt", text, text.count(b"\n"))
        write_audit(workspace, 1, name, {})


def _dates() -> bytearray:
    """Rows of Date.txt."""
    days = np.arange(np.datetime64(FIRST_DATE), np.datetime64(LAST_DATE) + 1)
    years, months = days.astype("datetime64[Y]"), days.astype("datetime64[M]")
    year, month = years.astype(np.int64) + 1970, (months - years).astype(np.int64) + 1
    day = (days - months).astype(np.int64) + 1
    number = days.astype(np.int64)  # 1970-01-01 was a Thursday
    weekday = (number + 3) % 7 + 1
    first_weekday = (years.astype("datetime64[D]").astype(np.int64) + 3) % 7 + 1
    week = ((days - years).astype(np.int64) + first_weekday % 7) // 7 + 1
    quarter = (month + 2) // 3
    fiscal_year, fiscal_quarter = year + (month >= 7), (quarter + 1) % 4 + 1
    month_name = _MONTHS.take(month - 1)
    holiday = np.isin(month * 100 + day, _HOLIDAYS)
    y, q, fy, fq = (integers(values) for values in (year, quarter, fiscal_year, fiscal_quarter))
    return assemble([
        compact_dates(number), b"|", dates(number), b"|", month_name, b" ", integers(day), b", ", y, b"|", y, b"|", y,
        b"|", y, q, b"|", y, b" Q", q, b"|", y, integers(month), b"|", y, b" ", month_name, b"|", y, integers(week), b"|",
        y, b"-W", integers(week), b"|", integers(weekday), b"|", _WEEKDAYS.take(weekday - 1), b"|", fy, b"|", fy, b"|",
        fy, fq, b"|", fy, b" Q", fq, b"|", _FLAGS.take(holiday.astype(np.int64)), END_OF_ROW,
    ])  # fmt: skip


def _times() -> bytearray:
    """Rows of Time.txt."""
    second = np.arange(86_400)
    hh, mm, ss = (zero_padded(part, 2) for part in (second // 3600, second // 60 % 60, second % 60))
    flags = [(first <= second) & (second <= last) for first, last in (_MARKET_HOURS, _OFFICE_HOURS)]
    market, office = (_FLAGS.take(flag.astype(np.int64)) for flag in flags)
    return assemble([
        hh, mm, ss, b"|", SECONDS, b"|", hh, b"|", hh, b"|", mm, b"|", hh, b":", mm, b"|", ss, b"|", SECONDS, b"|",
        market, b"|", office, END_OF_ROW,
    ])  # fmt: skip
