{{ satellite(
    stage=ref("stg_brokerage__accounts"),
    key=["account_broker_hk", "account_hk", "broker_hk"],
    columns=["cdc_flag", "sequence_number"],
    dated_by_batch=true,
) }}
