{{ satellite(
    stage=ref("stg_crm__account_actions"),
    key=["account_broker_hk", "account_hk", "broker_hk"],
    columns=["sequence_number"],
    where="stage.account_broker_hk is not null",
) }}
