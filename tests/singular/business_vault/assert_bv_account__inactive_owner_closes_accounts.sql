-- What: on the day on which a customer becomes inactive, every account that the customer has on that day gets a
-- version, and it is inactive.
-- Why: the cascade reaches open and closed accounts, and neither the order of the events of a day nor a full record
-- of the account in the same batch may keep one active.
-- A returned row: an account of such a customer without an inactive version from that day on.
with

inactivations as (
    select
        customer_hk,
        valid_from
    from {{ ref('bv_customer__state') }}
    where valid_from = last_inactivated_on
),

accounts as (
    select
        account_hk,
        customer_hk,
        valid_from,
        valid_to
    from {{ ref('bv_account__state') }}
)

select
    accounts.account_hk,
    inactivations.valid_from
from inactivations
inner join accounts
    on
        inactivations.customer_hk = accounts.customer_hk
        and inactivations.valid_from >= accounts.valid_from
        and inactivations.valid_from < accounts.valid_to
left join {{ ref('bv_account__history') }} as versions
    on
        accounts.account_hk = versions.account_hk
        and inactivations.valid_from = versions.valid_from
where versions.status_code is distinct from 'INAC'
