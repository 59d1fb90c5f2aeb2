-- What: every line of the feed is a row of nhl_trade_event, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        th_t_id,
        th_dts,
        th_st_id,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('brokerage', 'trade_history') }}
),

rebuilt as (
    select
        nhl_trade_event.trade_id as th_t_id,
        nhl_trade_event.applied_at as th_dts,
        nhl_trade_event.status_code as th_st_id,
        nhl_trade_event.batch_id,
        nhl_trade_event.record_source as source_file,
        nhl_trade_event.source_row,
        nhl_trade_event.loaded_at
    from {{ ref('nhl_trade_event') }} as nhl_trade_event
)

{{ differing_lines("delivered", "rebuilt") }}
