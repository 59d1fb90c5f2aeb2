with

industries as (
    select * from {{ ref('ref_industry') }}
),

renamed as (
    select
        industry_code as in_id,
        industry_name as in_name,
        sector_code as in_sc_id
    from industries
)

select * from renamed
