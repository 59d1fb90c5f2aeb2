{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="trade_id") }}

with

trades as (
    select * from {{ ref('nhl_trade') }}
    where {{ incremental_key_filter(["trade_id"], [ref('sat_trade__brokerage')]) }}
),

states as (
    select * from {{ ref('sat_trade__brokerage') }}
    where {{ incremental_key_filter(["trade_id"], [ref('sat_trade__brokerage')]) }}
),

events as (
    select * from {{ ref('nhl_trade_event') }}
    where {{ incremental_key_filter(["trade_id"], [ref('sat_trade__brokerage')]) }}
),

-- The historical batch has the last state of a trade only; its first one is among the events.
times as (
    select
        trade_id,
        applied_at
    from events
    union all
    select
        trade_id,
        applied_at
    from states
),

creations as (
    select
        trade_id,
        min(applied_at) as created_at
    from times
    group by trade_id
),

-- The sequence number orders the changes of a batch only.
last_states as (
    select
        *,
        row_number() over (
            partition by trade_id
            order by batch_id desc, sequence_number desc, source_row desc
        ) as recency
    from states
),

assembled as (
    select
        ---------- ids
        trades.trade_id,
        trades.account_id,
        trades.symbol,
        ---------- times
        creations.created_at,
        case when last_states.status_code in ('CMPT', 'CNCL') then last_states.applied_at end as closed_at,
        ---------- attributes
        last_states.status_code,
        trades.trade_type_code,
        trades.is_cash,
        trades.quantity,
        trades.bid_price,
        trades.executed_by,
        last_states.trade_price,
        last_states.fee_amount,
        last_states.commission_amount,
        last_states.tax_amount,
        ---------- load
        last_states.batch_id,
        trades.batch_id as placed_batch_id
    from trades
    inner join last_states on trades.trade_id = last_states.trade_id
    inner join creations on trades.trade_id = creations.trade_id
    where last_states.recency = 1
)

select * from assembled
