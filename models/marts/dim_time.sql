with

times as (
    {{- first_listed(ref('ref_time'), ["time_id", "time_value"]) }}
),

renamed as (
    select
        time_id as sk_time_id,
        time_value,
        hour_id,
        hour_description as hour_desc,
        minute_id,
        minute_description as minute_desc,
        second_id,
        second_description as second_desc,
        is_market_hours as market_hours_flag,
        is_office_hours as office_hours_flag
    from times
)

select * from renamed
