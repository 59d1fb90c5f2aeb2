{#- What a batch can say about a holding: the change itself, and the trade that makes it. #}
{%- set trade_tables = ["nhl_holding_change", "nhl_trade", "sat_trade__brokerage", "nhl_trade_event"] -%}

{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["account_id", "symbol", "valid_from"],
    on_schema_change="append_new_columns",
    pre_hook="{{ drop_affected_rows(affected_positions(" ~ trade_tables ~ ")) }}",
) }}

with

fct_holdings as (
    select * from {{ ref('fct_holdings') }}
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

-- By account and symbol, not by their versions: a position continues when either changes.
holdings as (
    select
        dim_account.account_id,
        dim_security.symbol,
        dim_date.date_value as changed_on,
        fct_holdings.trade_id,
        fct_holdings.current_trade_id,
        fct_holdings.sk_time_id,
        fct_holdings.current_price,
        fct_holdings.current_holding,
        fct_holdings.batch_id
    from fct_holdings
    inner join dim_account on fct_holdings.sk_account_id = dim_account.sk_account_id
    inner join dim_security on fct_holdings.sk_security_id = dim_security.sk_security_id
    inner join dim_date on fct_holdings.sk_date_id = dim_date.sk_date_id
),

affected as (
    select * from holdings
    where {{ affected_positions(trade_tables) }}
),

-- Shares leave a holding at the price at which its first trade bought them.
changes as (
    select
        account_id,
        symbol,
        changed_on,
        batch_id,
        cast(current_holding as bigint) - coalesce(lag(current_holding) over holding, 0) as quantity,
        first_value(current_price) over holding as opening_price
    from affected
    window holding as (partition by account_id, symbol, trade_id order by changed_on, sk_time_id, current_trade_id)
),

daily as (
    select
        account_id,
        symbol,
        changed_on,
        sum(quantity) as quantity,
        sum(quantity * opening_price) as cost_amount,
        max(batch_id) as batch_id
    from changes
    group by account_id, symbol, changed_on
),

positions as (
    select
        account_id,
        symbol,
        cast(sum(quantity) over history as bigint) as quantity,
        cast(sum(cost_amount) over history as decimal(38, 2)) as cost_amount,
        changed_on as valid_from,
        coalesce(lead(changed_on) over history, {{ open_end() }}) as valid_to,
        lead(changed_on) over history is null as is_current,
        batch_id
    from daily
    window history as (partition by account_id, symbol order by changed_on)
)

select * from positions
