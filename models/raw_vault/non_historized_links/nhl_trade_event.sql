{{ nh_link(
    stage=ref("stg_brokerage__trade_events"),
    key=["trade_id", "status_code"],
    columns=["sequence_number", "applied_at"],
) }}
