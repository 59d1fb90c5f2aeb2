{#- What a batch can say about a holding: the change itself, and the trade that makes it. #}
{%- set trade_tables = ["nhl_holding_change", "nhl_trade", "sat_trade__brokerage", "nhl_trade_event"] -%}

{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["current_trade_id", "trade_id"],
    on_schema_change="append_new_columns",
    pre_hook="{{ drop_affected_rows(incremental_key_filter(['current_trade_id'], refs(" ~ trade_tables ~ "), input_keys=['trade_id'])) }}",
) }}

with

holding_changes as (
    select * from {{ ref('nhl_holding_change') }}
    where {{ incremental_key_filter(["trade_id"], refs(trade_tables)) }}
),

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

-- One trade may change several holdings, each of them once.
numbered as (
    select
        *,
        row_number() over (partition by trade_id, opening_trade_id order by batch_id, source_row) as delivery_number
    from holding_changes
),

-- A change without a completed trade or without a quantity is not here but in quality.rejected_rows.
keyed as (
    select
        numbered.opening_trade_id as trade_id,
        numbered.trade_id as current_trade_id,
        dim_trade.sk_customer_id,
        dim_trade.sk_account_id,
        dim_trade.sk_security_id,
        dim_trade.sk_company_id,
        dim_trade.sk_close_date_id as sk_date_id,
        dim_trade.sk_close_time_id as sk_time_id,
        dim_trade.trade_price as current_price,
        numbered.quantity_after as current_holding,
        numbered.batch_id
    from numbered
    inner join dim_trade on numbered.trade_id = dim_trade.trade_id
    where
        numbered.delivery_number = 1
        and numbered.quantity_after is not null
        and dim_trade.sk_close_date_id is not null
        and dim_trade.sk_close_time_id is not null
        and dim_trade.trade_price is not null
)

select * from keyed
