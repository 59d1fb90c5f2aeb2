-- Trades of customers by the day on which they were closed, the newest first.
select
    trades.trade_id,
    closed.date_value as closed_on,
    trades.status,
    trades.type,
    securities.symbol,
    trades.quantity,
    trades.bid_price,
    trades.trade_price,
    trades.fee,
    trades.commission,
    customers.customer_id,
    accounts.account_id,
    trades.executed_by
from marts.dim_trade as trades
inner join marts.dim_date as closed on trades.sk_close_date_id = closed.sk_date_id
inner join marts.dim_security as securities on trades.sk_security_id = securities.sk_security_id
inner join marts.dim_customer as customers on trades.sk_customer_id = customers.sk_customer_id
inner join marts.dim_account as accounts on trades.sk_account_id = accounts.sk_account_id
where
    closed.date_value >= $first_day
    and closed.date_value < $next_month
    and ($day is null or closed.date_value = $day)
    and ($symbol is null or securities.symbol = $symbol)
    and ($status is null or trades.status = $status)
order by closed.date_value desc, trades.trade_id desc
limit $most_rows
