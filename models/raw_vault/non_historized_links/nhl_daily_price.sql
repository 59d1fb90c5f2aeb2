{{ nh_link(
    stage=ref("stg_market__daily_prices"),
    key=["symbol", "price_date"],
    columns=[
        "close_price", "high_price", "low_price", "volume_count", "cdc_flag", "sequence_number",
    ],
) }}
