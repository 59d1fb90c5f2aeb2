{%- set attributes = [
    "company_name", "status_code", "industry_code", "sp_rating", "founding_date", "address_line_1", "address_line_2",
    "postal_code", "city", "state_province", "country", "ceo_name", "company_description",
] -%}

with

publications as (
    select
        company_hk,
        {%- for column in attributes %}
            {{ column }},
        {%- endfor %}
        valid_from as applied_at,
        batch_id,
        sequence_number,
        source_row,
        record_source
    from {{ ref('timeline_company__finwire') }}
),

sp_ratings as (
    select * from {{ ref('sp_ratings') }}
),

{{ last_states("publications", "company_hk", grain="day") }},

-- A publication that says nothing new makes no version.
{{ collapse_repeats("last_states", "company_hk", attributes) }},

{{ end_dated("changed", "company_hk") }},

rated as (
    select
        ---------- ids
        versions.company_hk,
        ---------- attributes
        versions.company_name,
        versions.status_code,
        versions.industry_code,
        versions.sp_rating as published_sp_rating,
        sp_ratings.sp_rating,
        sp_ratings.is_low_grade,
        versions.founding_date,
        versions.address_line_1,
        versions.address_line_2,
        versions.postal_code,
        versions.city,
        versions.state_province,
        versions.country,
        versions.ceo_name,
        versions.company_description,
        ---------- validity
        versions.valid_from,
        versions.valid_to,
        versions.is_current,
        ---------- load
        versions.batch_id,
        versions.record_source
    from versions
    left join sp_ratings on versions.sp_rating = sp_ratings.sp_rating
)

select * from rated
