{{ hub(
    key="account_hk",
    business_key="account_id",
    feeds=[
        (ref("stg_crm__account_actions"), "account_id"),
        (ref("stg_brokerage__accounts"), "account_id"),
        (ref("stg_brokerage__trades"), "account_id"),
        (ref("stg_brokerage__cash_transactions"), "account_id"),
    ],
) }}
