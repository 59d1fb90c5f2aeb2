-- What is known about a customer today.
select
    summary.customer_id,
    summary.status,
    summary.tier,
    summary.marketing_nameplate,
    summary.account_count,
    summary.active_account_count,
    summary.cash_amount,
    summary.holdings_amount,
    summary.total_amount,
    summary.position_count,
    summary.unpriced_position_count,
    summary.completed_trade_count,
    summary.open_trade_count,
    summary.charges_amount,
    summary.watch_count,
    last_trade.date_value as last_trade_on,
    customers.first_name,
    customers.last_name,
    customers.address_line1,
    customers.address_line2,
    customers.postal_code,
    customers.city,
    customers.state_prov,
    customers.country,
    customers.phone1,
    customers.email1
from marts.rpt_customer_360 as summary
inner join marts.dim_customer as customers on summary.sk_customer_id = customers.sk_customer_id
left join marts.dim_date as last_trade on summary.sk_last_trade_date_id = last_trade.sk_date_id
where summary.customer_id = $customer_id
