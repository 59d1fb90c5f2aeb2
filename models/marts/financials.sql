with

financials as (
    select * from {{ ref('bv_company__financials') }}
),

-- What was posted last about a quarter holds. Earlier postings, and those of companies that nobody knows, are in
-- quality.rejected_rows.
ranked as (
    select
        *,
        row_number() over (
            partition by company_version_hk, reported_year, reported_quarter
            order by applied_at desc, batch_id desc, source_row desc
        ) as recency
    from financials
    where company_version_hk is not null
),

renamed as (
    select
        company_version_hk as sk_company_id,
        reported_year as fi_year,
        reported_quarter as fi_qtr,
        quarter_start_date as fi_qtr_start_date,
        revenue_amount as fi_revenue,
        net_earnings_amount as fi_net_earn,
        basic_earnings_per_share as fi_basic_eps,
        diluted_earnings_per_share as fi_dilut_eps,
        margin_rate as fi_margin,
        inventory_amount as fi_inventory,
        assets_amount as fi_assets,
        liabilities_amount as fi_liability,
        basic_shares_outstanding_count as fi_out_basic,
        diluted_shares_outstanding_count as fi_out_dilut
    from ranked
    where recency = 1
)

select * from renamed
