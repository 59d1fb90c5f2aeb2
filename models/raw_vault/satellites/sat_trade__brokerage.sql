{{ satellite(
    stage=ref("stg_brokerage__trades"),
    key=["trade_id"],
    columns=[
        "status_code", "trade_price", "fee_amount", "commission_amount", "tax_amount",
        "cdc_flag", "sequence_number",
    ],
) }}
