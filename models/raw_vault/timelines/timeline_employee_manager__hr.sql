{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_employee_manager__hr"),
    key="employee_hk",
    columns=["manager_hk"],
    order=["batch_id", "source_row"],
) }}
