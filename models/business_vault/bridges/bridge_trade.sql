{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="trade_id") }}

{#- What a batch can say about a trade. #}
{%- set trade_tables = [ref("nhl_trade"), ref("sat_trade__brokerage"), ref("nhl_trade_event")] -%}

with

life_cycles as (
    select * from {{ ref('bv_trade__life_cycle') }}
    where {{ incremental_key_filter(["trade_id"], trade_tables) }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

-- Not later than the batch: versions that begin after it come with later batches, which must not change what is here.
trades as (
    select
        life_cycles.*,
        least(cast(life_cycles.created_at as date), batches.batch_date) as looked_up_on
    from life_cycles
    inner join batches on life_cycles.placed_batch_id = batches.batch_id
)

-- A trade without an account or a security is kept, and a test reports it.
{{ bridge(
    start="trades",
    columns=["trade_id", "created_at", "looked_up_on", "placed_batch_id"],
    moment="looked_up_on",
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
