{{ hub(
    business_key="trade_id",
    feeds=[
        (ref("stg_brokerage__trades"), "trade_id"),
        (ref("stg_brokerage__trade_events"), "trade_id"),
        (ref("stg_brokerage__holding_changes"), "trade_id"),
        (ref("stg_brokerage__holding_changes"), "opening_trade_id"),
    ],
) }}
