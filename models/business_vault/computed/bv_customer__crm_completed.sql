{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="customer_hk") }}

{%- set single_fields = {
    "tax_id": "c_tax_id",
    "gender": "c_gndr",
    "tier": "c_tier",
    "birth_date": "c_dob",
    "last_name": "c_l_name",
    "first_name": "c_f_name",
    "middle_initial": "c_m_name",
    "address_line_1": "c_adline1",
    "address_line_2": "c_adline2",
    "postal_code": "c_zipcode",
    "city": "c_city",
    "state_province": "c_state_prov",
    "country": "c_ctry",
    "email_1": "c_prim_email",
    "email_2": "c_alt_email",
    "local_tax_rate_code": "c_lcl_tx_id",
    "national_tax_rate_code": "c_nat_tx_id",
} %}

{#- NEW states everything: a field that it leaves out is empty. INACT and NEW state the status. #}
{%- set units = [(["status_code"], "action_type in ('NEW', 'INACT')")] %}
{%- for column, field in single_fields.items() %}
    {%- do units.append(([column], "action_type = 'NEW' or " ~ array_contains("supplied_fields", field))) %}
{%- endfor %}

{#- A telephone number is one unit: supplied in part, it is replaced as a whole. #}
{%- for n in ["1", "2", "3"] %}
    {%- set parts = ["_country_code", "_area_code", "_local_number", "_extension"] %}
    {%- set columns = [] %}
    {%- for part in parts %}{% do columns.append("phone_" ~ n ~ part) %}{% endfor %}
    {%- set conditions = ["action_type = 'NEW'"] %}
    {%- for field in ["c_ctry_code_", "c_area_code_", "c_local_", "c_ext_"] %}
        {%- do conditions.append(array_contains("supplied_fields", field ~ n)) %}
    {%- endfor %}
    {%- do units.append((columns, conditions | join(" or "))) %}
{%- endfor %}

with

sat_customer as (
    select * from {{ ref('sat_customer__crm') }}
    where {{ incremental_key_filter(["customer_hk"], [ref('sat_customer__crm')]) }}
),

events as (
    select
        *,
        case action_type when 'NEW' then 'ACTV' when 'INACT' then 'INAC' end as status_code,
        row_number() over (
            partition by customer_hk
            order by applied_at, batch_id, sequence_number, source_row
        ) as event_number
    from sat_customer
    where action_type in ('NEW', 'UPDCUST', 'INACT')
),

{{ carry_forward("events", "customer_hk", units) }}

select
    completed.*,
    events.action_type,
    events.sequence_number,
    events.applied_at,
    events.batch_id,
    events.record_source,
    events.source_row
from completed
inner join events using (customer_hk, event_number)
