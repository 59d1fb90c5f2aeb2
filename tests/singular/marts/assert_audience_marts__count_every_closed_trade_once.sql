-- What: every completed and every canceled trade is counted once, with its charges, in each table
--   that counts trades.
-- Why: they group by symbol, broker and customer over all versions, and one of them by affected
--   days; a trade that found no version, or a day not counted again, would go unnoticed.
-- A trade closed on a day that the calendar lacks belongs to no day and no month, but still to its customer.
-- A returned row: a table with another total than dim_trade.
with

trades as (
    select
        *,
        status = 'Completed' as is_completed,
        sk_close_date_id is not null as has_day,
        coalesce(fee, 0) + coalesce(commission, 0) as charges_amount
    from {{ ref('dim_trade') }}
),

expected as (
    select
        count(case when is_completed then 1 end) as completed_trade_count,
        coalesce(sum(charges_amount), 0) as charges_amount,
        count(case when is_completed and has_day then 1 end) as dated_completed_trade_count,
        count(case when status = 'Canceled' and has_day then 1 end) as dated_canceled_trade_count,
        coalesce(sum(case when has_day then charges_amount end), 0) as dated_charges_amount
    from trades
),

activity as (
    select
        coalesce(sum(completed_trade_count), 0) as completed_trade_count,
        coalesce(sum(canceled_trade_count), 0) as canceled_trade_count,
        coalesce(sum(fee_amount + commission_amount), 0) as charges_amount
    from {{ ref('rpt_trading_activity') }}
),

brokers as (
    select coalesce(sum(completed_trade_count), 0) as completed_trade_count
    from {{ ref('rpt_broker_performance') }}
),

customers as (
    select
        coalesce(sum(completed_trade_count), 0) as completed_trade_count,
        coalesce(sum(charges_amount), 0) as charges_amount
    from {{ ref('rpt_customer_360') }}
)

select
    'rpt_trading_activity' as table_name,
    activity.completed_trade_count,
    expected.dated_completed_trade_count as expected_trade_count
from activity
cross join expected
where
    activity.completed_trade_count is distinct from expected.dated_completed_trade_count
    or activity.canceled_trade_count is distinct from expected.dated_canceled_trade_count
    or activity.charges_amount is distinct from expected.dated_charges_amount
union all
select
    'rpt_broker_performance' as table_name,
    brokers.completed_trade_count,
    expected.dated_completed_trade_count as expected_trade_count
from brokers
cross join expected
where brokers.completed_trade_count is distinct from expected.dated_completed_trade_count
union all
select
    'rpt_customer_360' as table_name,
    customers.completed_trade_count,
    expected.completed_trade_count as expected_trade_count
from customers
cross join expected
where
    customers.completed_trade_count is distinct from expected.completed_trade_count
    or customers.charges_amount is distinct from expected.charges_amount
