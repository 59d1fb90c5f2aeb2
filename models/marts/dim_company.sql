with

dim_security as (
    select * from {{ ref('dim_security') }}
),

calendar as (
    select min(date_value) as first_day
    from {{ ref('bv_date__calendar') }}
),

companies as (
    select * from {{ ref('bv_company__history') }}
),

status_types as (
    select * from {{ ref('status_types') }}
    where {{ is_standing_code("st_id") }}
),

industries as (
    select * from {{ ref('industries') }}
),

described as (
    select
        companies.company_version_hk as sk_company_id,
        companies.company_id,
        coalesce(status_types.st_name, 'Unknown') as status,
        companies.company_name as name,
        coalesce(industries.in_name, 'Unknown') as industry,
        companies.sp_rating,
        companies.is_low_grade,
        companies.ceo_name as ceo,
        companies.address_line_1 as address_line1,
        companies.address_line_2 as address_line2,
        companies.postal_code,
        companies.city,
        companies.state_province as state_prov,
        companies.country,
        companies.company_description as description,
        companies.founding_date,
        companies.is_current,
        companies.batch_id,
        companies.valid_from as effective_date,
        companies.valid_to as end_date
    from companies
    left join status_types on companies.status_code = status_types.st_id
    left join industries on companies.industry_code = industries.in_id
),

members as (
    select * from described
    union all
    -- The unknown member; present only while something refers to it.
    select
        {{ zero_key() }} as sk_company_id,
        -1 as company_id,
        'Unknown' as status,
        'Unknown' as name,
        'Unknown' as industry,
        null as sp_rating,
        null as is_low_grade,
        null as ceo,
        null as address_line1,
        null as address_line2,
        null as postal_code,
        null as city,
        null as state_prov,
        null as country,
        null as description,
        null as founding_date,
        true as is_current,
        1 as batch_id,
        calendar.first_day as effective_date,
        {{ open_end() }} as end_date
    from calendar
    where
        exists (
            select 1 from dim_security
            where dim_security.sk_company_id = {{ zero_key() }}
        )
)

select * from members
