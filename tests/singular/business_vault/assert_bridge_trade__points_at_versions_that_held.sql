-- What: the versions that a trade refers to exist and were valid on the day on which it was created.
-- Why: the bridge keeps the versions found when the trade was placed. If history changes afterwards, because rows land
-- late or again, the next `dbt build` rebuilds it; a reference that it missed would be outdated.
-- A returned row: a trade with a reference to a version that does not exist or was not valid. A trade without a
-- reference is in rejected_rows.
select
    bridge.trade_id,
    bridge.account_version_hk,
    bridge.security_version_hk
from {{ ref('bridge_trade') }} as bridge
left join {{ ref('bv_account__history') }} as account
    on
        bridge.account_version_hk = account.account_version_hk
        and bridge.customer_version_hk = account.customer_version_hk
left join {{ ref('bv_security__history') }} as security
    on
        bridge.security_version_hk = security.security_version_hk
        and bridge.company_version_hk = security.company_version_hk
where
    (bridge.account_version_hk is not null and account.account_version_hk is null)
    or (bridge.security_version_hk is not null and security.security_version_hk is null)
    or cast(bridge.created_at as date) < account.valid_from
    or cast(bridge.created_at as date) >= account.valid_to
    or cast(bridge.created_at as date) < security.valid_from
    or cast(bridge.created_at as date) >= security.valid_to
