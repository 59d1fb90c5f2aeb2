-- What: every line of the feed is a row of nhl_daily_price, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        cdc_flag,
        cdc_dsn,
        dm_date,
        dm_s_symb,
        dm_close,
        dm_high,
        dm_low,
        dm_vol,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('market', 'daily_market') }}
),

rebuilt as (
    select
        nhl_daily_price.cdc_flag,
        nhl_daily_price.sequence_number as cdc_dsn,
        nhl_daily_price.price_date as dm_date,
        nhl_daily_price.symbol as dm_s_symb,
        nhl_daily_price.close_price as dm_close,
        nhl_daily_price.high_price as dm_high,
        nhl_daily_price.low_price as dm_low,
        nhl_daily_price.volume_count as dm_vol,
        nhl_daily_price.batch_id,
        nhl_daily_price.record_source as source_file,
        nhl_daily_price.source_row,
        nhl_daily_price.loaded_at
    from {{ ref('nhl_daily_price') }} as nhl_daily_price
)

{{ differing_lines("delivered", "rebuilt") }}
