{{ nh_link(
    stage=ref("stg_brokerage__trades"),
    key=["trade_id"],
    columns=[
        "account_id", "symbol", "trade_type_code", "is_cash", "quantity", "bid_price",
        "executed_by", "cdc_flag", "sequence_number", "applied_at",
    ],
    where="coalesce(stage.cdc_flag, 'I') = 'I'",
) }}
