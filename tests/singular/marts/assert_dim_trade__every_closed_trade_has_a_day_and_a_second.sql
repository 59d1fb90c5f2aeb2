-- What: a trade that is completed or canceled was closed on a day of the calendar and at a second of the list of times.
-- Why: the trade is in dim_trade and counts for its customer, but the tables by day (rpt_trading_activity,
-- rpt_broker_performance) have no day for it, and neither have holdings. Correct the time, or deliver the day.
-- A returned row: a closed trade without a day or a second, and when the source says that it was closed.
-- After the marts, so that a row that fails it stops none of them: {{ ref("batch_summary") }}
select
    dim_trade.trade_id,
    dim_trade.status,
    trades.closed_at,
    dim_trade.sk_close_date_id,
    dim_trade.sk_close_time_id
from {{ ref('dim_trade') }} as dim_trade
inner join {{ ref('bv_trade__life_cycle') }} as trades on dim_trade.trade_id = trades.trade_id
where
    trades.status_code in ('CMPT', 'CNCL')
    and (dim_trade.sk_close_date_id is null or dim_trade.sk_close_time_id is null)
