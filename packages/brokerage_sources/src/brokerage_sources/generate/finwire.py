"""The financial newswire: 203 files FINWIREyyyyQq of fixed-width records, and their audit files.

A quarter is written at once: first the figures (FIN) of every company that was alive at the end of the quarter before, in random
order, then the company (CMP) and security (SEC) records in random order. Times are spread evenly over the quarter.

A company is named by its CIK (10 digits) or by its name (60 characters), half and half, so SEC and FIN lines have two widths.
What a company *is* (name, address, rating, chief executive, description) is a pure function of its id; a change record differs
in the industry and the founding date only. A security's change record draws everything again except the symbol, including the
company that issues it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from brokerage_sources.generate import calendar, words
from brokerage_sources.generate.audit import Tally, write_audit
from brokerage_sources.generate.cells import (
    CHUNK,
    END_OF_ROW,
    Cell,
    assemble,
    chunks,
    clock,
    compact_dates,
    money_right_aligned,
    only,
    padded,
    right_aligned,
    rows_of,
    table,
    text_pool,
    zero_padded,
)
from brokerage_sources.generate.draws import Flags, Integers, Stream, half_up, scale_high, scale_low
from brokerage_sources.generate.finwire_plan import Lives, finwire_plan, symbols
from brokerage_sources.generate.parameters import QUARTERS, Parameters
from brokerage_sources.generate.writing import Workspace

_COMPANY, _SECURITY = range(2)
_CREATED, _CHANGED, _ENDED = range(3)

_NAME, _LINE = 60, 80
_STATUS = table(["ACTV", "ACTV", "INAC"])
_INDUSTRIES = table(industry.industry_id for industry in words.industries())
_RATINGS = padded(table(words.RATINGS), 4)
_BLANK_DATE = np.full(1, b" " * 8)
_CITIES = padded(table(words.CITIES), 25)
_STATES = padded(table(words.STATES_AND_PROVINCES), 20)
_COUNTRIES = padded(table(words.COUNTRIES), 24)
_LAST_NAMES = padded(table(words.LAST_NAMES), 46)
_STREETS = table(words.STREETS)
_STREET_KINDS = table(words.STREET_KINDS)
_ISSUES = padded(table(["COMMON", "PREF_A", "PREF_B", "PREF_C", "PREF_D"]), 6)
_ISSUE_WEIGHTS = [73, 15, 7, 4, 1]
_EXCHANGES = padded(table(["NYSE", "NASDAQ", "AMEX", "PCX"]), 6)
_FIRST_FOUNDING = calendar.day_of(1850, 1, 1)
_TIMES = clock(b"")
_MILLION = 10**6


class _Wire:
    """The newswire of a dataset: its entities, its random numbers, its clock."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.plan = finwire_plan(parameters)
        first_days = np.array(
            [calendar.quarter_first_day(quarter) for quarter in range(QUARTERS + 1)]
        )
        self._bounds = np.minimum(first_days * calendar.DAY, calendar.HISTORY_END)

    def stream(self, column: str) -> Stream:
        return Stream(self.parameters.seed, f"finwire.{column}")

    def times(self, quarters: Integers, ranks: Integers, counts: Integers) -> Integers:
        """Seconds of the records with these ranks among the records of their quarters."""
        bits = self.stream("time").bits((quarters << 32) + ranks)
        return calendar.even_times(
            self._bounds[quarters], self._bounds[quarters + 1], ranks, counts, bits
        )

    def filers(self, quarter: int) -> Integers:
        """Companies that file figures in a quarter, in the order of the file."""
        companies = self.plan.companies.alive_at_end(quarter - 1)
        order = self.stream("order").bits((quarter << 32) + companies)
        return companies[np.argsort(order, kind="stable")]


def write_quarters(workspace: Workspace, parameters: Parameters, quarters: range) -> None:
    """The files of some quarters and their audit files."""
    wire = _Wire(parameters)
    filers = {quarter: wire.filers(quarter) for quarter in quarters}
    news = _news(wire, quarters)
    news_rows = _news_rows(
        wire, news, {quarter: len(companies) for quarter, companies in filers.items()}
    )
    for quarter in quarters:
        name = f"FINWIRE{calendar.FINWIRE_FIRST_YEAR + quarter // 4}Q{quarter % 4 + 1}"
        first, stop = (int(row) for row in np.searchsorted(news.quarter, [quarter, quarter + 1]))
        tally = Tally({
            "DimSecurity.FW_SEC": int(np.sum(news.kind[first:stop] == _SECURITY)), "DimSecurity.FW_SEC_DUP": 0,
            "DimCompany.FW_CMP": int(np.sum(news.kind[first:stop] == _COMPANY)), "DimCompany.FW_CMP_DUP": 0,
            "Financial.FW_FIN": 0, "Financial.FW_FIN_DUP": 0,
        })  # fmt: skip
        with workspace.file(1, name) as file:
            companies = filers[quarter]
            for ranks in chunks(0, len(companies)):
                count = len(companies) + stop - first
                file.write(
                    assemble(_figures(wire, quarter, companies[ranks], ranks, count)), len(ranks)
                )
                tally["Financial.FW_FIN"] += len(ranks)
            file.write(b"".join(news_rows[first:stop]), stop - first)
        write_audit(workspace, 1, name, tally)


def _pts(times: Integers, kind: bytes) -> list[Any]:
    day = times // calendar.DAY
    return [compact_dates(day), b"-", _TIMES.take(times - day * calendar.DAY), kind]


# --- companies ---------------------------------------------------------------------------------


def company_names(parameters: Parameters, companies: Integers) -> Cell:
    """Unique names of 15 .. 60 letters: five letters that spell the id in disguise, then random ones."""
    disguised = (companies * 7_654_321 + 1_234_567) % 26**5
    letters = np.zeros((len(companies), 5), dtype=np.uint8)
    for position in range(5):
        disguised, letter = np.divmod(disguised, 26)
        letters[:, position] = letter + np.where(position == 0, ord("A"), ord("a"))
    draws = Stream(parameters.seed, "finwire.company_name").bits(companies)
    rest = text_pool(parameters.seed, "company_name", _NAME - 5).texts(draws, 10, _NAME - 5)
    return np.char.add(letters.view("S5").ravel(), np.ascontiguousarray(rest))


@lru_cache(maxsize=2)
def _company_table(parameters: Parameters) -> tuple[Cell, Cell]:
    """CIK and blank-padded name of every company."""
    companies = np.arange(parameters.sizes.companies.created)
    return _packed(zero_padded(companies, 10)), padded(company_names(parameters, companies), _NAME)


def _company_reference(wire: _Wire, companies: Integers, by_number: Flags) -> list[Any]:
    """CIK or blank-padded name."""
    numbers, names = _company_table(wire.parameters)
    return [only(by_number, numbers.take(companies)), only(~by_number, names.take(companies))]


def _founding_dates(wire: _Wire, rows: Integers, times: Integers, column: str) -> Integers:
    """A day from 1850 up to a year before the record."""
    last = times // calendar.DAY - 366
    return _FIRST_FOUNDING + wire.stream(column).below(rows, last - _FIRST_FOUNDING)


def _ratings(wire: _Wire, companies: Integers) -> Cell:
    """One of the 22 ratings, or for one company in ten a few random letters."""
    total = wire.parameters.sizes.companies.created
    stream = wire.stream("rating_invalid")
    invalid = stream.at_least(companies, total, wire.parameters.hard_cases.error_floor, 10)
    valid = _RATINGS.take(wire.stream("rating").below(companies, len(_RATINGS)))
    letters = text_pool(wire.parameters.seed, "rating", 4).texts(stream.bits(companies), 1, 4)
    return np.where(invalid, padded(letters, 4), valid)


def _companies(wire: _Wire, news: "_News", times: Integers) -> list[bytes]:
    """CMP records."""
    ids, what = news.entity, news.what
    numbers, names = _company_table(wire.parameters)
    records = (ids << 9) + news.quarter  # one record per company and quarter at most
    sizes, hard_cases = wire.parameters.sizes, wire.parameters.hard_cases
    founded = _founding_dates(wire, records, times, "founded")
    total = sizes.companies.created
    undated = wire.stream("founded_blank").at_least(ids, total, hard_cases.error_floor, 18)
    country = np.where(wire.stream("country_us").chance(ids, 80), 1, 2)
    country[wire.stream("country_blank").at_least(ids, total, hard_cases.error_floor, 20)] = 0
    industry_of = np.where(what == _CHANGED, records, ids << 9)
    line_1 = [
        zero_padded(wire.stream("house").between(ids, 1000, 24_999), 5), b" ",
        _STREETS.take(wire.stream("street").below(ids, len(_STREETS))), b" ",
        _STREET_KINDS.take(wire.stream("street_kind").below(ids, len(_STREET_KINDS))),
    ]  # fmt: skip
    line_2 = only(wire.stream("unit_given").chance(ids, 10), np.full(len(ids), b"Suite 100"))
    description = text_pool(wire.parameters.seed, "description", 150, "blank").texts(
        wire.stream("description").bits(ids), 10, 150
    )
    return rows_of([
        _pts(times, b"CMP"), names.take(ids), numbers.take(ids),
        _STATUS.take(what), _INDUSTRIES.take(wire.stream("industry").below(industry_of, len(_INDUSTRIES))),
        _ratings(wire, ids), np.where(undated, _BLANK_DATE, compact_dates(founded)),
        padded(_packed(line_1), _LINE), padded(line_2, _LINE),
        padded(_packed(zero_padded(wire.stream("zip").below(ids, 10**5), 5)), 12),
        _CITIES.take(wire.stream("city").below(ids, len(_CITIES))),
        _STATES.take(wire.stream("state").below(ids, len(_STATES))), _COUNTRIES.take(country),
        _LAST_NAMES.take(wire.stream("chief").below(ids, len(_LAST_NAMES))), padded(description, 150), END_OF_ROW,
    ])  # fmt: skip


def _packed(parts: list[Any]) -> Cell:
    """Columns glued to one cell per row, without padding between them."""
    return np.array(rows_of(parts), dtype=np.bytes_)


# --- securities --------------------------------------------------------------------------------


def _issued_at_once(wire: _Wire, securities: Integers, quarters: Integers) -> Flags:
    """Which securities are new in these quarters, as is the company that issues them."""
    percent = wire.parameters.hard_cases.same_quarter_issue_percent
    if not percent:
        return np.zeros(len(securities), dtype=bool)
    before = wire.plan.companies.before
    new = wire.plan.securities.created[securities] == quarters
    company_too = before[quarters] < before[quarters + 1]
    return np.asarray(
        new & company_too & wire.stream("issued_at_once").one_in(securities, max(1, 100 // percent))
    )


def _issuers(wire: _Wire, ids: Integers, reported: Integers) -> Integers:
    """The company that each security belonged to since its record in quarter `reported`.

    Any company active at the end of the quarter before that record; for some new securities one of the same quarter.
    """
    lives, stream, rows = wire.plan.companies, wire.stream("issuer"), (ids << 9) + reported
    companies = np.zeros(len(ids), dtype=np.int64)
    for quarter in sorted(set(reported.tolist())):
        where = np.flatnonzero(reported == quarter)
        alive = lives.alive_at_end(quarter - 1)
        companies[where] = alive[stream.below(rows[where], len(alive))]
    first = lives.before[reported]
    fresh = first + stream.below(rows, lives.before[reported + 1] - first)
    return np.where(_issued_at_once(wire, ids, reported), fresh, companies)


def _last_reported(lives: Lives, security: int, ended: int) -> int:
    """The quarter of the last record of a security before the quarter in which it ended."""
    reported = int(lives.created[security])
    for quarter in range(reported + 1, ended):
        if security in lives.changed[quarter]:
            reported = quarter
    return reported


def _securities(wire: _Wire, news: "_News", times: Integers) -> list[bytes]:
    """SEC records. A change record draws all values again; a final record repeats the last ones except its dates."""
    ids, what, reported = news.entity, news.what, news.quarter.copy()
    for row in np.flatnonzero(what == _ENDED):
        reported[row] = _last_reported(wire.plan.securities, int(ids[row]), int(reported[row]))
    values, records = (ids << 9) + reported, (ids << 9) + news.quarter
    companies = _issuers(wire, ids, reported)
    names = text_pool(wire.parameters.seed, "security_name", 70, "blank").texts(
        wire.stream("name").bits(values), 10, 70
    )
    shares = np.array(
        [b"%-13d" % count for count in wire.stream("shares").between(values, 100_000, 10**9)]
    )
    return rows_of([
        _pts(times, b"SEC"), symbols(wire.parameters.sizes.securities.created).take(ids),
        _ISSUES.take(wire.stream("issue").pick(values, _ISSUE_WEIGHTS)), _STATUS.take(what), padded(names, 70),
        _EXCHANGES.take(wire.stream("exchange").below(values, len(_EXCHANGES))), padded(shares, 13),
        compact_dates(_founding_dates(wire, records, times, "first_trade")),
        compact_dates(_founding_dates(wire, records, times, "first_trade_exchange")),
        money_right_aligned(wire.stream("dividend").between(values, 0, 300), 12),
        _company_reference(wire, companies, wire.stream("issuer_by_number").chance(records, 50)), END_OF_ROW,
    ])  # fmt: skip


# --- the end of a quarter ----------------------------------------------------------------------


@dataclass(frozen=True)
class _News:
    """CMP and SEC records in file order: quarter, kind of record, company or security, and what happened to it."""

    quarter: Integers
    kind: Integers
    entity: Integers
    what: Integers

    def __getitem__(self, rows: np.ndarray) -> "_News":
        return _News(self.quarter[rows], self.kind[rows], self.entity[rows], self.what[rows])


def _news(wire: _Wire, quarters: range) -> _News:
    """The records of some quarters.

    The order is random, but a security whose company is new in the same quarter follows that company.
    """
    rows: list[tuple[int, int, int, int]] = []
    for kind, lives in ((_COMPANY, wire.plan.companies), (_SECURITY, wire.plan.securities)):
        for quarter in quarters:
            new = range(int(lives.before[quarter]), int(lives.before[quarter + 1]))
            rows += [(quarter, kind, entity, _CREATED) for entity in new]
            rows += [(quarter, kind, entity, _CHANGED) for entity in lives.changed[quarter]]
            rows += [(quarter, kind, entity, _ENDED) for entity in lives.inactivated[quarter]]
    news = _News(*np.array(rows, dtype=np.int64).reshape(-1, 4).T)
    key = wire.stream("news_order").bits(
        (news.quarter << 40) + (news.kind << 36) + news.entity
    ) >> np.uint64(1)
    securities = np.flatnonzero(news.kind == _SECURITY)
    late = securities[_issued_at_once(wire, news.entity[securities], news.quarter[securities])]
    key[late] |= np.uint64(1 << 63)
    return news[np.lexsort((key, news.quarter))]


def _news_rows(wire: _Wire, news: _News, filers: dict[int, int]) -> list[bytes]:
    """The rendered records; in each file they follow the figures of so many companies."""
    first_of_quarter = np.searchsorted(news.quarter, news.quarter)
    count = np.searchsorted(news.quarter, news.quarter, side="right") - first_of_quarter
    figures = np.array([filers[int(quarter)] for quarter in news.quarter], dtype=np.int64)
    ranks = figures + np.arange(len(news.quarter)) - first_of_quarter
    times = wire.times(news.quarter, ranks, figures + count)
    rows = np.empty(len(news.quarter), dtype=object)
    for kind, render in ((_COMPANY, _companies), (_SECURITY, _securities)):
        of_kind = np.flatnonzero(news.kind == kind)
        for first in range(0, len(of_kind), CHUNK):
            where = of_kind[first : first + CHUNK]
            rows[where] = render(wire, news[where], times[where])
    return list(rows)


# --- figures -----------------------------------------------------------------------------------


def _figures(
    wire: _Wire, quarter: int, companies: Integers, ranks: Integers, count: int
) -> list[Any]:
    """FIN records: revenue up to 10^10, earnings up to 70 % of it, ratios rounded half up to two decimals."""
    rows = (companies << 9) + quarter
    times = wire.times(np.full(len(rows), quarter), ranks, np.full(len(rows), count))
    first = wire.stream("figures_1").bits(rows)
    second = wire.stream("figures_2").bits(rows)
    revenue = wire.stream("revenue").between(rows, 100, 10**12)
    earnings = half_up(revenue * scale_high(first, 700_001), _MILLION)
    shares = 100_000 + scale_low(first, 10**9 - 100_000 + 1)
    diluted = half_up(shares * (_MILLION + scale_high(second, 200_001)), _MILLION)
    first_day = compact_dates(np.array([calendar.quarter_first_day(quarter)]))[0]
    heading = f"{calendar.FINWIRE_FIRST_YEAR + quarter // 4}{quarter % 4 + 1}".encode() + first_day
    return [
        _pts(times, b"FIN"), heading, compact_dates(times // calendar.DAY),
        money_right_aligned(revenue, 17), money_right_aligned(earnings, 17),
        money_right_aligned(half_up(earnings, shares), 12), money_right_aligned(half_up(earnings, diluted), 12),
        money_right_aligned(half_up(100 * earnings, revenue), 12),
        money_right_aligned(wire.stream("inventory").between(rows, 100, 10**11), 17),
        money_right_aligned(wire.stream("assets").between(rows, 100, 10**14), 17),
        money_right_aligned(wire.stream("liabilities").between(rows, 100, 10**12), 17),
        right_aligned(shares, 13), right_aligned(diluted, 13),
        _company_reference(wire, companies, (second & np.uint64(1)) == 0), END_OF_ROW,
    ]  # fmt: skip
