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

actions as (
    select * from {{ ref('nhl_account_action') }}
    where {{ incremental_key_filter(["account_hk"], [ref('nhl_account_action')]) }}
),

events as (
    select
        account_hk,
        customer_hk,
        nullif(broker_hk, {{ zero_key() }}) as broker_hk,
        action_type,
        account_name,
        tax_status_code,
        supplied_fields,
        sequence_number,
        applied_at,
        batch_id,
        record_source,
        source_row,
        case action_type when 'CLOSEACCT' then 'INAC' else 'ACTV' end as status_code,
        cast(applied_at as date) as status_stated_on,
        row_number() over (
            partition by account_hk
            order by applied_at, batch_id, sequence_number
        ) as event_number
    from actions
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
