-- The securities that are worth most on a day.
select
    positions.symbol,
    cast(sum(positions.market_amount) as decimal(38, 2)) as market_amount
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
group by positions.symbol
order by market_amount desc, positions.symbol asc
limit 12
