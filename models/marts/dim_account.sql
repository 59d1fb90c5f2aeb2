with

accounts as (
    select * from {{ ref('bv_account__history') }}
),

brokers as (
    select * from {{ ref('bv_broker__history') }}
),

status_types as (
    select * from {{ ref('status_types') }}
    where {{ is_standing_code("st_id") }}
),

described as (
    select
        accounts.account_version_hk as sk_account_id,
        accounts.account_id,
        coalesce(brokers.broker_version_hk, {{ zero_key() }}) as sk_broker_id,
        accounts.customer_version_hk as sk_customer_id,
        coalesce(status_types.st_name, 'Unknown') as status,
        accounts.account_name as account_desc,
        accounts.tax_status_code as tax_status,
        accounts.is_current,
        accounts.batch_id,
        accounts.valid_from as effective_date,
        accounts.valid_to as end_date
    from accounts
    left join brokers
        on
            accounts.broker_hk = brokers.broker_hk
            and accounts.valid_from >= brokers.valid_from
            and accounts.valid_from < brokers.valid_to
    left join status_types on accounts.status_code = status_types.st_id
)

select * from described
