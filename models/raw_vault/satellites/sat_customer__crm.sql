{{ satellite(
    stage=ref("stg_crm__customer_actions"),
    key=["customer_hk"],
    columns=[
        "action_type", "tax_id", "gender", "tier", "birth_date", "last_name", "first_name",
        "middle_initial", "address_line_1", "address_line_2", "postal_code", "city",
        "state_province", "country", "phone_1_country_code", "phone_1_area_code",
        "phone_1_local_number", "phone_1_extension", "phone_2_country_code", "phone_2_area_code",
        "phone_2_local_number", "phone_2_extension", "phone_3_country_code", "phone_3_area_code",
        "phone_3_local_number", "phone_3_extension", "email_1", "email_2", "local_tax_rate_code",
        "national_tax_rate_code", "supplied_fields", "sequence_number",
    ],
) }}
