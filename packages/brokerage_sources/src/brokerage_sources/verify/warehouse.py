"""Can a correct warehouse pass the workload's own audit? What the files alone decide.

What the row-by-row properties already claim is not claimed again (unique watches, ordered prices,
references that exist); here are the audit's patterns, lists and row-count bounds.
"""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows
from brokerage_sources.verify.sql_file import read_checks

# Versions of customers and accounts that the first batch must produce: one per key and day, and an
# account gets one whenever it or its owner changes.
_CUSTOMER_VERSIONS = """
    select count(distinct (c_id, action_ts::date)) from customer_actions
    where action_type in ('NEW', 'UPDCUST', 'INACT')
"""
_ACCOUNT_VERSIONS = """
    select count(distinct (ca_id, day)) from (
        select ca_id, action_ts::date as day from customer_actions where ca_id is not null
        union all
        select o.ca_id, c.action_ts::date
        from customer_actions c
        join account_births o on o.c_id = c.c_id and o.batch_id = 1 and o.born_at <= c.action_ts
        where c.action_type in ('UPDCUST', 'INACT')
    )
"""


def _audited(batch: int, *attributes: str) -> str:
    """The sum of audit values of one batch."""
    listed = ", ".join(f"'{attribute}'" for attribute in attributes)
    return (
        f"(select coalesce(sum(value), 0) from audit "
        f"where batch_id = {batch} and attribute in ({listed}))"
    )


def _pattern(name: str, claim: str, column: str, pattern: str) -> NoRows:
    """Values of a column of customers, from either file, match `pattern` where they are given."""
    return NoRows(
        f"warehouse.{name}",
        claim,
        f"""
        from (
            select c_id, 1 as batch_id, {column} as value from customer_actions
            union all select c_id, batch_id, {column} from customers
        )
        where value <> '' and not regexp_full_match(value, '{pattern}')
        """,
    )


_COUNTRIES = "('United States of America', 'Canada')"

CHECKS: list[Check] = [
    *read_checks("warehouse.sql"),
    NoRows(
        "warehouse.customer_versions",
        "The first batch yields as many customer versions as the audit asks for",
        f"""
        select ({_CUSTOMER_VERSIONS}) as versions,
            {_audited(1, "C_NEW", "C_UPDCUST", "C_INACT")} - {_audited(1, "C_ID_HIST")} as wanted
        where versions < wanted
        """,
    ),
    NoRows(
        "warehouse.account_versions",
        "The first batch yields more account versions than the audit's lower bound, thanks "
        "to owners' changes",
        f"""
        select ({_ACCOUNT_VERSIONS}) as versions,
            {
            _audited(1, "C_NEW", "CA_ADDACCT", "CA_CLOSEACCT", "CA_UPDACCT", "C_UPDCUST", "C_INACT")
        }
            - {_audited(1, "C_ID_HIST", "CA_ID_HIST")} as bound
        where versions <= bound
        """,
    ),
    _pattern(
        "tax_number_pattern",
        "Tax numbers look like ddd-dd-dddd",
        "c_tax_id",
        "\\d{3}-\\d{2}-\\d{4}",
    ),
    *(
        _pattern(
            f"phone_{number}_pattern",
            "The local part of a phone looks like ddd-dddd",
            f"c_local_{number}",
            "\\d{3}-\\d{4}",
        )
        for number in (1, 2, 3)
    ),
    *(
        _pattern(
            f"area_{number}_pattern",
            "Area codes have three digits",
            f"c_area_{number}",
            "\\d{3}",
        )
        for number in (1, 2, 3)
    ),
    *(
        _pattern(
            f"country_code_{number}_pattern",
            "The country code of a phone is 1",
            f"c_ctry_{number}",
            "1",
        )
        for number in (1, 2, 3)
    ),
    *(
        _pattern(
            f"email_{number}_pattern",
            "E-mail addresses look like name.name@host.domain",
            f"c_email_{number}",
            "[^@]+\\.[^@]+@[^@]+\\.[^@]+",
        )
        for number in (1, 2)
    ),
    NoRows(
        "warehouse.countries",
        "A country is the United States of America, Canada or unknown",
        f"""
        select 'company' as of, cik::varchar as key, country from companies
        where country not in {_COUNTRIES}
        union all
        select 'prospect', agency_id, country from prospects where country not in {_COUNTRIES}
        """,
    ),
]
