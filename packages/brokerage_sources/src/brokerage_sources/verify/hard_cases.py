"""Errors and hard cases that a dataset for testing must contain, counted per batch.

Opt-in: the official later batches have few or none of them, so that a warehouse that mishandles
them still looks right. A generated dataset has all of them, the customer errors in the first three
batches.
"""

from __future__ import annotations

from brokerage_sources.verify.check import Check, Occurs

_FIRST = "batch_id = 1"
_LATER = "batch_id > 1"
_WITH_ERRORS = "batch_id <= 3"

# One row per customer row that must be judged: NEW in the first batch, any row in the others.
_JUDGED = """
    (select 1 as batch_id, c_tier, c_dob, c_gndr, c_local_1 from customer_actions
        where action_type = 'NEW'
    union all
    select batch_id, c_tier, c_dob, c_gndr, c_local_1 from customers) join batches using (batch_id)
"""


def _occurs(name: str, claim: str, batches: str, rows: str, condition: str) -> Occurs:
    """`rows` is anything to select from that has a `batch_id`."""
    return Occurs(
        f"hard_cases.{name}",
        claim,
        f"select batch_id, count(*) as occurrences from {rows} where {condition} group by all",
        batches,
    )


def _actions(name: str, claim: str, condition: str) -> Occurs:
    """A hard case of the XML history."""
    return _occurs(
        name, claim, _FIRST, "(select 1 as batch_id, * from customer_actions)", condition
    )


_ERRORS: list[Check] = [
    _occurs("tier_missing", "A tier is missing", _WITH_ERRORS, _JUDGED, "c_tier is null"),
    _occurs(
        "tier_invalid",
        "A tier is given but not 1, 2, 3",
        _WITH_ERRORS,
        _JUDGED,
        "c_tier not in ('1', '2', '3')",
    ),
    _occurs(
        "born_too_early",
        "A customer is more than 100 years old",
        _WITH_ERRORS,
        _JUDGED,
        "c_dob < batch_date - interval 100 year",
    ),
    _occurs(
        "born_too_late",
        "A customer is born after the batch date",
        _WITH_ERRORS,
        _JUDGED,
        "c_dob > batch_date",
    ),
    _occurs(
        "commission_too_high",
        "A commission exceeds price times quantity",
        _WITH_ERRORS,
        "trades",
        "t_comm > t_trade_price * t_qty",
    ),
    _occurs(
        "fee_too_high",
        "A fee exceeds price times quantity",
        _WITH_ERRORS,
        "trades",
        "t_chrg > t_trade_price * t_qty",
    ),
    _occurs("gender_in_lower_case", "A gender is m or f", _FIRST, _JUDGED, "c_gndr in ('m', 'f')"),
    _occurs(
        "gender_unknown_letter",
        "A gender is another letter",
        _FIRST,
        _JUDGED,
        "lower(c_gndr) not in ('m', 'f')",
    ),
    _occurs(
        "rating_invalid",
        "A company's rating is not a rating",
        _FIRST,
        "(select 1 as batch_id, * from companies)",
        "sp_rating not in ('AAA', 'AA', 'A', 'BBB', 'BB', 'B', 'CCC', 'CC', 'C', 'D', 'AA+', 'A+', "
        "'BBB+', 'BB+', 'B+', 'CCC+', 'AA-', 'A-', 'BBB-', 'BB-', 'B-', 'CCC-')",
    ),
    _occurs(
        "founding_date_missing",
        "A company has no founding date",
        _FIRST,
        "(select 1 as batch_id, * from companies)",
        "founding_date is null",
    ),
    _occurs(
        "no_earnings",
        "A company's earnings per share are 0",
        _FIRST,
        "(select 1 as batch_id, * from financials)",
        "eps = 0",
    ),
]

_CUSTOMER_HISTORY: list[Check] = [
    _actions(
        "tier_left_alone",
        "An update of a customer leaves the tier out",
        "action_type = 'UPDCUST' and c_tier is null",
    ),
    _actions(
        "tier_emptied",
        "An update of a customer empties the tier",
        "action_type = 'UPDCUST' and c_tier = ''",
    ),
    _actions(
        "country_emptied",
        "An update of a customer empties the country",
        "action_type = 'UPDCUST' and c_ctry = ''",
    ),
    _actions(
        "second_email_emptied",
        "An update of a customer empties the second e-mail address",
        "action_type = 'UPDCUST' and c_email_2 = ''",
    ),
    _actions(
        "phone_emptied",
        "An update of a customer empties a phone",
        "action_type = 'UPDCUST' and c_local_1 = ''",
    ),
    _actions(
        "account_name_emptied",
        "An update of an account empties its name",
        "action_type = 'UPDACCT' and ca_name = ''",
    ),
    _actions(
        "update_without_content",
        "An update of an account supplies nothing",
        "action_type = 'UPDACCT' and coalesce(ca_tax_st, ca_b_id::varchar, ca_name) is null",
    ),
    _occurs(
        "account_changed_after_its_owner_ended",
        "An account of an inactive customer is changed or closed",
        "true",
        """
        (select 1 as batch_id, c_id, action_ts as changed_at from customer_actions
            where action_type in ('UPDACCT', 'CLOSEACCT')
        union all
        select batch_id, ca_c_id, batch_date
        from accounts join batches using (batch_id) where cdc_flag = 'U')
        join (select c_id, ended_at from customer_ends) using (c_id)
        """,
        # Within a later batch there are no times: a change on the day of the inactivation counts.
        "changed_at > ended_at or (batch_id > 1 and changed_at = ended_at)",
    ),
    _occurs(
        "several_accounts_end_with_their_owner",
        "A customer with two or more open accounts becomes inactive",
        _FIRST,
        """
        (select 1 as batch_id, e.c_id
        from customer_ends e
        join account_births o on o.c_id = e.c_id and o.born_at <= e.ended_at
        left join account_ends x on x.ca_id = o.ca_id and x.ended_at <= e.ended_at
        where e.batch_id = 1 and x.ca_id is null
        group by e.c_id having count(*) >= 2)
        """,
        "true",
    ),
    _occurs(
        "customer_changes_twice_a_day",
        "A customer has two actions on one day",
        _FIRST,
        """
        (select 1 as batch_id, c_id, action_ts::date as day from customer_actions
        where action_type in ('NEW', 'UPDCUST', 'INACT') group by all having count(*) > 1)
        """,
        "true",
    ),
    _occurs(
        "account_changes_twice_a_day",
        "An account has two actions on one day",
        _FIRST,
        """
        (select 1 as batch_id, ca_id, action_ts::date as day from customer_actions
        where ca_id is not null group by all having count(*) > 1)
        """,
        "true",
    ),
]

_FINWIRE: list[Check] = [
    _occurs(
        "active_security_of_inactive_company",
        "A company is inactive while a security of it is not",
        _FIRST,
        """
        (select 1 as batch_id, s.symbol, arg_max(s.cik, s.position) as last_cik,
            arg_max(s.status, s.position) as last_status
        from securities s group by s.symbol)
        join company_lives c on c.cik = last_cik
        """,
        "last_status = 'ACTV' and c.inactive_at is not null",
    ),
    _occurs(
        "security_changes_company",
        "A security moves to another company",
        _FIRST,
        """
        (select 1 as batch_id, symbol from securities group by symbol
        having count(distinct cik) > 1)
        """,
        "true",
    ),
    _occurs(
        "company_named_both_ways",
        "A security names its company by CIK in one record and by name in another",
        _FIRST,
        """
        (select 1 as batch_id, symbol from securities group by symbol
        having count(cik_given) between 1 and count(*) - 1)
        """,
        "true",
    ),
]

_EVENTS: list[Check] = [
    _occurs(
        "trade_of_an_earlier_batch_goes_on",
        "A trade that an earlier batch announced is updated",
        _LATER,
        "(select e.batch_id from trade_events e join trade_lives l using (t_id) "
        "where e.batch_id > l.batch_id)",
        "true",
    ),
    _occurs(
        "several_rows_of_one_trade",
        "A trade has several rows in one file",
        _LATER,
        "(select batch_id, t_id from trades group by all having count(*) > 1)",
        "true",
    ),
    _occurs(
        "trade_of_a_new_account",
        "A trade is on an account opened in the same batch",
        _LATER,
        """
        (select l.batch_id from trade_lives l
        join account_births a on a.ca_id = l.t_ca_id and a.batch_id = l.batch_id)
        """,
        "true",
    ),
    _occurs(
        "watch_of_an_earlier_batch_canceled",
        "A watch that an earlier batch set is canceled",
        _LATER,
        """
        (select c.batch_id from watch_history c join watch_history a
            on a.w_c_id = c.w_c_id and a.w_s_symb = c.w_s_symb and a.w_action = 'ACTV'
        where c.w_action = 'CNCL' and a.batch_id < c.batch_id)
        """,
        "true",
    ),
    _occurs(
        "watch_of_a_new_customer",
        "A customer inserted in a batch watches a security in the same batch",
        _LATER,
        """
        (select w.batch_id from watch_history w
        join customer_births c on c.c_id = w.w_c_id and c.batch_id = w.batch_id)
        """,
        "true",
    ),
]

_PROSPECTS: list[Check] = [
    _occurs(
        "employer_in_quotes",
        "An employer's name contains quotation marks",
        "true",
        "prospects",
        "employer like '%\"%'",
    ),
    _occurs(
        "prospect_is_a_customer_in_another_case",
        "A prospect is a customer whose name is written in another case",
        "true",
        """
        (select p.batch_id from prospects p join customer_births c
            on c.batch_id <= p.batch_id and upper(c.c_l_name) = upper(p.last_name)
            and upper(c.c_f_name) = upper(p.first_name)
            and upper(c.c_adline1) = upper(p.address_line_1)
            and upper(c.c_zipcode) = upper(p.postal_code)
        where c.c_l_name <> p.last_name)
        """,
        "true",
    ),
    _occurs(
        "prospect_comes",
        "A prospect is new in the dump",
        _LATER,
        "(from prospects n anti join prospects o "
        "on o.agency_id = n.agency_id and o.batch_id = n.batch_id - 1)",
        "true",
    ),
    _occurs(
        "prospect_goes",
        "A prospect of the dump before is gone",
        _LATER,
        "(select o.batch_id + 1 as batch_id from prospects o anti join prospects n "
        "on n.agency_id = o.agency_id and n.batch_id = o.batch_id + 1)",
        "true",
    ),
    _occurs(
        "prospect_changes",
        "A prospect of the dump before has changed",
        _LATER,
        "(select n.batch_id from prospects n join prospects o "
        "on o.agency_id = n.agency_id and o.batch_id = n.batch_id - 1 "
        "where (n.phone, n.income, n.age, n.net_worth) "
        "is distinct from (o.phone, o.income, o.age, o.net_worth))",
        "true",
    ),
]

CHECKS: list[Check] = [
    *_ERRORS,
    *_CUSTOMER_HISTORY,
    *_FINWIRE,
    *_EVENTS,
    *_PROSPECTS,
]
