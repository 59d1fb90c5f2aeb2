-- What was everything that our customers hold worth on each of the last thirty days with prices, and what had it cost?
-- One row per day. rpt_daily_positions is a view over every position and price: ask it for a few days, as here, for an
-- account or for a symbol.
with

daily_positions as (
    select * from {{ ref('rpt_daily_positions') }}
),

market_history as (
    select * from {{ ref('fct_market_history') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

newest as (
    select max(dim_date.date_value) as date_value
    from market_history
    inner join dim_date on market_history.sk_date_id = dim_date.sk_date_id
),

days as (
    select
        daily_positions.date_value,
        count(distinct daily_positions.account_id) as account_count,
        count(*) as position_count,
        sum(daily_positions.cost_amount) as cost_amount,
        sum(daily_positions.market_amount) as market_amount,
        sum(daily_positions.unrealized_gain_amount) as unrealized_gain_amount
    from daily_positions
    where daily_positions.date_value > (select {{ dbt.dateadd("day", -30, "newest.date_value") }} from newest)
    group by daily_positions.date_value
)

select * from days
order by date_value
