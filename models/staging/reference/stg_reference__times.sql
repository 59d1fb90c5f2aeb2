with

times as (
    select * from {{ source('reference', 'time') }}
),

renamed as (
    select
        ---------- ids
        sk_time_id as time_id,
        ---------- attributes
        time_value,
        hour_id,
        hour_desc as hour_description,
        minute_id,
        minute_desc as minute_description,
        second_id,
        second_desc as second_description,
        market_hours_flag as is_market_hours,
        office_hours_flag as is_office_hours,
        ---------- load
        {{ load_columns() }}
    from times
)

select * from renamed
