{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_customer__brokerage"),
    key="customer_hk",
    columns=[
        "status_code", "tier", "local_tax_rate_code", "national_tax_rate_code",
    ],
    keep_repeats=true,
) }}
