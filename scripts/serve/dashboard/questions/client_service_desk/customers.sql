-- Customers, those with most assets first.
select
    customer_id,
    status,
    tier,
    account_count,
    total_amount,
    cash_amount,
    holdings_amount,
    open_trade_count
from marts.rpt_customer_360
order by total_amount desc, customer_id asc
limit $most_rows
