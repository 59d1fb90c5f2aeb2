{{ satellite(
    stage=ref("stg_hr__employees"),
    key=["employee_hk"],
    columns=[
        "first_name", "last_name", "middle_initial", "job_code", "branch", "office", "phone",
    ],
    dated_by_batch=true,
) }}
