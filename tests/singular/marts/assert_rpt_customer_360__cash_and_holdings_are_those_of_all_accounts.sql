-- What: the cash of all customers is the sum of all transactions, and every open position belongs to
--   a customer.
-- Why: both are attributed to the current owner of the account; an account without one would be left out.
-- A returned row: both totals.
with

transactions as (
    select cast(coalesce(sum(transaction_amount), 0) as decimal(18, 2)) as cash_amount
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
),

positions as (
    select count(*) as position_count
    from {{ ref('fct_positions') }}
    where
        is_current
        and quantity <> 0
),

customers as (
    select
        coalesce(sum(cash_amount), 0) as cash_amount,
        coalesce(sum(position_count), 0) as position_count
    from {{ ref('rpt_customer_360') }}
)

select
    customers.cash_amount,
    transactions.cash_amount as expected_cash_amount,
    customers.position_count,
    positions.position_count as expected_position_count
from customers
cross join transactions
cross join positions
where
    customers.cash_amount <> transactions.cash_amount
    or customers.position_count <> positions.position_count
