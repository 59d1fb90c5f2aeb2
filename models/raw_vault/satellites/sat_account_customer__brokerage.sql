{{ satellite(
    stage=ref("stg_brokerage__accounts"),
    key=["account_customer_hk", "account_hk", "customer_hk"],
    columns=["cdc_flag", "sequence_number"],
    dated_by_batch=true,
) }}
