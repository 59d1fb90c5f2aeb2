{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_account_customer__brokerage"),
    key="account_hk",
    columns=["customer_hk"],
) }}
