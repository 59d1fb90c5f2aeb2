{{ link(
    key="security_company_hk",
    parents=["security_hk", "reference_hk"],
    stages=[ref("stg_finwire__securities")],
) }}
