{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_employee__hr"),
    key="employee_hk",
    columns=[
        "first_name", "last_name", "middle_initial", "job_code", "branch", "office", "phone",
    ],
    order=["batch_id", "source_row"],
) }}
