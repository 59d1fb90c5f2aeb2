with

securities as (
    select * from {{ ref('timeline_security__finwire') }}
),

issuers as (
    select * from {{ ref('timeline_security_company__finwire') }}
),

company_references as (
    select * from {{ ref('bv_company__reference') }}
),

states as (
    select
        securities.security_hk,
        issuers.reference_hk,
        securities.security_name,
        securities.issue_type,
        securities.status_code,
        securities.exchange_code,
        securities.shares_outstanding_count,
        securities.first_trade_date,
        securities.first_trade_on_exchange_date,
        securities.dividend_amount,
        securities.valid_from as applied_at,
        securities.batch_id,
        securities.sequence_number,
        securities.source_row,
        securities.record_source
    from securities
    left join issuers
        on
            securities.security_hk = issuers.security_hk
            and securities.valid_from >= issuers.valid_from
            and securities.valid_from < issuers.valid_to
),

{{ last_states("states", "security_hk", grain="day") }},

{{ end_dated("last_states", "security_hk") }},

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
        versions.is_current,
        ---------- load
        versions.batch_id,
        versions.record_source
    from versions
    left join company_references
        on
            versions.reference_hk = company_references.reference_hk
            and versions.valid_from >= company_references.valid_from
            and versions.valid_from < company_references.valid_to
)

select * from resolved
