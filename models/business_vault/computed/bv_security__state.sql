with

sat_security as (
    select * from {{ ref('sat_security__finwire') }}
),

sat_security_company as (
    select
        security_hk,
        company_hk as reference_hk,
        batch_id,
        record_source,
        source_row
    from {{ ref('sat_security_company__finwire') }}
),

company_references as (
    select * from {{ ref('bv_company__reference') }}
),

{{ day_versions("sat_security", "security_hk") }},

resolved as (
    select
        ---------- ids
        versions.security_hk,
        company_references.company_hk,
        ---------- attributes
        versions.security_name,
        versions.issue_type,
        versions.status_code,
        versions.exchange_code,
        versions.shares_outstanding_count,
        versions.first_trade_date,
        versions.first_trade_on_exchange_date,
        versions.dividend_amount,
        ---------- validity
        versions.valid_from,
        versions.valid_to,
        versions.valid_to = {{ open_end() }} as is_current,
        ---------- load
        versions.batch_id,
        versions.record_source
    from versions
    inner join sat_security_company
        on
            versions.security_hk = sat_security_company.security_hk
            and versions.batch_id = sat_security_company.batch_id
            and versions.record_source = sat_security_company.record_source
            and versions.source_row = sat_security_company.source_row
    left join company_references
        on
            sat_security_company.reference_hk = company_references.reference_hk
            and versions.valid_from >= company_references.valid_from
            and versions.valid_from < company_references.valid_to
)

select * from resolved
