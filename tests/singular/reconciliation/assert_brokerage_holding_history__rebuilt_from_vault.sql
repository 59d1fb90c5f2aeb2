-- What: every line of the feed is a row of nhl_holding_change, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        cdc_flag,
        cdc_dsn,
        hh_h_t_id,
        hh_t_id,
        hh_before_qty,
        hh_after_qty,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('brokerage', 'holding_history') }}
),

rebuilt as (
    select
        nhl_holding_change.cdc_flag,
        nhl_holding_change.sequence_number as cdc_dsn,
        nhl_holding_change.opening_trade_id as hh_h_t_id,
        nhl_holding_change.trade_id as hh_t_id,
        nhl_holding_change.quantity_before as hh_before_qty,
        nhl_holding_change.quantity_after as hh_after_qty,
        nhl_holding_change.batch_id,
        nhl_holding_change.record_source as source_file,
        nhl_holding_change.source_row,
        nhl_holding_change.loaded_at
    from {{ ref('nhl_holding_change') }} as nhl_holding_change
)

{{ differing_lines("delivered", "rebuilt") }}
