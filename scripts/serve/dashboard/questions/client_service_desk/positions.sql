-- The shares that a customer holds today.
select
    positions.account_id,
    positions.symbol,
    securities.name as security_name,
    positions.quantity,
    positions.cost_amount,
    positions.valid_from as held_since
from marts.fct_positions as positions
inner join marts.dim_account as accounts
    on positions.account_id = accounts.account_id and accounts.is_current
inner join marts.dim_customer as customers on accounts.sk_customer_id = customers.sk_customer_id
left join marts.dim_security as securities
    on positions.symbol = securities.symbol and securities.is_current
where
    positions.is_current
    and positions.quantity <> 0
    and customers.customer_id = $customer_id
order by positions.account_id, positions.symbol
limit $most_rows
