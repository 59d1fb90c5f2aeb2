"""Customers and accounts: the XML history of the first batch, the row images of later ones."""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows

_PHONE_LEAVES = [
    f"c_{part}_{number}" for number in (1, 2, 3) for part in ("ctry", "area", "local", "ext")
]
_ADDRESS_LEAVES = ["c_adline1", "c_adline2", "c_zipcode", "c_city", "c_state_prov", "c_ctry"]
_EMAILS = ["c_email_1", "c_email_2"]
_NAMES = ["c_l_name", "c_f_name", "c_m_name"]
_TAXES = ["c_lcl_tx_id", "c_nat_tx_id"]
_CUSTOMER_ONLY_ONCE = ["c_tax_id", "c_gndr", "c_dob", *_NAMES, *_TAXES]
_ACCOUNT_FIELDS = ["ca_tax_st", "ca_b_id", "ca_name"]
_CUSTOMER_FIELDS = [
    *_CUSTOMER_ONLY_ONCE,
    "c_tier",
    *_ADDRESS_LEAVES,
    *_EMAILS,
    *_PHONE_LEAVES,
]
# The official data draw the country of an inactivated customer anew, so it is not held to the last
# state.
_KEPT_BY_INACTIVATION = ["c_tier", *_ADDRESS_LEAVES[:-1], *_EMAILS, *_PHONE_LEAVES]


def _any_null(columns: list[str]) -> str:
    return "(" + " or ".join(f"{column} is null" for column in columns) + ")"


def _any_given(columns: list[str]) -> str:
    return f"coalesce({', '.join(f'{column}::varchar' for column in columns)}) is not null"


def _any_empty(columns: list[str]) -> str:
    return "(" + " or ".join(f"{column} = ''" for column in columns) + ")"


def _parts(name: int, address: str, contact: int, tax: int, account: int) -> str:
    """Whether the numbers of child elements are not these; `address` is a condition."""
    return (
        f"name_count <> {name} or not address_count {address} or contactinfo_count <> {contact} "
        f"or taxinfo_count <> {tax} or account_count <> {account}"
    )


def _action_shape(action: str, claim: str, wrong: str) -> NoRows:
    return NoRows(
        f"customer_actions.shape_of_{action.lower()}",
        claim,
        f"select position, c_id, ca_id from customer_actions "
        f"where action_type = '{action}' and coalesce({wrong}, true)",
    )


_SHAPES: list[Check] = [
    _action_shape(
        "NEW",
        "NEW has every element, exactly one account, and leaves empty only what may be unknown",
        f"""
        ({_parts(1, "= 1", 1, 1, 1)}
        or c_tax_id is null or c_dob is null or ca_id is null
        or {_any_null([*_NAMES, *_ADDRESS_LEAVES, *_EMAILS, *_PHONE_LEAVES, *_TAXES])}
        or {_any_null(_ACCOUNT_FIELDS)}
        or coalesce(c_tier = '', false) or coalesce(c_gndr = '', false)
        or {
            _any_empty(
                [
                    "c_tax_id",
                    "c_l_name",
                    "c_f_name",
                    "c_adline1",
                    "c_zipcode",
                    "c_city",
                    "c_state_prov",
                    "c_email_1",
                    *_TAXES,
                    "ca_tax_st",
                ]
            )
        })
        """,
    ),
    _action_shape(
        "ADDACCT",
        "ADDACCT has one account with tax status, broker and name, and nothing of the customer",
        f"""
        ({_parts(0, "= 0", 0, 0, 1)} or ca_id is null or {_any_null(_ACCOUNT_FIELDS)}
        or ca_tax_st = '' or {_any_given(_CUSTOMER_FIELDS)})
        """,
    ),
    _action_shape(
        "UPDACCT",
        "UPDACCT has one account, with those fields that change, and nothing of the customer",
        f"""
        ({_parts(0, "= 0", 0, 0, 1)} or ca_id is null or {_any_given(_CUSTOMER_FIELDS)})
        """,
    ),
    _action_shape(
        "CLOSEACCT",
        "CLOSEACCT names the account and nothing else",
        f"""
        ({_parts(0, "= 0", 0, 0, 1)} or ca_id is null
        or {_any_given([*_ACCOUNT_FIELDS, *_CUSTOMER_FIELDS])})
        """,
    ),
    _action_shape(
        "UPDCUST",
        "UPDCUST has all parts of all phones, and never name, gender, birth, taxes or an account",
        f"""
        ({_parts(0, "<= 1", 1, 0, 0)} or {_any_given([*_CUSTOMER_ONLY_ONCE, "ca_id"])}
        or {_any_null(_PHONE_LEAVES)})
        """,
    ),
    _action_shape(
        "INACT",
        "INACT names the customer and nothing else",
        f"""
        ({_parts(0, "= 0", 0, 0, 0)}
        or {_any_given([*_CUSTOMER_FIELDS, "ca_id", *_ACCOUNT_FIELDS])})
        """,
    ),
]

_HISTORY: list[Check] = [
    NoRows(
        "customer_actions.known_parts",
        "Actions are of the six types, of one customer, and have known elements and "
        "attributes only",
        """
        select position, action_type, c_id, unknown_parts from customer_actions
        where unknown_parts is not null or c_id is null or action_type is null
            or action_type not in ('NEW', 'ADDACCT', 'UPDCUST', 'UPDACCT', 'CLOSEACCT', 'INACT')
        """,
    ),
    NoRows(
        "customer_actions.sorted_by_time",
        "Actions are in order of time, up to the first batch date",
        """
        select position, action_ts, lag(action_ts) over (order by position) as before
        from customer_actions
        qualify action_ts is null or action_ts < before
            or action_ts::date > (select min(batch_date) from batches)
        """,
    ),
    NoRows(
        "customers.ids_are_dense",
        "Customers are numbered from 0 in the order they are announced, on through later batches",
        """
        with announced as (
            select c_id, 1 as batch_id, position from customer_actions where action_type = 'NEW'
            union all
            select c_id, batch_id, rowid from customers where cdc_flag = 'I'
        )
        select c_id, row_number() over (order by batch_id, position) - 1 as number
        from announced qualify c_id is distinct from number
        """,
    ),
    NoRows(
        "accounts.ids_are_dense",
        "Accounts are numbered from 0 in the order they are announced, on through later batches",
        """
        with announced as (
            select ca_id, 1 as batch_id, position from customer_actions
            where action_type in ('NEW', 'ADDACCT')
            union all
            select ca_id, batch_id, rowid from accounts where cdc_flag = 'I'
        )
        select ca_id, row_number() over (order by batch_id, position) - 1 as number
        from announced qualify ca_id is distinct from number
        """,
    ),
    NoRows(
        "customers.exist_before_their_actions",
        "A customer's first action is NEW",
        """
        select a.position, a.action_type, a.c_id
        from customer_actions a
        left join (from customer_actions where action_type = 'NEW') n on n.c_id = a.c_id
        where n.c_id is null or n.position > a.position
        """,
    ),
    NoRows(
        "customers.nothing_after_inactivation",
        "No UPDCUST, ADDACCT or second INACT follows a customer's INACT",
        """
        select a.position, a.action_type, a.c_id
        from customer_actions a
        join (from customer_actions where action_type = 'INACT') i on i.c_id = a.c_id
        where a.position > i.position and a.action_type in ('UPDCUST', 'ADDACCT', 'INACT')
        """,
    ),
    NoRows(
        "accounts.exist_before_their_actions",
        "An account is opened before it is changed or closed, and its owner never changes",
        """
        select a.position, a.action_type, a.ca_id, a.c_id, o.c_id as owner
        from customer_actions a
        left join (
            select ca_id, c_id, position from customer_actions
            where action_type in ('NEW', 'ADDACCT')
        ) o on o.ca_id = a.ca_id
        where a.ca_id is not null
            and not coalesce(o.position <= a.position and o.c_id = a.c_id, false)
        """,
    ),
    NoRows(
        "accounts.nothing_after_closing",
        "Nothing happens to an account after its CLOSEACCT",
        """
        select a.position, a.action_type, a.ca_id
        from customer_actions a
        join (from customer_actions where action_type = 'CLOSEACCT') c on c.ca_id = a.ca_id
        where a.position > c.position
        """,
    ),
]

_LATER_ROWS: list[Check] = [
    NoRows(
        "customers.later_rows_are_known_or_new",
        "A customer is inserted once, active, and updated only while known and not inactive",
        """
        select c.batch_id, c.cdc_flag, c.c_id, c.c_st_id
        from customers c
        left join customer_births b on b.c_id = c.c_id and b.batch_id < c.batch_id
        left join customer_ends e on e.c_id = c.c_id and e.batch_id < c.batch_id
        where (c.cdc_flag = 'I' and (b.c_id is not null or c.c_st_id <> 'ACTV'))
            or (c.cdc_flag = 'U' and (b.c_id is null or e.c_id is not null))
            or coalesce(c.c_st_id, '') not in ('ACTV', 'INAC')
        """,
    ),
    NoRows(
        "customers.one_row_per_batch",
        "A customer has at most one row in a later batch",
        """
        select batch_id, c_id, count(*) as times from customers
        group by all having times > 1
        """,
    ),
    NoRows(
        "customers.updates_keep_who_it_is",
        "An update leaves tax number, names, gender and tax rates as they were announced",
        """
        select c.batch_id, c.c_id from customers c join customer_births b using (c_id)
        where c.cdc_flag = 'U' and b.batch_id < c.batch_id
            and (c.c_tax_id, c.c_l_name, c.c_f_name, c.c_m_name, c.c_gndr, c.c_lcl_tx_id,
                c.c_nat_tx_id)
            is distinct from (b.c_tax_id, b.c_l_name, b.c_f_name, b.c_m_name, b.c_gndr,
                b.c_lcl_tx_id, b.c_nat_tx_id)
        """,
    ),
    NoRows(
        "customers.inactivated_rows_are_full_states",
        "A row that makes a customer inactive repeats the last state but for the country: "
        "absent means unchanged, empty unknown",
        f"""
        with states as (
            select c_id, 1 as batch_id, position, {", ".join(_KEPT_BY_INACTIVATION)}
            from customer_actions where action_type in ('NEW', 'UPDCUST')
            union all
            select c_id, batch_id, rowid,
                {", ".join(f"coalesce({column}, '')" for column in _KEPT_BY_INACTIVATION)}
            from customers
        )
        select e.batch_id, e.c_id
        from (from customers where c_st_id = 'INAC') e
        join states s on s.c_id = e.c_id and s.batch_id < e.batch_id
        group by e.batch_id, e.c_id
        having {
            " or ".join(
                f"coalesce(arg_max(s.{column}, (s.batch_id, s.position)), '') "
                f"<> coalesce(any_value(e.{column}), '')"
                for column in _KEPT_BY_INACTIVATION
            )
        }
        """,
    ),
    NoRows(
        "customers.new_ones_bring_an_account",
        "A customer inserted in a later batch has an account inserted in the same batch",
        """
        select c.batch_id, c.c_id from customers c
        anti join accounts a
            on a.batch_id = c.batch_id and a.ca_c_id = c.c_id and a.cdc_flag = 'I'
        where c.cdc_flag = 'I'
        """,
    ),
    NoRows(
        "accounts.later_rows_are_known_or_new",
        "An account is inserted once, active, for a known customer, and updated by its owner "
        "until closed",
        """
        select a.batch_id, a.cdc_flag, a.ca_id, a.ca_c_id, b.c_id as owner
        from accounts a
        left join account_births b on b.ca_id = a.ca_id and b.batch_id < a.batch_id
        left join account_ends e on e.ca_id = a.ca_id and e.batch_id < a.batch_id
        where (a.cdc_flag = 'I' and (b.ca_id is not null or a.ca_st_id <> 'ACTV'))
            or (a.cdc_flag = 'U' and (b.c_id is distinct from a.ca_c_id or e.ca_id is not null))
            or coalesce(a.ca_st_id, '') not in ('ACTV', 'INAC')
            or not exists (
                from customer_births c where c.c_id = a.ca_c_id and c.batch_id <= a.batch_id
            )
        """,
    ),
    NoRows(
        "accounts.one_row_per_batch",
        "An account has at most one row in a later batch",
        """
        select batch_id, ca_id, count(*) as times from accounts
        group by all having times > 1
        """,
    ),
]

_FIELDS: list[Check] = [
    NoRows(
        "accounts.brokers_exist",
        "The broker of an account is an employee with job code 314",
        """
        from (
            select ca_id, ca_b_id from customer_actions where ca_b_id is not null
            union all select ca_id, ca_b_id from accounts
        )
        where ca_b_id is null
            or ca_b_id not in (select employee_id from employees where employee_job_code = 314)
        """,
    ),
    NoRows(
        "accounts.tax_status",
        "The tax status of an account is 0, 1 or 2",
        """
        from (
            select ca_id, ca_tax_st from customer_actions
            union all select ca_id, ca_tax_st from accounts
        )
        where ca_tax_st not in ('0', '1', '2')
        """,
    ),
    NoRows(
        "customers.tax_rates_exist",
        "Local and national tax rate of a customer are listed",
        """
        select c_id, c_lcl_tx_id, c_nat_tx_id from customer_births
        where coalesce(c_lcl_tx_id, '') not in (select tx_id from tax_rates)
            or coalesce(c_nat_tx_id, '') not in (select tx_id from tax_rates)
        """,
    ),
    NoRows(
        "customers.tax_numbers_are_unique",
        "No two customers share a tax number",
        """
        select c_tax_id, count(*) as times from customer_births
        group by all having times > 1
        """,
    ),
    NoRows(
        "customers.phones_are_built_up",
        "A phone has a country code only with an area code, and area code and extension only "
        "with a local part",
        f"""
        with phones as (
            {
            " union all ".join(
                f"select '{table}' as table_name, c_id, "
                f"nullif(c_ctry_{number}, '') as country, nullif(c_area_{number}, '') as area, "
                f"nullif(c_local_{number}, '') as local, nullif(c_ext_{number}, '') as extension "
                f"from {table}"
                for table in ("customer_actions", "customers")
                for number in (1, 2, 3)
            )
        }
        )
        from phones
        where (country is not null and area is null)
            or (local is null and (area is not null or extension is not null))
        """,
    ),
]

CHECKS: list[Check] = [*_SHAPES, *_HISTORY, *_LATER_ROWS, *_FIELDS]
