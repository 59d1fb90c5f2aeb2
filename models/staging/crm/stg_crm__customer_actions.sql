with

customer_mgmt as (
    select * from {{ source('crm', 'customer_mgmt') }}
),

-- An action with several accounts landed as one row for each account; all of them have the same customer.
numbered as (
    select
        *,
        row_number() over (
            partition by batch_id, source_file, source_row
            order by ca_id
        ) as account_number
    from customer_mgmt
),

renamed as (
    select
        ---------- ids
        {{ hash_key(["c_id"]) }} as customer_hk,
        c_id as customer_id,
        ---------- attributes
        action_type,
        c_tax_id as tax_id,
        c_gndr as gender,
        c_tier as tier,
        c_dob as birth_date,
        c_l_name as last_name,
        c_f_name as first_name,
        c_m_name as middle_initial,
        c_adline1 as address_line_1,
        c_adline2 as address_line_2,
        c_zipcode as postal_code,
        c_city as city,
        c_state_prov as state_province,
        c_ctry as country,
        c_ctry_code_1 as phone_1_country_code,
        c_area_code_1 as phone_1_area_code,
        c_local_1 as phone_1_local_number,
        c_ext_1 as phone_1_extension,
        c_ctry_code_2 as phone_2_country_code,
        c_area_code_2 as phone_2_area_code,
        c_local_2 as phone_2_local_number,
        c_ext_2 as phone_2_extension,
        c_ctry_code_3 as phone_3_country_code,
        c_area_code_3 as phone_3_area_code,
        c_local_3 as phone_3_local_number,
        c_ext_3 as phone_3_extension,
        c_prim_email as email_1,
        c_alt_email as email_2,
        c_lcl_tx_id as local_tax_rate_code,
        c_nat_tx_id as national_tax_rate_code,
        supplied_fields,
        ---------- change
        source_row as sequence_number,
        action_ts as applied_at,
        ---------- load
        {{ load_columns() }}
    from numbered
    where account_number = 1
)

select * from renamed
