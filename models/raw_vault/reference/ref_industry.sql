{{ reference(
    stage=ref("stg_reference__industries"),
    key="industry_code",
    columns=["sector_code", "industry_name"],
) }}
