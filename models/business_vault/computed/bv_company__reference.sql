with

sat_company as (
    select * from {{ ref('sat_company__finwire') }}
),

hub_company as (
    select * from {{ ref('hub_company') }}
),

-- A CIK is the company itself, at any time.
by_cik as (
    select distinct
        company_hk as reference_hk,
        company_hk,
        cast('0001-01-01' as date) as valid_from,
        {{ open_end() }} as valid_to
    from sat_company
),

-- Which company published under the name, day by day; the last one of a day holds. Read from the satellite, not from
-- its timeline: a name counts also where another record of the same second has another one.
publications as (
    select
        hub_company.company_hk as reference_hk,
        sat_company.company_hk,
        sat_company.applied_at,
        sat_company.batch_id,
        sat_company.sequence_number,
        sat_company.source_row
    from sat_company
    inner join hub_company on {{ company_name_key("sat_company.company_name") }} = hub_company.company_key
),

{{ last_states("publications", "reference_hk", grain="day") }},

{{ collapse_repeats("last_states", "reference_hk", ["company_hk"]) }},

{{ end_dated("changed", "reference_hk") }},

by_name as (
    select
        reference_hk,
        company_hk,
        valid_from,
        valid_to
    from versions
)

select * from by_cik
union all
select * from by_name
