{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="company_hk") }}

with

financials as (
    select * from {{ ref('bv_company__financials') }}
    where
        company_hk is not null
        and {{ incremental_key_filter(["company_hk"], []) }}
),

-- What was posted last about a quarter holds.
ranked as (
    select
        company_hk,
        quarter_start_date,
        basic_earnings_per_share,
        batch_id,
        row_number() over (
            partition by company_hk, quarter_start_date
            order by applied_at desc, batch_id desc, source_row desc
        ) as recency
    from financials
),

distances as (
    select 1 as quarter_count
    union all
    select 2 as quarter_count
    union all
    select 3 as quarter_count
    union all
    select 4 as quarter_count
),

-- A quarter counts in each of the four quarters that follow it, whether or not the company reports in those.
counted as (
    select
        ranked.company_hk,
        cast(ranked.quarter_start_date + interval '3 months' * distances.quarter_count as date) as quarter_start_date,
        ranked.basic_earnings_per_share,
        ranked.batch_id
    from ranked
    cross join distances
    where ranked.recency = 1
),

summed as (
    select
        company_hk,
        quarter_start_date,
        cast(nullif(sum(basic_earnings_per_share), 0) as decimal(38, 2)) as trailing_earnings_per_share,
        count(*) as reported_quarter_count,
        max(batch_id) as batch_id
    from counted
    group by company_hk, quarter_start_date
)

select * from summed
