{# The condition under which a row of fct_cash_balances is computed again: a batch has a new transaction of the account. #}
{% macro affected_balances() -%}
    sk_account_id in (
        select sk_account_id from {{ ref("dim_account") }}
        where {{ incremental_key_filter(["account_id"], refs(["nhl_cash_transaction"])) }}
    )
{%- endmacro %}
