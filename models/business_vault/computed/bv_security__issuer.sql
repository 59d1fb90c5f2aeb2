{{ version_cascade(
    states=ref("bv_security__state"),
    key="security_hk",
    parents=ref("bv_company__history"),
    parent_key="company_hk",
    parent_version="company_version_hk",
) }}
