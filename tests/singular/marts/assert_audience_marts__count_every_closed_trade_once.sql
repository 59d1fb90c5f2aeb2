-- What: every completed and every canceled trade is counted once, with its charges, in each table
--   that counts trades.
-- Why: they group by symbol, broker and customer over all versions, and one of them by affected
--   days; a trade that found no version, or a day not counted again, would go unnoticed.
-- A returned row: a table with another total than dim_trade.
with

trades as (
    select
        count(case when status = 'Completed' then 1 end) as completed_trade_count,
        count(case when status = 'Canceled' then 1 end) as canceled_trade_count,
        coalesce(sum(fee), 0) + coalesce(sum(commission), 0) as charges_amount,
        count(case when status = 'Completed' and sk_broker_id is not null then 1 end) as brokered_trade_count
    from {{ ref('dim_trade') }}
    where sk_close_date_id is not null or status not in ('Completed', 'Canceled')
),

activity as (
    select
        sum(completed_trade_count) as completed_trade_count,
        sum(canceled_trade_count) as canceled_trade_count,
        sum(fee_amount + commission_amount) as charges_amount
    from {{ ref('rpt_trading_activity') }}
),

brokers as (
    select sum(completed_trade_count) as completed_trade_count
    from {{ ref('rpt_broker_performance') }}
),

customers as (
    select
        sum(completed_trade_count) as completed_trade_count,
        sum(charges_amount) as charges_amount
    from {{ ref('rpt_customer_360') }}
)

select
    'rpt_trading_activity' as table_name,
    activity.completed_trade_count,
    trades.completed_trade_count as expected
from activity
cross join trades
where
    activity.completed_trade_count is distinct from trades.completed_trade_count
    or activity.canceled_trade_count is distinct from trades.canceled_trade_count
    or activity.charges_amount is distinct from trades.charges_amount
union all
select
    'rpt_broker_performance' as table_name,
    brokers.completed_trade_count,
    trades.brokered_trade_count as expected
from brokers
cross join trades
where brokers.completed_trade_count is distinct from trades.brokered_trade_count
union all
select
    'rpt_customer_360' as table_name,
    customers.completed_trade_count,
    trades.completed_trade_count as expected
from customers
cross join trades
where
    customers.completed_trade_count is distinct from trades.completed_trade_count
    or customers.charges_amount is distinct from trades.charges_amount
