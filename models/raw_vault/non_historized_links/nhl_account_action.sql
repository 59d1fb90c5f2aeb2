{{ nh_link(
    stage=ref("stg_crm__account_actions"),
    key=["account_hk", "customer_hk", "broker_hk"],
    columns=[
        "action_type", "account_name", "tax_status_code", "supplied_fields", "sequence_number",
        "applied_at",
    ],
) }}
