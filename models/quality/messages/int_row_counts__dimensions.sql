with

financials as (
    select * from {{ ref('financials') }}
),

-- A quarter may be posted again for the same version of the company.
bv_financials as (
    select
        company_version_hk,
        reported_year,
        reported_quarter,
        min(batch_id) as batch_id
    from {{ ref('bv_company__financials') }}
    group by company_version_hk, reported_year, reported_quarter
),

prospects as (
    select * from {{ ref('prospects') }}
),

hub_prospect as (
    select * from {{ ref('hub_prospect') }}
),

bv_prospects as (
    select * from {{ ref('bv_prospect__history') }}
),

prospect_insertions as (
    select
        prospect_hk,
        min(batch_id) as batch_id
    from bv_prospects
    group by prospect_hk
),

-- The vault knows the batch of rows that do not have it, or that have the batch of their last change. No
-- batch inserted an unknown member.
inserted as (
    {{ rows_by_batch("DimAccount", ref("dim_account")) }}
    union all
    {{ rows_by_batch("DimBroker", ref("dim_broker"), member_key="sk_broker_id") }}
    union all
    {{ rows_by_batch("DimCompany", ref("dim_company"), member_key="sk_company_id") }}
    union all
    {{ rows_by_batch("DimCustomer", ref("dim_customer"), member_key="sk_customer_id") }}
    union all
    {{ rows_by_batch("DimSecurity", ref("dim_security")) }}
    union all
    {{ rows_by_batch("DimDate", ref("dim_date"), "sk_date_id", ref("ref_date"), "date_id") }}
    union all
    {{ rows_by_batch("DimTime", ref("dim_time"), "sk_time_id", ref("ref_time"), "time_id") }}
    union all
    {{ rows_by_batch("DimTrade", ref("dim_trade"), "trade_id", ref("nhl_trade"), "trade_id") }}
    union all
    {{ rows_by_batch("Industry", ref("industries"), "in_id", ref("ref_industry"), "industry_code") }}
    union all
    {{ rows_by_batch("StatusType", ref("status_types"), "st_id", ref("ref_status_type"), "status_code") }}
    union all
    {{ rows_by_batch("TaxRate", ref("tax_rates"), "tx_id", ref("ref_tax_rate"), "tax_rate_code") }}
    union all
    {{ rows_by_batch("TradeType", ref("trade_types"), "tt_id", ref("ref_trade_type"), "trade_type_code") }}
    union all
    select
        'Financial' as message_source,
        bv_financials.batch_id
    from financials
    inner join bv_financials
        on
            financials.sk_company_id = bv_financials.company_version_hk
            and financials.fi_year = bv_financials.reported_year
            and financials.fi_qtr = bv_financials.reported_quarter
    union all
    select
        'Prospect' as message_source,
        prospect_insertions.batch_id
    from prospects
    inner join hub_prospect on prospects.agency_id = hub_prospect.prospect_id
    inner join prospect_insertions on hub_prospect.prospect_hk = prospect_insertions.prospect_hk
),

counted as (
    select
        message_source,
        batch_id,
        count(*) as row_count,
        cast(null as bigint) as joined_row_count
    from inserted
    group by message_source, batch_id
)

select * from counted
