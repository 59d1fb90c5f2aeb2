{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key="current_trade_id",
    on_schema_change="append_new_columns",
) }}

{#- What a batch can say about a holding: the change itself, and the trade that makes it. #}
{%- set trade_tables = [
    ref("nhl_holding_change"), ref("nhl_trade"), ref("sat_trade__brokerage"), ref("nhl_trade_event"),
] -%}

with

holding_changes as (
    select * from {{ ref('nhl_holding_change') }}
    where {{ incremental_key_filter(["trade_id"], trade_tables) }}
),

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

keyed as (
    select
        holding_changes.opening_trade_id as trade_id,
        holding_changes.trade_id as current_trade_id,
        dim_trade.sk_customer_id,
        dim_trade.sk_account_id,
        dim_trade.sk_security_id,
        dim_trade.sk_company_id,
        dim_trade.sk_close_date_id as sk_date_id,
        dim_trade.sk_close_time_id as sk_time_id,
        dim_trade.trade_price as current_price,
        holding_changes.quantity_after as current_holding,
        holding_changes.batch_id
    from holding_changes
    left join dim_trade on holding_changes.trade_id = dim_trade.trade_id
)

select * from keyed
