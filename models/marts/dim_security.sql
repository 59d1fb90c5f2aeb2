with

securities as (
    select * from {{ ref('bv_security__history') }}
),

status_types as (
    select * from {{ ref('status_types') }}
    where {{ is_standing_code("st_id") }}
),

described as (
    select
        securities.security_version_hk as sk_security_id,
        securities.symbol,
        securities.issue_type as issue,
        coalesce(status_types.st_name, 'Unknown') as status,
        securities.security_name as name,
        securities.exchange_code as exchange_id,
        securities.company_version_hk as sk_company_id,
        securities.shares_outstanding_count as shares_outstanding,
        securities.first_trade_date as first_trade,
        securities.first_trade_on_exchange_date as first_trade_on_exchange,
        securities.dividend_amount as dividend,
        securities.is_current,
        securities.batch_id,
        securities.valid_from as effective_date,
        securities.valid_to as end_date
    from securities
    left join status_types on securities.status_code = status_types.st_id
)

select * from described
