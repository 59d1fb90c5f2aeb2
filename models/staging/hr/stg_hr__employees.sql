with

employee as (
    select * from {{ source('hr', 'employee') }}
),

renamed as (
    select
        ---------- ids
        {{ hash_key(["employee_id"]) }} as employee_hk,
        {{ hash_key(["manager_id"]) }} as manager_hk,
        {{ hash_key(["employee_id", "manager_id"]) }} as employee_manager_hk,
        employee_id,
        manager_id,
        ---------- attributes
        employee_first_name as first_name,
        employee_last_name as last_name,
        employee_mi as middle_initial,
        employee_job_code as job_code,
        employee_branch as branch,
        employee_office as office,
        employee_phone as phone,
        ---------- load
        {{ load_columns() }}
    from employee
)

select * from renamed
