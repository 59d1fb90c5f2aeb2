{{ nh_link(
    stage=ref("stg_brokerage__cash_transactions"),
    key=["account_id"],
    columns=[
        "transaction_amount", "transaction_name", "cdc_flag", "sequence_number", "applied_at",
    ],
) }}
