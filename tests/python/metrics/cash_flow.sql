-- Cash that moved, from the transactions as they came; those of daily batches count on the day of the batch. {group}: over `moved_on`.
with

moved as (
    select
        case when transactions.cdc_flag is null then cast(transactions.applied_at as date) else batches.batch_date end as moved_on,
        transactions.transaction_amount
    from raw_vault.nhl_cash_transaction as transactions
    inner join raw_vault.ref_batch as batches using (batch_id)
    union all
    -- Months without any count too, from the first customer on.
    select date_value, 0 from marts.dim_date
    where
        date_value >= (select min(effective_date) from marts.dim_customer where customer_id <> -1)
        and date_value <= (select max(batch_date) from raw_vault.ref_batch)
)

select
    {group} as grouped,
    sum(transaction_amount) as net_cash_flow
from moved
group by 1
