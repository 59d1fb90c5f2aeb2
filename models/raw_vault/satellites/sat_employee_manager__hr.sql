{{ satellite(
    stage=ref("stg_hr__employees"),
    key=["employee_manager_hk", "employee_hk", "manager_hk"],
    columns=[],
    dated_by_batch=true,
) }}
