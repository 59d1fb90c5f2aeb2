{%- set columns = [
    "customer_hk", "tax_id", "status_code", "last_name", "first_name", "middle_initial", "gender", "tier",
    "birth_date", "address_line_1", "address_line_2", "postal_code", "city", "state_province", "country",
    "phone_1_country_code", "phone_1_area_code", "phone_1_local_number", "phone_1_extension",
    "phone_2_country_code", "phone_2_area_code", "phone_2_local_number", "phone_2_extension",
    "phone_3_country_code", "phone_3_area_code", "phone_3_local_number", "phone_3_extension",
    "email_1", "email_2", "local_tax_rate_code", "national_tax_rate_code",
    "sequence_number", "applied_at", "batch_id", "record_source", "source_row",
] | join(", ") -%}

with

crm as (
    select {{ columns }} from {{ ref('bv_customer__crm_completed') }}
),

personal as (
    select * from {{ ref('sat_customer__brokerage_personal') }}
),

account_holding as (
    select
        customer_hk,
        status_code,
        tier,
        local_tax_rate_code,
        national_tax_rate_code,
        batch_id,
        record_source,
        source_row
    from {{ ref('sat_customer__brokerage') }}
),

-- One line of the file is in two satellites.
brokerage as (
    select {{ columns }}
    from personal
    inner join account_holding using (customer_hk, batch_id, record_source, source_row)
),

states as (
    select * from crm
    union all
    select * from brokerage
),

{{ day_versions("states", "customer_hk") }},

compared as (
    select
        *,
        lag(status_code) over (partition by customer_hk order by valid_from) as previous_status_code
    from versions
),

cleansed as (
    select
        ---------- ids
        customer_hk,
        ---------- attributes
        tax_id,
        status_code,
        last_name,
        first_name,
        middle_initial,
        case when upper(gender) in ('M', 'F') then upper(gender) else 'U' end as gender,
        tier,
        birth_date,
        address_line_1,
        address_line_2,
        postal_code,
        city,
        state_province,
        country,
        {{ phone_number("phone_1") }} as phone_1,
        {{ phone_number("phone_2") }} as phone_2,
        {{ phone_number("phone_3") }} as phone_3,
        email_1,
        email_2,
        local_tax_rate_code,
        national_tax_rate_code,
        -- Stays when the customer becomes active again: what followed from becoming inactive is not undone.
        max(case when status_code = 'INAC' and previous_status_code is distinct from 'INAC' then valid_from end)
            over (partition by customer_hk order by valid_from) as last_inactivated_on,
        ---------- validity
        valid_from,
        valid_to,
        valid_to = {{ open_end() }} as is_current,
        ---------- load
        batch_id,
        record_source
    from compared
)

select * from cleansed
