{{ link(
    key="account_broker_hk",
    parents=["account_hk", "broker_hk"],
    stages=[ref("stg_crm__account_actions"), ref("stg_brokerage__accounts")],
) }}
