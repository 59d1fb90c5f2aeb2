with

record as (
    select * from {{ source('finwire', 'record') }}
),

company_resolved as (
    select
        *,
        {{ central_index_key("co_name_or_cik") }} as company_id
    from record
    where rec_type = 'SEC'
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
        {{ hash_key(["symbol"]) }} as security_hk,
        {{ hash_key(["company_key"]) }} as reference_hk,
        {{ hash_key(["symbol", "company_key"]) }} as security_company_hk,
        symbol,
        company_key,
        co_name_or_cik as company_reference,
        company_id,
        case when company_id is null then co_name_or_cik end as company_name,
        ---------- attributes
        name as security_name,
        issue_type,
        status as status_code,
        ex_id as exchange_code,
        sh_out as shares_outstanding_count,
        first_trade_date,
        first_trade_exchg as first_trade_on_exchange_date,
        dividend as dividend_amount,
        ---------- change
        source_row as sequence_number,
        pts as applied_at,
        ---------- load
        {{ load_columns() }}
    from keyed
)

select * from renamed
