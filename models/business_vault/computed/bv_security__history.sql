with

pit_security as (
    select * from {{ ref('pit_security') }}
),

states as (
    select * from {{ ref('bv_security__state') }}
),

issuers as (
    select * from {{ ref('bv_security__issuer') }}
),

hub_security as (
    select * from {{ ref('hub_security') }}
),

assembled as (
    select
        ---------- ids
        {{ hash_key(["hub_security.symbol", "pit_security.valid_from"]) }} as security_version_hk,
        pit_security.security_hk,
        hub_security.symbol,
        coalesce(issuers.company_version_hk, {{ zero_key() }}) as company_version_hk,
        states.company_hk,
        ---------- attributes
        states.security_name,
        states.issue_type,
        states.status_code,
        states.exchange_code,
        states.shares_outstanding_count,
        states.first_trade_date,
        states.first_trade_on_exchange_date,
        states.dividend_amount,
        ---------- validity
        pit_security.valid_from,
        cast(pit_security.valid_to as date) as valid_to,
        pit_security.is_current,
        ---------- load
        greatest(
            case when pit_security.valid_from = states.valid_from then states.batch_id end,
            case when pit_security.valid_from = issuers.valid_from then issuers.batch_id end
        ) as batch_id
    from pit_security
    inner join hub_security on pit_security.security_hk = hub_security.security_hk
    inner join states
        on
            pit_security.security_hk = states.security_hk
            and pit_security.state_valid_from = states.valid_from
    left join issuers
        on
            pit_security.security_hk = issuers.security_hk
            and pit_security.issuer_valid_from = issuers.valid_from
)

select * from assembled
