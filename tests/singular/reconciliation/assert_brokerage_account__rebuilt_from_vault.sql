-- What: an account, with the customer and the broker of its links, is the line of the feed.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        cdc_flag,
        cdc_dsn,
        ca_id,
        ca_b_id,
        ca_c_id,
        ca_name,
        ca_tax_st,
        ca_st_id,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('brokerage', 'account') }}
),

rebuilt as (
    select
        account.cdc_flag,
        account.sequence_number as cdc_dsn,
        hub.account_id as ca_id,
        broker.employee_id as ca_b_id,
        customer.customer_id as ca_c_id,
        account.account_name as ca_name,
        account.tax_status_code as ca_tax_st,
        account.status_code as ca_st_id,
        account.batch_id,
        account.record_source as source_file,
        account.source_row,
        account.loaded_at
    from {{ ref('sat_account__brokerage') }} as account
    inner join {{ ref('hub_account') }} as hub on account.account_hk = hub.account_hk
    inner join {{ ref('sat_account_customer__brokerage') }} as owned
        on
            account.account_hk = owned.account_hk
            and account.batch_id = owned.batch_id
            and account.record_source = owned.record_source
            and account.source_row = owned.source_row
    inner join {{ ref('hub_customer') }} as customer on owned.customer_hk = customer.customer_hk
    inner join {{ ref('sat_account_broker__brokerage') }} as managed
        on
            account.account_hk = managed.account_hk
            and account.batch_id = managed.batch_id
            and account.record_source = managed.record_source
            and account.source_row = managed.source_row
    left join {{ ref('hub_employee') }} as broker on managed.broker_hk = broker.employee_hk
)

{{ differences("delivered", "rebuilt") }}
