with

status_type as (
    select * from {{ source('reference', 'status_type') }}
),

renamed as (
    select
        ---------- ids
        st_id as status_code,
        ---------- attributes
        st_name as status_name,
        ---------- load
        {{ load_columns() }}
    from status_type
)

select * from renamed
