-- What: the last balance of each account is the sum of all of its transactions, whichever batch
--   delivered them.
-- Why: the balance is carried from day to day across all versions of the account. A day that is lost
--   or duplicated, or a restart at a new version or batch, would otherwise go unnoticed: the official
--   audit does not check amounts.
--   Rejected transactions do not count.
-- A returned row: an account with both amounts, which differ.
with

transactions as (
    select
        account_id,
        sum(transaction_amount) as transaction_amount
    from {{ ref('nhl_cash_transaction') }}
    where
        (batch_id, record_source, source_row) not in (
            select
                rejected.batch_id,
                rejected.record_source,
                rejected.source_row
            from {{ ref('rejected_rows') }} as rejected
            where rejected.model_name = 'fct_cash_balances'
        )
    group by account_id
),

balances as (
    select
        dim_account.account_id,
        fct_cash_balances.cash,
        row_number() over (
            partition by dim_account.account_id
            order by fct_cash_balances.sk_date_id desc
        ) as recency
    from {{ ref('fct_cash_balances') }} as fct_cash_balances
    inner join {{ ref('dim_account') }} as dim_account on fct_cash_balances.sk_account_id = dim_account.sk_account_id
),

last_balances as (
    select
        account_id,
        cash
    from balances
    where recency = 1
)

select
    account_id,
    transactions.transaction_amount,
    last_balances.cash
from transactions
full outer join last_balances using (account_id)
where transactions.transaction_amount is distinct from last_balances.cash
