-- What: the state with which a trade is created is PNDG for a limit order and SBMT for a market order.
-- Why: the model takes the earliest state as the creation; the workload defines it by type of trade. Both must be
-- the same time.
-- A returned row: a trade whose earliest state is not the one that its type begins with.
{{ config(severity = 'warn') }}

with

states as (
    select
        trade_id,
        status_code,
        applied_at
    from {{ ref('nhl_trade_event') }}
    union all
    select
        trade_id,
        status_code,
        applied_at
    from {{ ref('sat_trade__brokerage') }}
    where cdc_flag = 'I'
)

select
    trades.trade_id,
    trades.trade_type_code,
    states.status_code
from {{ ref('bv_trade__life_cycle') }} as trades
inner join states
    on
        trades.trade_id = states.trade_id
        and trades.created_at = states.applied_at
inner join {{ ref('ref_trade_type') }} as trade_types
    on trades.trade_type_code = trade_types.trade_type_code
where states.status_code <> case when trade_types.is_market then 'SBMT' else 'PNDG' end
