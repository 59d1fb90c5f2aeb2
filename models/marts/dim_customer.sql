with

dim_account as (
    select * from {{ ref('dim_account') }}
),

calendar as (
    select min(date_value) as first_day
    from {{ ref('bv_date__calendar') }}
),

customers as (
    select * from {{ ref('bv_customer__history') }}
),

status_types as (
    select * from {{ ref('status_types') }}
    where {{ is_standing_code("st_id") }}
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

members as (
    select * from described
    union all
    -- The unknown member; present only while something refers to it.
    select
        {{ zero_key() }} as sk_customer_id,
        -1 as customer_id,
        null as tax_id,
        'Unknown' as status,
        'Unknown' as last_name,
        'Unknown' as first_name,
        null as middle_initial,
        'U' as gender,
        null as tier,
        null as dob,
        null as address_line1,
        null as address_line2,
        null as postal_code,
        null as city,
        null as state_prov,
        null as country,
        null as phone1,
        null as phone2,
        null as phone3,
        null as email1,
        null as email2,
        null as national_tax_rate_desc,
        cast(null as decimal(6, 5)) as national_tax_rate,
        null as local_tax_rate_desc,
        cast(null as decimal(6, 5)) as local_tax_rate,
        null as agency_id,
        null as credit_rating,
        null as net_worth,
        null as marketing_nameplate,
        true as is_current,
        1 as batch_id,
        calendar.first_day as effective_date,
        {{ open_end() }} as end_date
    from calendar
    where
        exists (
            select 1 from dim_account
            where dim_account.sk_customer_id = {{ zero_key() }}
        )
)

select * from members
