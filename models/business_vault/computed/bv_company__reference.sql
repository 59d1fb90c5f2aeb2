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

-- Which company published under the name, day by day; the last one of a day holds.
publications as (
    select
        hub_company.company_hk as reference_hk,
        sat_company.company_hk,
        sat_company.applied_at,
        sat_company.batch_id,
        sat_company.sequence_number,
        sat_company.source_row
    from sat_company
    inner join hub_company on sat_company.company_name = hub_company.company_key
),

{{ day_versions("publications", "reference_hk") }},

compared as (
    select
        reference_hk,
        company_hk,
        valid_from,
        lag(company_hk) over (partition by reference_hk order by valid_from) as previous_company_hk
    from versions
),

by_name as (
    select
        reference_hk,
        company_hk,
        valid_from,
        coalesce(lead(valid_from) over (partition by reference_hk order by valid_from), {{ open_end() }}) as valid_to
    from compared
    where company_hk is distinct from previous_company_hk
)

select * from by_cik
union all
select * from by_name
