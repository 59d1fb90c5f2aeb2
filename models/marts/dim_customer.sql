with

customers as (
    select * from {{ ref('bv_customer__history') }}
),

status_types as (
    select * from {{ ref('status_types') }}
),

tax_rates as (
    select * from {{ ref('tax_rates') }}
),

described as (
    select
        customers.customer_version_hk as sk_customer_id,
        customers.customer_id,
        customers.tax_id,
        coalesce(status_types.st_name, 'Unknown') as status,
        customers.last_name,
        customers.first_name,
        customers.middle_initial,
        customers.gender,
        customers.tier,
        customers.birth_date as dob,
        customers.address_line_1 as address_line1,
        customers.address_line_2 as address_line2,
        customers.postal_code,
        customers.city,
        customers.state_province as state_prov,
        customers.country,
        customers.phone_1 as phone1,
        customers.phone_2 as phone2,
        customers.phone_3 as phone3,
        customers.email_1 as email1,
        customers.email_2 as email2,
        national_tax.tx_name as national_tax_rate_desc,
        national_tax.tx_rate as national_tax_rate,
        local_tax.tx_name as local_tax_rate_desc,
        local_tax.tx_rate as local_tax_rate,
        customers.prospect_id as agency_id,
        customers.credit_rating,
        customers.net_worth_amount as net_worth,
        customers.marketing_nameplate,
        customers.is_current,
        customers.batch_id,
        customers.valid_from as effective_date,
        customers.valid_to as end_date
    from customers
    left join status_types on customers.status_code = status_types.st_id
    left join tax_rates as national_tax on customers.national_tax_rate_code = national_tax.tx_id
    left join tax_rates as local_tax on customers.local_tax_rate_code = local_tax.tx_id
),

unknown_member as (
    {{- unknown_member("sk_customer_id", "customer_id", {
        "status": "'Unknown'",
        "last_name": "'Unknown'",
        "first_name": "'Unknown'",
        "gender": "'U'",
    }, ref("dim_account"), "sk_customer_id") }}
),

members as (
    select * from described
    union all
    select * from unknown_member
)

select * from members
