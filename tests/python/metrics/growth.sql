-- The notional of each month beside that of the month before.
with

monthly as (
    select
        date_trunc('month', date_value) as month_start,
        sum(quantity * trade_price) filter (where status = 'Completed') as amount
    from marts.dim_trade
    inner join marts.dim_date on sk_close_date_id = sk_date_id
    group by 1
)

select
    this_month.month_start as grouped,
    this_month.amount as traded_notional,
    last_month.amount as traded_notional_a_month_before,
    cast(this_month.amount - last_month.amount as double precision) / last_month.amount as traded_notional_growth
from monthly as this_month
left join monthly as last_month on this_month.month_start = last_month.month_start + interval '1 month'
