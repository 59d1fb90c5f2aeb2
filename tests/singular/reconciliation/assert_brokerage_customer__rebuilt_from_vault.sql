-- What: the two satellites of a customer, joined again, are the lines of the feed.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        cdc_flag,
        cdc_dsn,
        c_id,
        c_tax_id,
        c_st_id,
        c_l_name,
        c_f_name,
        c_m_name,
        c_gndr,
        c_tier,
        c_dob,
        c_adline1,
        c_adline2,
        c_zipcode,
        c_city,
        c_state_prov,
        c_ctry,
        c_ctry_1,
        c_area_1,
        c_local_1,
        c_ext_1,
        c_ctry_2,
        c_area_2,
        c_local_2,
        c_ext_2,
        c_ctry_3,
        c_area_3,
        c_local_3,
        c_ext_3,
        c_email_1,
        c_email_2,
        c_lcl_tx_id,
        c_nat_tx_id,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('brokerage', 'customer') }}
),

rebuilt as (
    select
        customer.cdc_flag,
        customer.sequence_number as cdc_dsn,
        hub.customer_id as c_id,
        personal.tax_id as c_tax_id,
        customer.status_code as c_st_id,
        personal.last_name as c_l_name,
        personal.first_name as c_f_name,
        personal.middle_initial as c_m_name,
        personal.gender as c_gndr,
        customer.tier as c_tier,
        personal.birth_date as c_dob,
        personal.address_line_1 as c_adline1,
        personal.address_line_2 as c_adline2,
        personal.postal_code as c_zipcode,
        personal.city as c_city,
        personal.state_province as c_state_prov,
        personal.country as c_ctry,
        personal.phone_1_country_code as c_ctry_1,
        personal.phone_1_area_code as c_area_1,
        personal.phone_1_local_number as c_local_1,
        personal.phone_1_extension as c_ext_1,
        personal.phone_2_country_code as c_ctry_2,
        personal.phone_2_area_code as c_area_2,
        personal.phone_2_local_number as c_local_2,
        personal.phone_2_extension as c_ext_2,
        personal.phone_3_country_code as c_ctry_3,
        personal.phone_3_area_code as c_area_3,
        personal.phone_3_local_number as c_local_3,
        personal.phone_3_extension as c_ext_3,
        personal.email_1 as c_email_1,
        personal.email_2 as c_email_2,
        customer.local_tax_rate_code as c_lcl_tx_id,
        customer.national_tax_rate_code as c_nat_tx_id,
        customer.batch_id,
        customer.record_source as source_file,
        customer.source_row,
        customer.loaded_at
    from {{ ref('sat_customer__brokerage') }} as customer
    inner join {{ ref('sat_customer__brokerage_personal') }} as personal
        on
            customer.customer_hk = personal.customer_hk
            and customer.batch_id = personal.batch_id
            and customer.record_source = personal.record_source
            and customer.source_row = personal.source_row
    inner join {{ ref('hub_customer') }} as hub on customer.customer_hk = hub.customer_hk
)

{{ differences("delivered", "rebuilt") }}
