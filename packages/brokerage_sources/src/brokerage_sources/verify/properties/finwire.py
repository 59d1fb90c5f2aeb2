"""Companies, securities and quarterly financials."""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows
from brokerage_sources.verify.sql_file import read_checks

_QUARTER_OF_FILE = "make_date(file[8:11]::integer, file[13]::integer * 3 - 2, 1)"


def _off_by_more_than_a_rounding(ratio: str, dividend: str, divisor: str) -> str:
    """Whether `ratio` is not the quotient rounded half up to cents, in integer arithmetic."""
    cents = f"(({dividend} * 100)::hugeint * 2 + {divisor}) // (2 * {divisor})"
    return f"({ratio} * 100)::hugeint <> {cents}"


CHECKS: list[Check] = [
    *read_checks("properties/finwire.sql"),
    NoRows(
        "finwire.times_ascend",
        "Posting times ascend within a file and lie in the file's quarter",
        f"""
        with records as (
            select file, rowid as position, strptime(line[1:15], '%Y%m%d-%H%M%S') as posted_at
            from finwire_lines
        )
        select *, lag(posted_at) over (partition by file order by position) as before
        from records
        qualify posted_at < before or date_trunc('quarter', posted_at) <> {_QUARTER_OF_FILE}
        """,
    ),
    NoRows(
        "finwire.quarters_have_no_gap",
        "There is one file per quarter, without a gap",
        f"""
        with quarters as (
            select name as file, {_QUARTER_OF_FILE.replace("file", "name")} as quarter
            from source_files where name like 'FINWIRE%'
        )
        select file, quarter, lag(quarter) over (order by quarter) as before from quarters
        qualify quarter <> before + interval 3 month
        """,
    ),
    NoRows(
        "financials.no_quarter_is_missing",
        "A company reports in every quarter after its first one until it turns inactive",
        f"""
        with quarters as (
            select name as file, {_QUARTER_OF_FILE.replace("file", "name")} as quarter
            from source_files where name like 'FINWIRE%'
        )
        select c.cik, q.file
        from company_lives c
        join quarters q on q.quarter > c.created_at
            and (c.inactive_at is null or c.inactive_at >= q.quarter + interval 3 month)
        anti join financials f on f.cik = c.cik and f.file = q.file
        """,
    ),
    NoRows(
        "financials.ratios_follow",
        "Earnings per share, diluted too, and margin are the quotients rounded half up to cents",
        f"""
        select cik, posted_at, revenue, earnings, eps, diluted_eps, margin, shares_out,
            diluted_shares_out
        from financials
        where {_off_by_more_than_a_rounding("eps", "(earnings * 100)::hugeint", "shares_out * 100")}
            or {
            _off_by_more_than_a_rounding(
                "diluted_eps", "(earnings * 100)::hugeint", "diluted_shares_out * 100"
            )
        }
            or {
            _off_by_more_than_a_rounding(
                "margin", "(earnings * 100)::hugeint", "(revenue * 100)::hugeint"
            )
        }
        """,
    ),
]
