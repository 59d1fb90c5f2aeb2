with

status_types as (
    {{- first_listed(ref('ref_status_type'), ["status_code"]) }}
),

renamed as (
    select
        status_code as st_id,
        status_name as st_name
    from status_types
)

select * from renamed
