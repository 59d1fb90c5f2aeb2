with

status_types as (
    select * from {{ ref('stg_reference__status_types') }}
),

renamed as (
    select
        status_code as st_id,
        status_name as st_name
    from status_types
)

select * from renamed
