{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="trade_id") }}

with

trades as (
    select
        *,
        cast(created_at as date) as created_on
    from {{ ref('bv_trade__life_cycle') }}
    where {{ is_affected("trade_id", ref('nhl_trade')) }}
),

accounts as (
    select * from {{ ref('bv_account__history') }}
),

securities as (
    select * from {{ ref('bv_security__history') }}
),

-- Left joins: a trade without an account or a security is kept, and a test tells of it.
bridged as (
    select
        trades.trade_id,
        accounts.account_version_hk,
        accounts.customer_version_hk,
        accounts.broker_hk,
        securities.security_version_hk,
        securities.company_version_hk,
        trades.created_at,
        trades.placed_batch_id as batch_id
    from trades
    left join accounts
        on
            trades.account_id = accounts.account_id
            and trades.created_on >= accounts.valid_from
            and trades.created_on < accounts.valid_to
    left join securities
        on
            trades.symbol = securities.symbol
            and trades.created_on >= securities.valid_from
            and trades.created_on < securities.valid_to
)

select * from bridged
