"""Customers and accounts: the XML history of the first batch, the row images of later ones."""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows
from brokerage_sources.verify.sql_file import read_checks

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
# The official data draw a new country for an inactivated customer, so it is not held to the last
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

_OTHERS: list[Check] = [
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

CHECKS: list[Check] = [*_SHAPES, *read_checks("properties/customers.sql"), *_OTHERS]
