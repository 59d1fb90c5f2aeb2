{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="account_hk") }}

{#- NEW and ADDACCT open the account and state everything; they and CLOSEACCT state its status. #}
{%- set is_opened = "action_type in ('NEW', 'ADDACCT')" %}
{%- set units = [
    (["status_code", "status_stated_on"], is_opened ~ " or action_type = 'CLOSEACCT'"),
    (["account_name"], is_opened ~ " or " ~ array_contains("supplied_fields", "ca_name")),
    (["tax_status_code"], is_opened ~ " or " ~ array_contains("supplied_fields", "ca_tax_st")),
    (["broker_hk"], is_opened ~ " or " ~ array_contains("supplied_fields", "ca_b_id")),
] -%}

with

sat_account as (
    select * from {{ ref('sat_account__crm') }}
    where {{ incremental_key_filter(["account_hk"], [ref('sat_account__crm')]) }}
),

sat_account_customer as (
    select * from {{ ref('sat_account_customer__crm') }}
),

sat_account_broker as (
    select * from {{ ref('sat_account_broker__crm') }}
),

-- One action is in three satellites; not every action names a broker.
events as (
    select
        sat_account.*,
        sat_account_customer.customer_hk,
        sat_account_broker.broker_hk,
        case sat_account.action_type when 'CLOSEACCT' then 'INAC' else 'ACTV' end as status_code,
        cast(sat_account.applied_at as date) as status_stated_on,
        row_number() over (
            partition by sat_account.account_hk
            order by sat_account.applied_at, sat_account.batch_id, sat_account.sequence_number
        ) as event_number
    from sat_account
    inner join sat_account_customer
        on
            sat_account.account_hk = sat_account_customer.account_hk
            and sat_account.batch_id = sat_account_customer.batch_id
            and sat_account.record_source = sat_account_customer.record_source
            and sat_account.source_row = sat_account_customer.source_row
    left join sat_account_broker
        on
            sat_account.account_hk = sat_account_broker.account_hk
            and sat_account.batch_id = sat_account_broker.batch_id
            and sat_account.record_source = sat_account_broker.record_source
            and sat_account.source_row = sat_account_broker.source_row
),

{{ carry_forward("events", "account_hk", units) }}

select
    completed.*,
    events.customer_hk,
    events.action_type,
    events.sequence_number,
    events.applied_at,
    events.batch_id,
    events.record_source,
    events.source_row
from completed
inner join events using (account_hk, event_number)
