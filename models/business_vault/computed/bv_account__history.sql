with

pit_account as (
    select * from {{ ref('pit_account') }}
),

states as (
    select * from {{ ref('bv_account__state') }}
),

owners as (
    select * from {{ ref('bv_account__owner') }}
),

hub_account as (
    select * from {{ ref('hub_account') }}
),

assembled as (
    select
        ---------- ids
        {{ hash_key(["hub_account.account_id", "pit_account.valid_from"]) }} as account_version_hk,
        pit_account.account_hk,
        hub_account.account_id,
        coalesce(owners.customer_version_hk, {{ zero_key() }}) as customer_version_hk,
        states.customer_hk,
        coalesce(states.broker_hk, {{ zero_key() }}) as broker_hk,
        ---------- attributes
        states.account_name,
        states.tax_status_code,
        -- Becoming inactive closes the owner's accounts; only a status stated later than that opens one again.
        case
            when owners.last_inactivated_on >= states.status_stated_on then 'INAC'
            else states.status_code
        end as status_code,
        ---------- validity
        pit_account.valid_from,
        cast(pit_account.valid_to as date) as valid_to,
        pit_account.is_current,
        ---------- load
        greatest(
            case when pit_account.valid_from = states.valid_from then states.batch_id end,
            case when pit_account.valid_from = owners.valid_from then owners.batch_id end
        ) as batch_id
    from pit_account
    inner join hub_account on pit_account.account_hk = hub_account.account_hk
    inner join states
        on
            pit_account.account_hk = states.account_hk
            and pit_account.state_valid_from = states.valid_from
    left join owners
        on
            pit_account.account_hk = owners.account_hk
            and pit_account.owner_valid_from = owners.valid_from
)

select * from assembled
