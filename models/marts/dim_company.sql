with

companies as (
    select * from {{ ref('bv_company__history') }}
),

status_types as (
    select * from {{ ref('status_types') }}
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

unknown_member as (
    {{- unknown_member("sk_company_id", "company_id", {
        "status": "'Unknown'",
        "name": "'Unknown'",
        "industry": "'Unknown'",
    }, ref("dim_security"), "sk_company_id") }}
),

members as (
    select * from described
    union all
    select * from unknown_member
)

select * from members
