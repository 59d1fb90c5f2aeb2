with

crm as (
    select * from {{ ref('bv_account__crm_completed') }}
),

accounts as (
    select * from {{ ref('timeline_account__brokerage') }}
),

owners as (
    select * from {{ ref('timeline_account_customer__brokerage') }}
),

brokers as (
    select * from {{ ref('timeline_account_broker__brokerage') }}
),

states as (
    select
        account_hk,
        customer_hk,
        broker_hk,
        account_name,
        tax_status_code,
        status_code,
        status_stated_on,
        applied_at,
        batch_id,
        sequence_number,
        source_row,
        record_source
    from crm
    union all
    -- A full record, so it states the status each time.
    select
        accounts.account_hk,
        owners.customer_hk,
        brokers.broker_hk,
        accounts.account_name,
        accounts.tax_status_code,
        accounts.status_code,
        cast(accounts.valid_from as date) as status_stated_on,
        accounts.valid_from as applied_at,
        accounts.batch_id,
        accounts.sequence_number,
        accounts.source_row,
        accounts.record_source
    from accounts
    left join owners
        on
            accounts.account_hk = owners.account_hk
            and accounts.valid_from >= owners.valid_from
            and accounts.valid_from < owners.valid_to
    left join brokers
        on
            accounts.account_hk = brokers.account_hk
            and accounts.valid_from >= brokers.valid_from
            and accounts.valid_from < brokers.valid_to
),

{{ last_states("states", "account_hk", grain="day") }},

{{ end_dated("last_states", "account_hk") }},

selected as (
    select
        ---------- ids
        account_hk,
        customer_hk,
        broker_hk,
        ---------- attributes
        account_name,
        tax_status_code,
        status_code,
        status_stated_on,
        ---------- validity
        valid_from,
        valid_to,
        is_current,
        ---------- load
        batch_id,
        record_source
    from versions
)

select * from selected
