{{ nh_link(
    stage=ref("stg_brokerage__watch_events"),
    key=["customer_id", "symbol", "action_code"],
    columns=["cdc_flag", "sequence_number", "applied_at"],
) }}
