-- What accounts held on a day, the largest positions first. Tier and status are those of the day.
select
    positions.date_value,
    positions.account_id,
    customers.customer_id,
    customers.tier,
    positions.symbol,
    positions.quantity,
    positions.close_price,
    positions.market_amount,
    positions.cost_amount,
    positions.unrealized_gain_amount
from marts.rpt_daily_positions as positions
inner join marts.dim_account as accounts
    on
        positions.account_id = accounts.account_id
        and positions.date_value >= accounts.effective_date
        and positions.date_value < accounts.end_date
inner join marts.dim_customer as customers on accounts.sk_customer_id = customers.sk_customer_id
where
    positions.date_value = $day
    and ($account_id is null or positions.account_id = $account_id)
    and ($tier is null or customers.tier = $tier)
order by positions.market_amount desc, positions.account_id asc, positions.symbol asc
limit $most_rows
