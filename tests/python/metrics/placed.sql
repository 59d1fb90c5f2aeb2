-- Trades by the day on which they were placed. {group}: what is asked for, over the columns of `star`.
with

star as (
    select
        create_day.date_value as placed_on,
        trade.type
    from marts.dim_trade as trade
    inner join marts.dim_date as create_day on trade.sk_create_date_id = create_day.sk_date_id
)

select
    {group} as grouped,
    count(*) as trades_placed
from star
group by 1
