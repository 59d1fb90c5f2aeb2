{#- What a batch can say about a trade. #}
{%- set trade_tables = ["nhl_trade", "sat_trade__brokerage", "nhl_trade_event"] -%}

{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key="trade_id",
    on_schema_change="append_new_columns",
    pre_hook="{{ drop_affected_rows(incremental_key_filter(['trade_id'], refs(" ~ trade_tables ~ "))) }}",
) }}

with

trades as (
    select * from {{ ref('bv_trade__life_cycle') }}
    where {{ incremental_key_filter(["trade_id"], refs(trade_tables)) }}
),

bridge_trade as (
    select * from {{ ref('bridge_trade') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

dim_time as (
    select * from {{ ref('dim_time') }}
),

status_types as (
    select * from {{ ref('status_types') }}
),

trade_types as (
    select * from {{ ref('trade_types') }}
),

-- A trade without an account, a security, or a day and second of the calendar is not here but in quality.rejected_rows.
described as (
    select
        trades.trade_id,
        dim_account.sk_broker_id,
        create_date.sk_date_id as sk_create_date_id,
        create_time.sk_time_id as sk_create_time_id,
        close_date.sk_date_id as sk_close_date_id,
        close_time.sk_time_id as sk_close_time_id,
        coalesce(status_types.st_name, 'Unknown') as status,
        coalesce(trade_types.tt_name, 'Unknown') as type,
        trades.is_cash as cash_flag,
        dim_security.sk_security_id,
        dim_security.sk_company_id,
        trades.quantity,
        trades.bid_price,
        dim_account.sk_customer_id,
        dim_account.sk_account_id,
        trades.executed_by,
        trades.trade_price,
        trades.fee_amount as fee,
        trades.commission_amount as commission,
        trades.tax_amount as tax,
        trades.batch_id
    from trades
    inner join bridge_trade on trades.trade_id = bridge_trade.trade_id
    inner join dim_account on bridge_trade.account_version_hk = dim_account.sk_account_id
    inner join dim_security on bridge_trade.security_version_hk = dim_security.sk_security_id
    inner join dim_date as create_date on cast(trades.created_at as date) = create_date.date_value
    inner join dim_time as create_time on {{ time_of_day("trades.created_at") }} = create_time.time_value
    left join dim_date as close_date on cast(trades.closed_at as date) = close_date.date_value
    left join dim_time as close_time on {{ time_of_day("trades.closed_at") }} = close_time.time_value
    left join status_types on trades.status_code = status_types.st_id
    left join trade_types on trades.trade_type_code = trade_types.tt_id
    where
        trades.quantity is not null
        and trades.bid_price is not null
)

select * from described
