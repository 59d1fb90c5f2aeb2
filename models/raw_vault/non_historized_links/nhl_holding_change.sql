{{ nh_link(
    stage=ref("stg_brokerage__holding_changes"),
    key=["opening_trade_id", "trade_id"],
    columns=["quantity_before", "quantity_after", "cdc_flag", "sequence_number"],
) }}
