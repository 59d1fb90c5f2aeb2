-- Days on which a security was traded, beside what the whole market traded: our part is `market_share`.
with

activity as (
    select
        activity.symbol,
        dim_date.date_value,
        activity.completed_trade_count,
        activity.canceled_trade_count,
        activity.bought_quantity,
        activity.sold_quantity,
        activity.lowest_price,
        activity.highest_price,
        market.volume,
        market.day_low,
        market.day_high,
        cast(activity.bought_quantity + activity.sold_quantity as double precision)
        / nullif(market.volume, 0) as market_share
    from marts.rpt_trading_activity as activity
    inner join marts.dim_date as dim_date on activity.sk_date_id = dim_date.sk_date_id
    left join marts.dim_security as securities
        on
            activity.symbol = securities.symbol
            and dim_date.date_value >= securities.effective_date
            and dim_date.date_value < securities.end_date
    left join marts.fct_market_history as market
        on
            securities.sk_security_id = market.sk_security_id
            and activity.sk_date_id = market.sk_date_id
    where
        dim_date.date_value >= $first_day
        and dim_date.date_value < $next_month
        and ($day is null or dim_date.date_value = $day)
        and ($symbol is null or activity.symbol = $symbol)
)

select
    date_value,
    symbol,
    completed_trade_count,
    canceled_trade_count,
    bought_quantity,
    sold_quantity,
    volume as market_volume,
    market_share,
    lowest_price,
    highest_price,
    day_low as market_low,
    day_high as market_high
from activity
order by
    case when $order = 'market_share' then coalesce(market_share, -1) else canceled_trade_count end desc,
    date_value desc,
    symbol asc
limit $most_rows
