{{ satellite(
    stage=ref("stg_crm__account_actions"),
    key=["account_customer_hk", "account_hk", "customer_hk"],
    columns=["sequence_number"],
) }}
