-- Months of brokers, the newest first.
select
    performance.month_start_date,
    performance.branch,
    performance.broker_id,
    performance.completed_trade_count,
    performance.canceled_trade_count,
    performance.account_count,
    performance.traded_amount,
    performance.commission_amount,
    performance.fee_amount
from marts.rpt_broker_performance as performance
where
    performance.month_start_date between $first_month and $last_month
    and ($branch is null or performance.branch = $branch)
order by performance.month_start_date desc, performance.commission_amount desc, performance.broker_id asc
limit $most_rows
