"""Can a correct warehouse pass the workload's own audit? What the files alone decide.

What the row-by-row properties already claim is not claimed again (unique watches, ordered prices,
references that exist); here are the audit's patterns, lists and row-count bounds.
"""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows

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
    NoRows(
        "warehouse.owner_changes_reach_accounts",
        "In each later batch a customer changes of whom an account does not, so that a "
        "cascade is needed",
        """
        select batch_id from batches where batch_id > 1 and not exists (
            from customers c
            join account_births o on o.c_id = c.c_id and o.batch_id < c.batch_id
            anti join accounts a on a.ca_id = o.ca_id and a.batch_id = c.batch_id
            where c.batch_id = batches.batch_id and c.cdc_flag = 'U'
        )
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
        "warehouse.local_tax_names",
        "Customers use more than 300 differently named local tax rates",
        """
        select count(distinct tx_name) as names
        from customer_births join tax_rates on tx_id = c_lcl_tx_id
        having names <= 300
        """,
    ),
    NoRows(
        "warehouse.national_tax_names",
        "Customers use at least 9 differently named national tax rates",
        """
        select count(distinct tx_name) as names
        from customer_births join tax_rates on tx_id = c_nat_tx_id
        having names < 9
        """,
    ),
    NoRows(
        "warehouse.one_prospect_per_customer",
        "Name and address, run together as the audit does, find at most one prospect of a dump",
        """
        select batch_id, upper(concat(first_name, last_name, address_line_1, address_line_2,
            postal_code)) as person, count(*) as prospects
        from prospects group by all having prospects > 1
        """,
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
    NoRows(
        "warehouse.exchanges_and_issues",
        "Exchange and issue type of a security are among the listed ones",
        """
        select symbol, posted_at, exchange_id, issue_type from securities
        where not coalesce(exchange_id in ('NYSE', 'NASDAQ', 'AMEX', 'PCX')
            and issue_type in ('COMMON', 'PREF_A', 'PREF_B', 'PREF_C', 'PREF_D'), false)
        """,
    ),
    NoRows(
        "warehouse.records_in_first_window",
        "FINWIRE records fall between the first and the last day of the first batch",
        """
        select file, strptime(line[1:8], '%Y%m%d')::date as day
        from finwire_lines, (from batches where batch_id = 1)
        where day not between first_day and batch_date
        """,
    ),
    NoRows(
        "warehouse.earnings_ratios",
        "Earnings by shares, by diluted shares and by revenue come within 0.4 of the stated ratios",
        """
        select cik, posted_at from financials
        where abs(round(earnings::double / shares_out, 2) - eps) > 0.4
            or abs(round(earnings::double / diluted_shares_out, 2) - diluted_eps) > 0.4
            or abs(round(earnings::double / revenue, 2) - margin) > 0.4
        """,
    ),
    NoRows(
        "warehouse.names_fit",
        "No text is longer than the warehouse's column for it",
        """
        select 'customer' as of, c_id as key from (
            select c_id, c_l_name, c_f_name, c_m_name, c_adline1, c_zipcode, c_city,
                c_state_prov, c_ctry, c_email_1, c_email_2 from customer_actions
            union all
            select c_id, c_l_name, c_f_name, c_m_name, c_adline1, c_zipcode, c_city,
                c_state_prov, c_ctry, c_email_1, c_email_2 from customers
        )
        where length(c_l_name) > 25 or length(c_f_name) > 20 or length(c_m_name) > 1
            or length(c_adline1) > 80 or length(c_zipcode) > 12 or length(c_city) > 25
            or length(c_state_prov) > 20 or length(c_ctry) > 24 or length(c_email_1) > 50
            or length(c_email_2) > 50
        union all
        select 'prospect', rowid from prospects
        where length(last_name) > 30 or length(first_name) > 30 or length(middle_initial) > 1
            or length(gender) > 1 or length(address_line_1) > 80 or length(postal_code) > 12
            or length(city) > 25 or length(state) > 20 or length(country) > 24
            or length(employer) > 30
        union all
        select 'account', ca_id from customer_actions where length(ca_name) > 50
        union all
        select 'employee', employee_id from employees
        where length(employee_first_name) > 30 or length(employee_last_name) > 30
            or length(employee_branch) > 30
        """,
    ),
]
