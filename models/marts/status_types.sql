with

status_types as (
    select * from {{ ref('ref_status_type') }}
),

renamed as (
    select
        status_code as st_id,
        status_name as st_name
    from status_types
)

select * from renamed
