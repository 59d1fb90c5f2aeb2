{%- set columns = [
    "account_hk", "customer_hk", "broker_hk", "account_name", "tax_status_code", "status_code", "status_stated_on",
    "sequence_number", "applied_at", "batch_id", "record_source", "source_row",
] | join(", ") -%}

with

crm as (
    select {{ columns }} from {{ ref('bv_account__crm_completed') }}
),

-- A complete image, so it states the status each time.
accounts as (
    select
        *,
        cast(applied_at as date) as status_stated_on
    from {{ ref('sat_account__brokerage') }}
),

customers as (
    select
        account_hk,
        customer_hk,
        batch_id,
        record_source,
        source_row
    from {{ ref('sat_account_customer__brokerage') }}
),

brokers as (
    select
        account_hk,
        broker_hk,
        batch_id,
        record_source,
        source_row
    from {{ ref('sat_account_broker__brokerage') }}
),

-- One line of the file is in three satellites.
brokerage as (
    select {{ columns }}
    from accounts
    inner join customers using (account_hk, batch_id, record_source, source_row)
    left join brokers using (account_hk, batch_id, record_source, source_row)
),

states as (
    select * from crm
    union all
    select * from brokerage
),

{{ day_versions("states", "account_hk") }},

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
        valid_to = {{ open_end() }} as is_current,
        ---------- load
        batch_id,
        record_source
    from versions
)

select * from selected
