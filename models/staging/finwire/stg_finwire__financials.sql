with

record as (
    select * from {{ source('finwire', 'record') }}
),

company_resolved as (
    select
        *,
        {{ central_index_key("co_name_or_cik") }} as company_id
    from record
    where rec_type = 'FIN'
),

keyed as (
    select
        *,
        coalesce(cast(company_id as {{ dbt.type_string() }}), {{ company_name_key("co_name_or_cik") }}) as company_key
    from company_resolved
),

renamed as (
    select
        ---------- ids
        {{ hash_key(["company_key"]) }} as reference_hk,
        company_key,
        co_name_or_cik as company_reference,
        company_id,
        case when company_id is null then co_name_or_cik end as company_name,
        year as reported_year,
        quarter as reported_quarter,
        ---------- attributes
        qtr_start_date as quarter_start_date,
        posting_date,
        revenue as revenue_amount,
        earnings as net_earnings_amount,
        eps as basic_earnings_per_share,
        diluted_eps as diluted_earnings_per_share,
        margin as margin_rate,
        inventory as inventory_amount,
        assets as assets_amount,
        liabilities as liabilities_amount,
        sh_out as basic_shares_outstanding_count,
        diluted_sh_out as diluted_shares_outstanding_count,
        ---------- change
        source_row as sequence_number,
        pts as applied_at,
        ---------- load
        {{ load_columns() }}
    from keyed
)

select * from renamed
