-- What: every line of the feed is a row of ref_trade_type, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        tt_id,
        tt_name,
        tt_is_sell,
        tt_is_mrkt,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('reference', 'trade_type') }}
),

rebuilt as (
    select
        ref_trade_type.trade_type_code as tt_id,
        ref_trade_type.trade_type_name as tt_name,
        ref_trade_type.is_sell as tt_is_sell,
        ref_trade_type.is_market as tt_is_mrkt,
        ref_trade_type.batch_id,
        ref_trade_type.record_source as source_file,
        ref_trade_type.source_row,
        ref_trade_type.loaded_at
    from {{ ref('ref_trade_type') }} as ref_trade_type
)

{{ differences("delivered", "rebuilt") }}
