with

industry as (
    select * from {{ source('reference', 'industry') }}
),

renamed as (
    select
        ---------- ids
        in_id as industry_code,
        in_sc_id as sector_code,
        ---------- attributes
        in_name as industry_name,
        ---------- load
        {{ load_columns() }}
    from industry
)

select * from renamed
