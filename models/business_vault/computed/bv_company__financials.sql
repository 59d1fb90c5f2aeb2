{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="reference_hk") }}

with

financials as (
    select
        *,
        cast(applied_at as date) as published_on
    from {{ ref('sat_company__finwire_financials') }}
    where {{ incremental_key_filter(["reference_hk"], [ref('sat_company__finwire_financials')]) }}
),

company_references as (
    select * from {{ ref('bv_company__reference') }}
),

companies as (
    select * from {{ ref('bv_company__history') }}
),

resolved as (
    select
        ---------- ids
        financials.reference_hk,
        company_references.company_hk,
        companies.company_version_hk,
        financials.reported_year,
        financials.reported_quarter,
        ---------- attributes
        financials.quarter_start_date,
        financials.posting_date,
        financials.revenue_amount,
        financials.net_earnings_amount,
        financials.basic_earnings_per_share,
        financials.diluted_earnings_per_share,
        financials.margin_rate,
        financials.inventory_amount,
        financials.assets_amount,
        financials.liabilities_amount,
        financials.basic_shares_outstanding_count,
        financials.diluted_shares_outstanding_count,
        ---------- load
        financials.applied_at,
        financials.batch_id,
        financials.record_source,
        financials.source_row
    from financials
    left join company_references
        on
            financials.reference_hk = company_references.reference_hk
            and financials.published_on >= company_references.valid_from
            and financials.published_on < company_references.valid_to
    left join companies
        on
            company_references.company_hk = companies.company_hk
            and financials.published_on >= companies.valid_from
            and financials.published_on < companies.valid_to
)

select * from resolved
