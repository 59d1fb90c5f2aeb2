{{ reference(
    stage=ref("stg_reference__tax_rates"),
    key="tax_rate_code",
    columns=["tax_rate_name", "tax_rate"],
) }}
