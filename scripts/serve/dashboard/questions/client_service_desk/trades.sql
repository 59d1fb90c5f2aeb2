-- Trades that a customer placed: open ones first, then the newest.
select
    trades.trade_id,
    trades.status,
    trades.type,
    placed.date_value as placed_on,
    closed.date_value as closed_on,
    securities.symbol,
    trades.quantity,
    trades.bid_price,
    trades.trade_price,
    trades.fee,
    trades.commission,
    accounts.account_id
from marts.dim_trade as trades
inner join marts.dim_customer as customers on trades.sk_customer_id = customers.sk_customer_id
inner join marts.dim_account as accounts on trades.sk_account_id = accounts.sk_account_id
inner join marts.dim_security as securities on trades.sk_security_id = securities.sk_security_id
inner join marts.dim_date as placed on trades.sk_create_date_id = placed.sk_date_id
left join marts.dim_date as closed on trades.sk_close_date_id = closed.sk_date_id
where customers.customer_id = $customer_id
order by
    case when trades.status in ('Completed', 'Canceled') then 1 else 0 end asc,
    placed.date_value desc,
    trades.trade_id desc
limit $most_rows
