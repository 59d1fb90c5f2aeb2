{{ hub(
    key="security_hk",
    business_key="symbol",
    feeds=[
        (ref("stg_finwire__securities"), "symbol"),
        (ref("stg_market__daily_prices"), "symbol"),
        (ref("stg_brokerage__trades"), "symbol"),
        (ref("stg_brokerage__watch_events"), "symbol"),
    ],
) }}
