-- What: every line of the feed is a row of ref_time, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        sk_time_id,
        time_value,
        hour_id,
        hour_desc,
        minute_id,
        minute_desc,
        second_id,
        second_desc,
        market_hours_flag,
        office_hours_flag,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('reference', 'time') }}
),

rebuilt as (
    select
        ref_time.time_id as sk_time_id,
        ref_time.time_value,
        ref_time.hour_id,
        ref_time.hour_description as hour_desc,
        ref_time.minute_id,
        ref_time.minute_description as minute_desc,
        ref_time.second_id,
        ref_time.second_description as second_desc,
        ref_time.is_market_hours as market_hours_flag,
        ref_time.is_office_hours as office_hours_flag,
        ref_time.batch_id,
        ref_time.record_source as source_file,
        ref_time.source_row,
        ref_time.loaded_at
    from {{ ref('ref_time') }} as ref_time
)

{{ differences("delivered", "rebuilt") }}
