{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_customer__brokerage_personal"),
    key="customer_hk",
    columns=[
        "tax_id", "last_name", "first_name", "middle_initial", "gender", "birth_date",
        "address_line_1", "address_line_2", "postal_code", "city", "state_province", "country",
        "phone_1_country_code", "phone_1_area_code", "phone_1_local_number", "phone_1_extension",
        "phone_2_country_code", "phone_2_area_code", "phone_2_local_number", "phone_2_extension",
        "phone_3_country_code", "phone_3_area_code", "phone_3_local_number", "phone_3_extension",
        "email_1", "email_2",
    ],
) }}
