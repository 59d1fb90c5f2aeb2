-- Brokers and what the trades of their accounts brought in, those with most first.
select
    performance.broker_id,
    brokers.first_name,
    brokers.last_name,
    performance.branch,
    cast(sum(performance.completed_trade_count) as bigint) as completed_trade_count,
    cast(sum(performance.canceled_trade_count) as bigint) as canceled_trade_count,
    cast(sum(performance.traded_amount) as decimal(38, 2)) as traded_amount,
    cast(sum(performance.commission_amount) as decimal(38, 2)) as commission_amount,
    cast(sum(performance.fee_amount) as decimal(38, 2)) as fee_amount,
    count(*) as month_count
from marts.rpt_broker_performance as performance
inner join marts.dim_broker as brokers on performance.sk_broker_id = brokers.sk_broker_id
where
    performance.month_start_date between $first_month and $last_month
    and ($branch is null or performance.branch = $branch)
group by performance.broker_id, brokers.first_name, brokers.last_name, performance.branch
order by sum(performance.commission_amount + performance.fee_amount) desc, performance.broker_id asc
limit $most_rows
