{{ reference(
    stage=ref("stg_reference__times"),
    key="time_id",
    columns=[
        "time_value", "hour_id", "hour_description", "minute_id", "minute_description",
        "second_id", "second_description", "is_market_hours", "is_office_hours",
    ],
) }}
