{%- set attributes = [
    "company_name", "status_code", "industry_code", "sp_rating", "founding_date", "address_line_1", "address_line_2",
    "postal_code", "city", "state_province", "country", "ceo_name", "company_description",
] | join(",\n        ") -%}

{%- set ratings = [
    "AAA", "AA+", "AA", "AA-", "A+", "A", "A-", "BBB+", "BBB", "BBB-", "BB+", "BB", "BB-", "B+", "B", "B-",
    "CCC+", "CCC", "CCC-", "CC", "C", "D",
] | join("',\n                '") -%}

with

sat_company as (
    select * from {{ ref('sat_company__finwire') }}
),

hub_company as (
    select * from {{ ref('hub_company') }}
),

{{ day_versions("sat_company", "company_hk") }},

compared as (
    select
        *,
        row({{ attributes }}) as state
    from versions
),

stepped as (
    select
        *,
        lag(state) over (partition by company_hk order by valid_from) as previous_state
    from compared
),

-- A publication that says nothing new makes no version.
changed as (
    select
        company_hk,
        {{ attributes }},
        valid_from,
        batch_id,
        record_source,
        lead(valid_from) over (partition by company_hk order by valid_from) as next_valid_from
    from stepped
    where state is distinct from previous_state
),

rated as (
    select
        *,
        case
            when sp_rating in (
                '{{ ratings }}'
            ) then sp_rating
        end as valid_sp_rating
    from changed
),

assembled as (
    select
        ---------- ids
        {{ hash_key(["hub_company.company_key", "rated.valid_from"]) }} as company_version_hk,
        rated.company_hk,
        cast(hub_company.company_key as bigint) as company_id,
        ---------- attributes
        rated.company_name,
        rated.status_code,
        rated.industry_code,
        rated.sp_rating as published_sp_rating,
        rated.valid_sp_rating as sp_rating,
        rated.valid_sp_rating not like 'A%' and rated.valid_sp_rating not like 'BBB%' as is_low_grade,
        rated.founding_date,
        rated.address_line_1,
        rated.address_line_2,
        rated.postal_code,
        rated.city,
        rated.state_province,
        rated.country,
        rated.ceo_name,
        rated.company_description,
        ---------- validity
        rated.valid_from,
        coalesce(rated.next_valid_from, {{ open_end() }}) as valid_to,
        rated.next_valid_from is null as is_current,
        ---------- load
        rated.batch_id,
        rated.record_source
    from rated
    inner join hub_company on rated.company_hk = hub_company.company_hk
)

select * from assembled
