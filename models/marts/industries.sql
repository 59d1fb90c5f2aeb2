with

industries as (
    {{- first_listed(ref('ref_industry'), ["industry_code"]) }}
),

renamed as (
    select
        industry_code as in_id,
        industry_name as in_name,
        sector_code as in_sc_id
    from industries
)

select * from renamed
