{{ satellite(
    stage=ref("stg_brokerage__accounts"),
    key=["account_hk"],
    columns=[
        "account_name", "tax_status_code", "status_code", "cdc_flag", "sequence_number",
    ],
    dated_by_batch=true,
) }}
