{{ hub(
    key="company_hk",
    business_key="company_key",
    feeds=[
        (ref("stg_finwire__companies"), "company_key"),
        (ref("stg_finwire__securities"), "company_key"),
        (ref("stg_finwire__financials"), "company_key"),
    ],
) }}
