-- What: every line of the feed is a row of nhl_watch_event, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        cdc_flag,
        cdc_dsn,
        w_c_id,
        w_s_symb,
        w_dts,
        w_action,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('brokerage', 'watch_history') }}
),

rebuilt as (
    select
        nhl_watch_event.cdc_flag,
        nhl_watch_event.sequence_number as cdc_dsn,
        nhl_watch_event.customer_id as w_c_id,
        nhl_watch_event.symbol as w_s_symb,
        nhl_watch_event.applied_at as w_dts,
        nhl_watch_event.action_code as w_action,
        nhl_watch_event.batch_id,
        nhl_watch_event.record_source as source_file,
        nhl_watch_event.source_row,
        nhl_watch_event.loaded_at
    from {{ ref('nhl_watch_event') }} as nhl_watch_event
)

{{ differing_lines("delivered", "rebuilt") }}
