with

customer as (
    select * from {{ source('brokerage', 'customer') }}
),

renamed as (
    select
        ---------- ids
        {{ hash_key(["c_id"]) }} as customer_hk,
        c_id as customer_id,
        ---------- attributes
        c_tax_id as tax_id,
        c_st_id as status_code,
        c_l_name as last_name,
        c_f_name as first_name,
        c_m_name as middle_initial,
        c_gndr as gender,
        c_tier as tier,
        c_dob as birth_date,
        c_adline1 as address_line_1,
        c_adline2 as address_line_2,
        c_zipcode as postal_code,
        c_city as city,
        c_state_prov as state_province,
        c_ctry as country,
        c_ctry_1 as phone_1_country_code,
        c_area_1 as phone_1_area_code,
        c_local_1 as phone_1_local_number,
        c_ext_1 as phone_1_extension,
        c_ctry_2 as phone_2_country_code,
        c_area_2 as phone_2_area_code,
        c_local_2 as phone_2_local_number,
        c_ext_2 as phone_2_extension,
        c_ctry_3 as phone_3_country_code,
        c_area_3 as phone_3_area_code,
        c_local_3 as phone_3_local_number,
        c_ext_3 as phone_3_extension,
        c_email_1 as email_1,
        c_email_2 as email_2,
        c_lcl_tx_id as local_tax_rate_code,
        c_nat_tx_id as national_tax_rate_code,
        ---------- change
        cdc_flag,
        cdc_dsn as sequence_number,
        ---------- load
        {{ load_columns() }}
    from customer
)

select * from renamed
