{{ reference(
    stage=ref("stg_reference__trade_types"),
    key="trade_type_code",
    columns=["trade_type_name", "is_sell", "is_market"],
) }}
