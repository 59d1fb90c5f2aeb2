-- What: the lowest and the highest price of a day are those of the trades that were closed on it.
-- Why: days are counted again when a batch says something about their trades; a price that such a run loses or keeps
-- would go unnoticed. Where the source has no price, both are NULL: that is a warning of the table itself.
-- A returned row: a day of a security whose prices are not those of its trades.
with

trades as (
    select
        dim_security.symbol,
        dim_trade.sk_close_date_id as sk_date_id,
        min(dim_trade.trade_price) as lowest_price,
        max(dim_trade.trade_price) as highest_price
    from {{ ref('dim_trade') }} as dim_trade
    inner join {{ ref('dim_security') }} as dim_security on dim_trade.sk_security_id = dim_security.sk_security_id
    where dim_trade.sk_close_date_id is not null
    group by dim_security.symbol, dim_trade.sk_close_date_id
)

select
    symbol,
    sk_date_id,
    activity.lowest_price,
    trades.lowest_price as expected_lowest_price,
    activity.highest_price,
    trades.highest_price as expected_highest_price
from trades
full outer join {{ ref('rpt_trading_activity') }} as activity using (symbol, sk_date_id)
where
    activity.lowest_price is distinct from trades.lowest_price
    or activity.highest_price is distinct from trades.highest_price
