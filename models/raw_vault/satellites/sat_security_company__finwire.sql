{{ satellite(
    stage=ref("stg_finwire__securities"),
    key=["security_company_hk", "security_hk", "reference_hk"],
    columns=["company_reference", "sequence_number"],
) }}
