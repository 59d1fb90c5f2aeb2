{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_account__brokerage"),
    key="account_hk",
    columns=["account_name", "tax_status_code", "status_code"],
    keep_repeats=true,
) }}
