{%- set personal_columns = [
    "tax_id", "last_name", "first_name", "middle_initial", "gender", "birth_date", "address_line_1", "address_line_2",
    "postal_code", "city", "state_province", "country",
    "phone_1_country_code", "phone_1_area_code", "phone_1_local_number", "phone_1_extension",
    "phone_2_country_code", "phone_2_area_code", "phone_2_local_number", "phone_2_extension",
    "phone_3_country_code", "phone_3_area_code", "phone_3_local_number", "phone_3_extension",
    "email_1", "email_2",
] -%}
{%- set other_columns = ["status_code", "tier", "local_tax_rate_code", "national_tax_rate_code"] -%}

with

crm as (
    select * from {{ ref('bv_customer__crm_completed') }}
),

customers as (
    select * from {{ ref('timeline_customer__brokerage') }}
),

-- A table of its own, so that personal data can be kept, masked and erased separately.
persons as (
    select * from {{ ref('timeline_customer__brokerage_personal') }}
),

states as (
    select
        customer_hk,
        {%- for column in personal_columns + other_columns %}
            {{ column }},
        {%- endfor %}
        applied_at,
        batch_id,
        sequence_number,
        source_row,
        record_source
    from crm
    union all
    select
        customers.customer_hk,
        {%- for column in personal_columns %}
            persons.{{ column }},
        {%- endfor %}
        {%- for column in other_columns %}
            customers.{{ column }},
        {%- endfor %}
        customers.valid_from as applied_at,
        customers.batch_id,
        customers.sequence_number,
        customers.source_row,
        customers.record_source
    from customers
    left join persons
        on
            customers.customer_hk = persons.customer_hk
            and customers.valid_from >= persons.valid_from
            and customers.valid_from < persons.valid_to
),

{{ last_states("states", "customer_hk", grain="day") }},

{{ end_dated("last_states", "customer_hk") }},

with_previous_status as (
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
        is_current,
        ---------- load
        batch_id,
        record_source
    from with_previous_status
)

select * from cleansed
