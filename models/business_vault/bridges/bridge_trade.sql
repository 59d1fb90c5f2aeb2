{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="trade_id") }}

{#- What a batch can say about a trade. #}
{%- set trade_tables = [ref("nhl_trade"), ref("sat_trade__brokerage"), ref("nhl_trade_event")] -%}

with

trades as (
    select
        *,
        cast(created_at as date) as created_on
    from {{ ref('bv_trade__life_cycle') }}
    where {{ incremental_key_filter(["trade_id"], trade_tables) }}
)

-- A trade without an account or a security is kept, and a test reports it.
{{ bridge(
    start="trades",
    columns=["trade_id", "created_at", "placed_batch_id"],
    moment="created_on",
    steps={
        "accounts": {
            "relation": ref("bv_account__history"),
            "key": "account_id",
            "columns": ["account_version_hk", "customer_version_hk", "broker_hk"],
        },
        "securities": {
            "relation": ref("bv_security__history"),
            "key": "symbol",
            "columns": ["security_version_hk", "company_version_hk"],
        },
    },
) }}
