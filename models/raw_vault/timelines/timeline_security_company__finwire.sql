{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_security_company__finwire"),
    key="security_hk",
    columns=["reference_hk"],
) }}
