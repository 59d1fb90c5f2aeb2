"""Shares that sound data have by design: of empty fields, of values, of events.

A share is compared within four binomial standard errors, so the checks say much about a large
folder and little about a tiny one. Where the design is known (5 % empty, 80 % updated) it is the
reference; shares that are only known by measurement carry the number of cases they were measured
on, which widens the tolerance by their own error. Cases are chosen so that they are independent: a
sell copies much from its buy, so trades are judged by their buys.
"""

from __future__ import annotations

from brokerage_sources.verify.check import Check, Rate


def _share(
    name: str,
    claim: str,
    share: float,
    table: str,
    hit: str,
    of: str = "true",
    measured_on: int | None = None,
) -> Rate:
    """The share of rows with `hit` among those of `table` that fulfil `of`."""
    return Rate(
        f"rates.{name}",
        claim,
        share,
        f"select count(*) filter ({hit}), count(*) from {table} where {of}",
        measured_on,
    )


def _mix(
    name: str,
    claim: str,
    column: str,
    shares: dict[str, float],
    table: str,
    of: str = "true",
) -> list[Check]:
    """One rate per value of `column`."""
    return [
        _share(f"{name}.{value}", claim, share, table, f"{column} = '{value}'", of)
        for value, share in shares.items()
    ]


NULLS = 0.05
"""The general share of unknown values."""

_NEW = "action_type = 'NEW'"
_UPDCUST = "action_type = 'UPDCUST'"
_UPDACCT = "action_type = 'UPDACCT'"

_EMPLOYEES: list[Check] = [
    # 30 % brokers, then 5 % of all job codes blanked.
    _share(
        "employees.brokers",
        "Brokers are 30 %, less the blanked job codes",
        0.3 * (1 - NULLS),
        "employees",
        "employee_job_code = 314",
    ),
    *(
        _share(
            f"employees.no_{column}",
            "Unknown in 5 % of employees",
            NULLS,
            "employees",
            f"employee_{column} is null",
        )
        for column in ("job_code", "branch", "office", "phone")
    ),
    # A quarter unknown, and half of the others have no second name.
    _share(
        "employees.no_middle_initial",
        "62.5 % of employees have no middle initial",
        0.25 + 0.75 * 0.5,
        "employees",
        "employee_mi is null",
    ),
]

_COMPANIES: list[Check] = [
    _share(
        "companies.no_founding_date",
        "The founding date is unknown in 5.5 % of CMP records",
        0.055,
        "companies",
        "founding_date is null",
        measured_on=5_000,
    ),
    _share(
        "companies.no_second_address_line",
        "90 % of CMP records have no second address line",
        0.9,
        "companies",
        "address_line_2 is null",
    ),
    _share(
        "companies.no_country",
        "The country is unknown in 5 % of CMP records",
        NULLS,
        "companies",
        "country is null",
    ),
    _share(
        "companies.from_usa",
        "80 % of the known countries are the USA",
        0.8,
        "companies",
        "country = 'United States of America'",
        "country is not null",
    ),
    _share(
        "companies.invalid_rating",
        "10 % of the ratings are random letters",
        0.1,
        "companies",
        "sp_rating not in ('AAA', 'AA', 'A', 'BBB', 'BB', 'B', 'CCC', 'CC', 'C', 'D', 'AA+', 'A+', "
        "'BBB+', 'BB+', 'B+', 'CCC+', 'AA-', 'A-', 'BBB-', 'BB-', 'B-', 'CCC-')",
    ),
    *_mix(
        "securities.issue",
        "Issue types are mixed 73 : 15 : 7 : 4 : 1",
        "issue_type",
        {"COMMON": 0.73, "PREF_A": 0.15, "PREF_B": 0.07, "PREF_C": 0.04, "PREF_D": 0.01},
        "securities",
    ),
    *_mix(
        "securities.exchange",
        "The four exchanges are equally likely",
        "exchange_id",
        dict.fromkeys(("NYSE", "NASDAQ", "AMEX", "PCX"), 0.25),
        "securities",
    ),
    _share(
        "securities.company_by_cik",
        "Half of the SEC records name the company by CIK",
        0.5,
        "securities",
        "cik_given is not null",
    ),
    _share(
        "financials.company_by_cik",
        "Half of the FIN records name the company by CIK",
        0.5,
        "financials",
        "cik_given is not null",
    ),
]

_CUSTOMERS: list[Check] = [
    _share(
        "customers.no_tier",
        "The tier is unknown for 5 % of new customers",
        NULLS,
        "customer_actions",
        "c_tier is null",
        _NEW,
    ),
    *_mix(
        "customers.tier",
        "Given tiers are mixed 10 : 31 : 59",
        "c_tier",
        {"1": 0.1, "2": 0.31, "3": 0.59},
        "customer_actions",
        f"{_NEW} and c_tier is not null",
    ),
    _share(
        "customers.invalid_tier",
        "0.1 % of new customers have an invalid tier",
        0.001,
        "customer_actions",
        "c_tier not in ('1', '2', '3')",
        _NEW,
    ),
    _share(
        "customers.too_old",
        "0.1 % of new customers are more than 100 years old",
        0.001,
        "customer_actions",
        "c_dob < (select min(batch_date) from batches) - interval 100 year",
        _NEW,
    ),
    _share(
        "customers.too_young",
        "0.1 % of new customers are born after the batch date",
        0.001,
        "customer_actions",
        "c_dob > (select min(batch_date) from batches)",
        _NEW,
    ),
    _share(
        "customers.with_gender",
        "A gender is given for 47.9 % of new customers",
        0.479,
        "customer_actions",
        "c_gndr is not null",
        _NEW,
        measured_on=15_280,
    ),
    _share(
        "customers.gender_is_m_or_f",
        "98.2 % of the given genders are m or f",
        0.982,
        "customer_actions",
        "lower(c_gndr) in ('m', 'f')",
        f"{_NEW} and c_gndr is not null",
        measured_on=7_320,
    ),
    _share(
        "customers.no_middle_name",
        "63.5 % of new customers have no middle name",
        0.635,
        "customer_actions",
        "c_m_name = ''",
        _NEW,
        measured_on=15_280,
    ),
    _share(
        "customers.no_second_address_line",
        "90 % of new customers have no second address line",
        0.9,
        "customer_actions",
        "c_adline2 = ''",
        _NEW,
    ),
    _share(
        "customers.from_usa",
        "80 % of new customers live in the USA",
        0.8,
        "customer_actions",
        "c_ctry = 'United States of America'",
        _NEW,
    ),
    _share(
        "customers.no_second_email",
        "Half of new customers have no second e-mail address",
        0.5,
        "customer_actions",
        "c_email_2 = ''",
        _NEW,
    ),
    *(
        _share(
            f"customers.no_phone_{number}",
            "Phones 1, 2, 3 are unknown for 1.7, 24.8, 70.1 % of new customers",
            share,
            "customer_actions",
            f"c_local_{number} = ''",
            _NEW,
            measured_on=15_280,
        )
        for number, share in ((1, 0.017), (2, 0.248), (3, 0.701))
    ),
    _share(
        "customers.phone_with_area",
        "Half of the phones have an area code",
        0.5,
        "customer_actions",
        "c_area_1 <> ''",
        f"{_NEW} and c_local_1 <> ''",
    ),
    _share(
        "customers.phone_with_country",
        "Half of the phones with an area code have a country code",
        0.5,
        "customer_actions",
        "c_ctry_1 <> ''",
        f"{_NEW} and c_area_1 <> ''",
    ),
    _share(
        "customers.phone_with_extension",
        "A tenth of the phones have an extension",
        0.1,
        "customer_actions",
        "c_ext_1 <> ''",
        f"{_NEW} and c_local_1 <> ''",
    ),
    *_mix(
        "accounts.tax_status",
        "Tax states are mixed 10 : 70 : 20",
        "ca_tax_st",
        {"0": 0.1, "1": 0.7, "2": 0.2},
        "customer_actions",
        "action_type in ('NEW', 'ADDACCT')",
    ),
    _share(
        "accounts.no_name",
        "5 % of new accounts have no name",
        NULLS,
        "customer_actions",
        "ca_name = ''",
        "action_type in ('NEW', 'ADDACCT')",
    ),
]

_UPDATES: list[Check] = [
    *(
        _share(
            f"updates_of_customers.{column}",
            "A field of a customer is supplied in 80 % of updates",
            0.8,
            "customer_actions",
            f"{column} is not null",
            _UPDCUST,
        )
        for column in (
            "c_tier",
            "c_adline1",
            "c_adline2",
            "c_zipcode",
            "c_city",
            "c_state_prov",
            "c_ctry",
            "c_email_1",
            "c_email_2",
        )
    ),
    *(
        _share(
            f"updates_of_customers.empty_{column}",
            "A supplied field is empty as often as it is unknown",
            share,
            "customer_actions",
            f"{column} = ''",
            f"{_UPDCUST} and {column} is not null",
        )
        for column, share in (
            ("c_tier", NULLS),
            ("c_adline2", 0.9),
            ("c_ctry", NULLS),
            ("c_email_2", 0.5),
        )
    ),
    *(
        _share(
            f"updates_of_accounts.{column}",
            "A field of an account is supplied in 80 % of updates",
            0.8,
            "customer_actions",
            f"{column} is not null",
            _UPDACCT,
        )
        for column in ("ca_tax_st", "ca_b_id", "ca_name")
    ),
    _share(
        "updates_of_accounts.empty_ca_name",
        "A supplied account name is empty in 5 % of updates",
        NULLS,
        "customer_actions",
        "ca_name = ''",
        f"{_UPDACCT} and ca_name is not null",
    ),
    _share(
        "updates_of_accounts.nothing_supplied",
        "An update of an account supplies nothing when all three fields are left out",
        0.2**3,
        "customer_actions",
        "ca_tax_st is null and ca_b_id is null and ca_name is null",
        _UPDACCT,
    ),
]

_FIRST_DUMP = "batch_id = 1"

_PROSPECTS: list[Check] = [
    *(
        _share(
            f"prospects.no_{column}",
            "Unknown for 5 % of prospects",
            NULLS,
            "prospects",
            f"{column} is null",
            _FIRST_DUMP,
        )
        for column in (
            "phone",
            "income",
            "number_cars",
            "number_children",
            "marital_status",
            "age",
            "credit_rating",
            "own_or_rent_flag",
            "employer",
            "number_credit_cards",
            "net_worth",
        )
    ),
    *_mix(
        "prospects.marital_status",
        "Marital states are mixed 20 : 40 : 10 : 10 : 20",
        "marital_status",
        {"S": 0.2, "M": 0.4, "D": 0.1, "W": 0.1, "U": 0.2},
        "prospects",
        f"{_FIRST_DUMP} and marital_status is not null",
    ),
    *_mix(
        "prospects.home",
        "Owners, renters and unknown are mixed 70 : 20 : 10",
        "own_or_rent_flag",
        {"O": 0.7, "R": 0.2, "U": 0.1},
        "prospects",
        f"{_FIRST_DUMP} and own_or_rent_flag is not null",
    ),
    _share(
        "prospects.upper_case_name",
        "A quarter of the last names are in upper case",
        0.25,
        "prospects",
        "last_name = upper(last_name)",
        _FIRST_DUMP,
    ),
    _share(
        "prospects.lower_case_name",
        "A quarter of the last names are in lower case",
        0.25,
        "prospects",
        "last_name = lower(last_name)",
        _FIRST_DUMP,
    ),
    _share(
        "prospects.rich",
        "Incomes spread evenly up to 500 000: 60 % exceed 200 000",
        0.6,
        "prospects",
        "income > 200000",
        f"{_FIRST_DUMP} and income is not null",
    ),
]

# The buys of the first batch whose life is decided: born more than 90 days and 5 minutes before its
# end.
_BUYS = "trade_lives"
_OLD_BUY = """
    not is_sell and batch_id = 1
    and born_at < (select min(batch_date) from batches) + interval 1 day - interval 90 day
        - interval 300 second
"""

_TRADES: list[Check] = [
    _share(
        "trades.limit_orders",
        "60 % of the buys are limit orders",
        0.6,
        _BUYS,
        "not is_market",
        "not is_sell",
    ),
    _share(
        "trades.canceled_limit_orders",
        "A tenth of the limit orders are canceled",
        0.1,
        _BUYS,
        "path = 'PNDG>CNCL'",
        f"not is_market and {_OLD_BUY}",
    ),
    _share(
        "trades.cash_trades",
        "A fifth of the buys are paid in cash",
        0.2,
        _BUYS,
        "t_is_cash = 1",
        "not is_sell",
    ),
    _share(
        "trades.commission_too_high",
        "One commission in 10 000 is drawn too high",
        0.0001,
        "completed_trades",
        "t_comm > t_trade_price * t_qty",
    ),
    _share(
        "trades.fee_too_high",
        "One fee in 10 000 is drawn too high",
        0.0001,
        "completed_trades",
        "t_chrg > t_trade_price * t_qty",
    ),
    _share(
        "trades.price_above_bid",
        "Prices spread evenly around the bid: half of them are above it",
        0.5,
        "completed_trades",
        "t_trade_price > t_bid_price",
        "t_trade_price <> t_bid_price",
    ),
    _share(
        "trades.quantities",
        "Quantities spread evenly from 10 to 10 000",
        (5000 - 9) / 9991,
        _BUYS,
        "t_qty <= 5000",
        "not is_sell",
    ),
    *(
        _share(
            f"cash.amounts_up_to_{limit}",
            "55 % of the amounts are up to 10 000, 30 % up to 100 000, the rest up to 1 000 000",
            share,
            "cash_transactions",
            f"abs(ct_amt) <= {limit}",
        )
        for limit, share in ((10_000, 0.55), (100_000, 0.85))
    ),
]

_MARKET: list[Check] = [
    _share(
        "watches.canceled",
        "A fifth of the rows of later batches cancel a watch",
        0.2,
        "watch_history",
        "w_action = 'CNCL'",
        "batch_id > 1",
    ),
    _share(
        "market.close",
        "Closing prices spread evenly from 0.50 to 1000",
        (500 - 0.5) / (1000 - 0.5),
        "daily_market",
        "dm_close <= 500",
    ),
    _share(
        "market.volume",
        "Volumes spread evenly up to 1 000 000 000",
        0.5,
        "daily_market",
        "dm_vol <= 500000500",
    ),
]

CHECKS: list[Check] = [
    *_EMPLOYEES,
    *_COMPANIES,
    *_CUSTOMERS,
    *_UPDATES,
    *_PROSPECTS,
    *_TRADES,
    *_MARKET,
]
