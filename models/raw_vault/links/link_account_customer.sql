{{ link(
    key="account_customer_hk",
    parents=["account_hk", "customer_hk"],
    stages=[ref("stg_crm__account_actions"), ref("stg_brokerage__accounts")],
) }}
