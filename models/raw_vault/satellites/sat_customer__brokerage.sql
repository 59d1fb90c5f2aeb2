{{ satellite(
    stage=ref("stg_brokerage__customers"),
    key=["customer_hk"],
    columns=[
        "status_code", "tier", "local_tax_rate_code", "national_tax_rate_code", "cdc_flag",
        "sequence_number",
    ],
    dated_by_batch=true,
) }}
