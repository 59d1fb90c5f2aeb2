-- What: an action on a customer, with the accounts in the same record and their brokers, is the row of the feed.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        action_type,
        action_ts,
        c_id,
        c_tax_id,
        c_gndr,
        c_tier,
        c_dob,
        c_l_name,
        c_f_name,
        c_m_name,
        c_adline1,
        c_adline2,
        c_zipcode,
        c_city,
        c_state_prov,
        c_ctry,
        c_prim_email,
        c_alt_email,
        c_ctry_code_1,
        c_area_code_1,
        c_local_1,
        c_ext_1,
        c_ctry_code_2,
        c_area_code_2,
        c_local_2,
        c_ext_2,
        c_ctry_code_3,
        c_area_code_3,
        c_local_3,
        c_ext_3,
        c_lcl_tx_id,
        c_nat_tx_id,
        ca_id,
        ca_tax_st,
        ca_b_id,
        ca_name,
        supplied_fields,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('crm', 'customer_mgmt') }}
),

rebuilt as (
    select
        action.action_type,
        action.applied_at as action_ts,
        customer.customer_id as c_id,
        action.tax_id as c_tax_id,
        action.gender as c_gndr,
        action.tier as c_tier,
        action.birth_date as c_dob,
        action.last_name as c_l_name,
        action.first_name as c_f_name,
        action.middle_initial as c_m_name,
        action.address_line_1 as c_adline1,
        action.address_line_2 as c_adline2,
        action.postal_code as c_zipcode,
        action.city as c_city,
        action.state_province as c_state_prov,
        action.country as c_ctry,
        action.email_1 as c_prim_email,
        action.email_2 as c_alt_email,
        action.phone_1_country_code as c_ctry_code_1,
        action.phone_1_area_code as c_area_code_1,
        action.phone_1_local_number as c_local_1,
        action.phone_1_extension as c_ext_1,
        action.phone_2_country_code as c_ctry_code_2,
        action.phone_2_area_code as c_area_code_2,
        action.phone_2_local_number as c_local_2,
        action.phone_2_extension as c_ext_2,
        action.phone_3_country_code as c_ctry_code_3,
        action.phone_3_area_code as c_area_code_3,
        action.phone_3_local_number as c_local_3,
        action.phone_3_extension as c_ext_3,
        action.local_tax_rate_code as c_lcl_tx_id,
        action.national_tax_rate_code as c_nat_tx_id,
        account.account_id as ca_id,
        account_action.tax_status_code as ca_tax_st,
        broker.employee_id as ca_b_id,
        account_action.account_name as ca_name,
        coalesce(account_action.supplied_fields, action.supplied_fields) as supplied_fields,
        action.batch_id,
        action.record_source as source_file,
        action.source_row,
        action.loaded_at
    from {{ ref('sat_customer__crm') }} as action
    inner join {{ ref('hub_customer') }} as customer on action.customer_hk = customer.customer_hk
    left join {{ ref('nhl_account_action') }} as account_action
        on
            action.batch_id = account_action.batch_id
            and action.record_source = account_action.record_source
            and action.source_row = account_action.source_row
    left join {{ ref('hub_account') }} as account on account_action.account_hk = account.account_hk
    left join {{ ref('hub_employee') }} as broker on account_action.broker_hk = broker.employee_hk
)

{{ differences("delivered", "rebuilt") }}
