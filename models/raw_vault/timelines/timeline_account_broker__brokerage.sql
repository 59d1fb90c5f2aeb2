{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_account_broker__brokerage"),
    key="account_hk",
    columns=["broker_hk"],
) }}
