{{ link(
    key="employee_manager_hk",
    parents=["employee_hk", "manager_hk"],
    stages=[ref("stg_hr__employees")],
) }}
