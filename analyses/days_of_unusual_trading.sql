-- On which days were our customers a large share of the market in a security, or traded outside the prices of the day?
-- One row per security and day, the twenty with the largest share. Generated and official sources draw trades and
-- market prices independently: there, shares above 100 percent and prices outside the range are no alarm, unlike in a
-- real market.
with

activity as (
    select * from {{ ref('rpt_trading_activity') }}
),

market_history as (
    select * from {{ ref('fct_market_history') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

compared as (
    select
        activity.symbol,
        activity.sk_date_id,
        activity.completed_trade_count,
        activity.canceled_trade_count,
        activity.bought_quantity + activity.sold_quantity as traded_quantity,
        market_history.volume as market_volume,
        cast(
            100.0 * (activity.bought_quantity + activity.sold_quantity) / nullif(market_history.volume, 0)
            as decimal(18, 6)
        ) as percent_of_market,
        activity.lowest_price < market_history.day_low or activity.highest_price > market_history.day_high
            as is_outside_the_days_range
    from activity
    inner join dim_security on activity.symbol = dim_security.symbol
    inner join market_history
        on
            dim_security.sk_security_id = market_history.sk_security_id
            and activity.sk_date_id = market_history.sk_date_id
)

select * from compared
order by percent_of_market desc, symbol asc, sk_date_id asc
limit 20
