with

pit_company as (
    select * from {{ ref('pit_company') }}
),

states as (
    select * from {{ ref('bv_company__state') }}
),

hub_company as (
    select * from {{ ref('hub_company') }}
),

assembled as (
    select
        ---------- ids
        {{ hash_key(["hub_company.company_key", "pit_company.valid_from"]) }} as company_version_hk,
        pit_company.company_hk,
        cast(hub_company.company_key as bigint) as company_id,
        ---------- attributes
        states.company_name,
        states.status_code,
        states.industry_code,
        states.published_sp_rating,
        states.sp_rating,
        states.is_low_grade,
        states.founding_date,
        states.address_line_1,
        states.address_line_2,
        states.postal_code,
        states.city,
        states.state_province,
        states.country,
        states.ceo_name,
        states.company_description,
        ---------- validity
        pit_company.valid_from,
        cast(pit_company.valid_to as date) as valid_to,
        pit_company.is_current,
        ---------- load
        states.batch_id,
        states.record_source
    from pit_company
    inner join hub_company on pit_company.company_hk = hub_company.company_hk
    inner join states
        on
            pit_company.company_hk = states.company_hk
            and pit_company.state_valid_from = states.valid_from
)

select * from assembled
