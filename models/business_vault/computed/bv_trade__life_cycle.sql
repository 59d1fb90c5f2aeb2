{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="trade_id") }}

{#- What a batch can say about a trade. #}
{%- set trade_tables = [ref("nhl_trade"), ref("sat_trade__brokerage"), ref("nhl_trade_event")] -%}

with

trades as (
    select * from {{ ref('nhl_trade') }}
    where {{ incremental_key_filter(["trade_id"], trade_tables) }}
),

states as (
    select * from {{ ref('sat_trade__brokerage') }}
    where {{ incremental_key_filter(["trade_id"], trade_tables) }}
),

events as (
    select * from {{ ref('nhl_trade_event') }}
    where {{ incremental_key_filter(["trade_id"], trade_tables) }}
),

-- The historical batch has the last state of a trade only; its first one is among the events. An update
-- does not create a trade; its time counts if there is no other.
times as (
    select
        trade_id,
        applied_at,
        false as is_update
    from events
    union all
    select
        trade_id,
        applied_at,
        false as is_update
    from trades
    union all
    select
        trade_id,
        applied_at,
        true as is_update
    from states
),

-- A trade that was placed twice is the one that was placed last.
placed as (
    select
        *,
        row_number() over (
            partition by trade_id
            order by batch_id desc, sequence_number desc, source_row desc
        ) as recency
    from trades
),

creations as (
    select
        trade_id,
        coalesce(min(case when not is_update then applied_at end), min(applied_at)) as created_at
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
        placed.trade_id,
        placed.account_id,
        placed.symbol,
        ---------- times
        creations.created_at,
        case when last_states.status_code in ('CMPT', 'CNCL') then last_states.applied_at end as closed_at,
        ---------- attributes
        last_states.status_code,
        placed.trade_type_code,
        placed.is_cash,
        placed.quantity,
        placed.bid_price,
        placed.executed_by,
        last_states.trade_price,
        last_states.fee_amount,
        last_states.commission_amount,
        last_states.tax_amount,
        ---------- load
        last_states.batch_id,
        placed.batch_id as placed_batch_id
    from placed
    inner join last_states on placed.trade_id = last_states.trade_id
    inner join creations on placed.trade_id = creations.trade_id
    where
        placed.recency = 1
        and last_states.recency = 1
)

select * from assembled
