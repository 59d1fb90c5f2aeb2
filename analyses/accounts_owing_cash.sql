-- Which active accounts owe us the most cash, and since when have they been below zero?
-- One row per account, the twenty with the lowest balance. A balance belongs to the account, so versions are joined by
-- account_id.
with

balances as (
    select * from {{ ref('fct_cash_balances') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

days as (
    select
        dim_account.account_id,
        dim_date.date_value,
        balances.cash,
        row_number() over (partition by dim_account.account_id order by dim_date.date_value desc) as recency,
        -- The last day on which the account was not in debt.
        max(case when balances.cash >= 0 then dim_date.date_value end) over (partition by dim_account.account_id)
            as last_day_in_credit
    from balances
    inner join dim_account on balances.sk_account_id = dim_account.sk_account_id
    inner join dim_date on balances.sk_date_id = dim_date.sk_date_id
),

debts as (
    select
        account_id,
        min(date_value) as owing_since,
        min(case when recency = 1 then cash end) as cash
    from days
    where last_day_in_credit is null or date_value > last_day_in_credit
    group by account_id
),

described as (
    select
        debts.account_id,
        dim_account.account_desc,
        debts.owing_since,
        debts.cash
    from debts
    inner join dim_account on debts.account_id = dim_account.account_id
    where
        dim_account.is_current
        and dim_account.status = 'Active'
)

select * from described
order by cash asc, account_id asc
limit 20
