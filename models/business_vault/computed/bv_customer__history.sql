with

pit_customer as (
    select * from {{ ref('pit_customer') }}
),

states as (
    select * from {{ ref('bv_customer__state') }}
),

demographics as (
    select * from {{ ref('bv_customer__demographics') }}
),

hub_customer as (
    select * from {{ ref('hub_customer') }}
),

assembled as (
    select
        ---------- ids
        {{ hash_key(["hub_customer.customer_id", "pit_customer.valid_from"]) }} as customer_version_hk,
        pit_customer.customer_hk,
        hub_customer.customer_id,
        ---------- attributes
        states.tax_id,
        states.status_code,
        states.last_name,
        states.first_name,
        states.middle_initial,
        states.gender,
        states.tier,
        states.birth_date,
        states.address_line_1,
        states.address_line_2,
        states.postal_code,
        states.city,
        states.state_province,
        states.country,
        states.phone_1,
        states.phone_2,
        states.phone_3,
        states.email_1,
        states.email_2,
        states.local_tax_rate_code,
        states.national_tax_rate_code,
        states.last_inactivated_on,
        ---------- demographics
        demographics.prospect_id,
        demographics.credit_rating,
        demographics.net_worth_amount,
        demographics.marketing_nameplate,
        ---------- validity
        pit_customer.valid_from,
        cast(pit_customer.valid_to as date) as valid_to,
        pit_customer.is_current,
        ---------- load
        case
            when pit_customer.valid_from = states.valid_from then states.batch_id
            else demographics.batch_id
        end as batch_id
    from pit_customer
    inner join hub_customer on pit_customer.customer_hk = hub_customer.customer_hk
    inner join states
        on
            pit_customer.customer_hk = states.customer_hk
            and pit_customer.state_valid_from = states.valid_from
    inner join demographics
        on
            pit_customer.customer_hk = demographics.customer_hk
            and pit_customer.demographics_valid_from = demographics.valid_from
)

select * from assembled
