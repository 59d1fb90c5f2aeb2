with

as_of_dates as (
    select * from {{ ref('ftr_as_of_dates') }}
    where is_last
),

customer_states as (
    select * from {{ ref('bv_customer__state') }}
),

account_states as (
    select * from {{ ref('bv_account__state') }}
),

customers as (
    select * from {{ ref('hub_customer') }}
),

accounts as (
    select * from {{ ref('hub_account') }}
),

trades as (
    select * from {{ ref('nhl_trade') }}
),

trade_events as (
    select * from {{ ref('nhl_trade_event') }}
),

trade_states as (
    select * from {{ ref('sat_trade__brokerage') }}
),

cash_transactions as (
    select * from {{ ref('nhl_cash_transaction') }}
),

watch_events as (
    select * from {{ ref('nhl_watch_event') }}
),

holding_changes as (
    select * from {{ ref('nhl_holding_change') }}
),

daily_prices as (
    select * from {{ ref('nhl_daily_price') }}
),

{{ customer_features() }}

select * from features
