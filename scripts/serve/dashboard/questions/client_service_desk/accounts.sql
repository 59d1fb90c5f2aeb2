-- The accounts that a customer owns today, and their cash on the day of their last balance.
with

accounts as (
    select
        accounts.account_id,
        accounts.account_desc,
        accounts.status,
        accounts.tax_status,
        brokers.broker_id,
        brokers.branch
    from marts.dim_account as accounts
    inner join marts.dim_customer as customers on accounts.sk_customer_id = customers.sk_customer_id
    inner join marts.dim_broker as brokers on accounts.sk_broker_id = brokers.sk_broker_id
    where accounts.is_current and customers.customer_id = $customer_id
),

balances as (
    select
        versions.account_id,
        balances.cash,
        dim_date.date_value,
        row_number() over (partition by versions.account_id order by balances.sk_date_id desc) as newest
    from marts.fct_cash_balances as balances
    inner join marts.dim_account as versions on balances.sk_account_id = versions.sk_account_id
    inner join marts.dim_date as dim_date on balances.sk_date_id = dim_date.sk_date_id
    where versions.account_id in (select accounts.account_id from accounts)
)

select
    accounts.account_id,
    accounts.account_desc,
    accounts.status,
    accounts.tax_status,
    accounts.broker_id,
    accounts.branch,
    balances.cash as cash_amount,
    balances.date_value as balance_on
from accounts
left join balances on accounts.account_id = balances.account_id and balances.newest = 1
order by accounts.account_id
limit $most_rows
