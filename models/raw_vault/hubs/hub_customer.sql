{{ hub(
    key="customer_hk",
    business_key="customer_id",
    feeds=[
        (ref("stg_crm__customer_actions"), "customer_id"),
        (ref("stg_brokerage__customers"), "customer_id"),
        (ref("stg_brokerage__accounts"), "customer_id"),
        (ref("stg_brokerage__watch_events"), "customer_id"),
    ],
) }}
