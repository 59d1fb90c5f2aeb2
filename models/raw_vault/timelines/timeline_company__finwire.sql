{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_company__finwire"),
    key="company_hk",
    columns=[
        "company_name", "status_code", "industry_code", "sp_rating", "founding_date",
        "address_line_1", "address_line_2", "postal_code", "city", "state_province", "country",
        "ceo_name", "company_description",
    ],
    keep_repeats=true,
) }}
