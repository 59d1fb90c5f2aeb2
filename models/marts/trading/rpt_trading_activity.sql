{#- What a batch can say about a trade. #}
{%- set trade_tables = ["nhl_trade", "sat_trade__brokerage", "nhl_trade_event"] -%}

{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["symbol", "sk_date_id"],
    on_schema_change="append_new_columns",
    pre_hook="{{ drop_affected_rows(affected_close_days('sk_date_id', " ~ trade_tables ~ ")) }}",
) }}

with

-- A day is counted again when a batch says something about one of its trades.
trades as (
    select * from {{ ref('dim_trade') }}
    where {{ affected_close_days("sk_close_date_id", trade_tables) }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

-- By name, which is all that a trade has; a name may be listed twice.
trade_types as (
    select
        tt_name,
        bool_or(tt_is_sell) as tt_is_sell
    from {{ ref('trade_types') }}
    group by tt_name
),

described as (
    select
        trades.*,
        dim_security.symbol,
        trade_types.tt_is_sell as is_sell,
        trades.status = 'Completed' as is_completed,
        trades.status = 'Canceled' as is_canceled,
        trades.quantity * trades.trade_price as traded_amount
    from trades
    inner join dim_security on trades.sk_security_id = dim_security.sk_security_id
    left join trade_types on trades.type = trade_types.tt_name
),

daily as (
    select
        symbol,
        sk_close_date_id as sk_date_id,
        cast(count(case when is_completed then 1 end) as integer) as completed_trade_count,
        cast(count(case when is_canceled then 1 end) as integer) as canceled_trade_count,
        cast(coalesce(sum(case when is_completed and not is_sell then quantity end), 0) as bigint) as bought_quantity,
        cast(coalesce(sum(case when is_completed and is_sell then quantity end), 0) as bigint) as sold_quantity,
        cast(coalesce(sum(case when not is_sell then traded_amount end), 0) as decimal(38, 2)) as bought_amount,
        cast(coalesce(sum(case when is_sell then traded_amount end), 0) as decimal(38, 2)) as sold_amount,
        cast(min(trade_price) as decimal(8, 2)) as lowest_price,
        cast(max(trade_price) as decimal(8, 2)) as highest_price,
        cast(coalesce(sum(fee), 0) as decimal(38, 2)) as fee_amount,
        cast(coalesce(sum(commission), 0) as decimal(38, 2)) as commission_amount,
        max(batch_id) as batch_id
    from described
    group by symbol, sk_close_date_id
)

select * from daily
