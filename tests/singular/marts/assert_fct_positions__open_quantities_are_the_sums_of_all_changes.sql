-- What: what an account holds of a security now is the sum of all changes that the source reported.
-- Why: a position is computed from holdings in their order, and again when a batch changes it; the sum
--   depends on neither the order nor the batches. Rejected changes do not count.
-- A returned row: a position that is missing, that has no changes, or that has another quantity.
with

holding_changes as (
    select * from {{ ref('nhl_holding_change') }}
    where
        (batch_id, record_source, source_row) not in (
            select
                rejected.batch_id,
                rejected.record_source,
                rejected.source_row
            from {{ ref('rejected_rows') }} as rejected
            where rejected.model_name = 'fct_holdings'
        )
),

trades as (
    select * from {{ ref('bv_trade__life_cycle') }}
),

positions as (
    select * from {{ ref('fct_positions') }}
    where is_current
),

summed as (
    select
        trades.account_id,
        trades.symbol,
        sum(holding_changes.quantity_after - holding_changes.quantity_before) as quantity
    from holding_changes
    inner join trades on holding_changes.trade_id = trades.trade_id
    group by trades.account_id, trades.symbol
)

select
    account_id,
    symbol,
    positions.quantity,
    summed.quantity as summed_quantity
from positions
full outer join summed using (account_id, symbol)
where positions.quantity is distinct from summed.quantity
