{{ satellite(
    stage=ref("stg_crm__account_actions"),
    key=["account_hk"],
    columns=[
        "action_type", "account_name", "tax_status_code", "supplied_fields", "sequence_number",
    ],
) }}
