{{ hub(
    key="employee_hk",
    business_key="employee_id",
    feeds=[
        (ref("stg_hr__employees"), "employee_id"),
        (ref("stg_hr__employees"), "manager_id"),
        (ref("stg_crm__account_actions"), "broker_id"),
        (ref("stg_brokerage__accounts"), "broker_id"),
    ],
) }}
