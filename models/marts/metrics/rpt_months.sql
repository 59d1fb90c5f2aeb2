{{ config(materialized="view", meta={"unaffected_by_masks": true}) }}

with

dim_date as (
    select * from {{ ref('dim_date') }}
),

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

fct_cash_balances as (
    select * from {{ ref('fct_cash_balances') }}
),

fct_market_history as (
    select * from {{ ref('fct_market_history') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

first_day as (
    select min(effective_date) as date_value from dim_customer
    where customer_id <> -1
),

last_days as (
    select max(sk_create_date_id) as sk_date_id from dim_trade
    union all
    select max(sk_close_date_id) as sk_date_id from dim_trade
    union all
    select max(sk_date_id) as sk_date_id from fct_cash_balances
    union all
    select max(sk_date_id) as sk_date_id from fct_market_history
),

last_day as (
    select max(dim_date.date_value) as date_value
    from last_days
    inner join dim_date on last_days.sk_date_id = dim_date.sk_date_id
),

calendar as (
    select
        cast(date_trunc('month', date_value) as date) as month_start_date,
        max(date_value) as month_end_date
    from dim_date
    group by cast(date_trunc('month', date_value) as date)
),

months as (
    select
        calendar.month_start_date,
        calendar.month_end_date
    from calendar
    inner join first_day on calendar.month_end_date >= first_day.date_value
    inner join last_day on calendar.month_start_date <= last_day.date_value
)

select * from months
