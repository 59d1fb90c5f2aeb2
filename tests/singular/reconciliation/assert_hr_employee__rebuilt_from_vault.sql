-- What: an employee, with the manager of the link, is the line of the feed.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        employee_id,
        manager_id,
        employee_first_name,
        employee_last_name,
        employee_mi,
        employee_job_code,
        employee_branch,
        employee_office,
        employee_phone,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('hr', 'employee') }}
),

rebuilt as (
    select
        hub.employee_id,
        manager.employee_id as manager_id,
        employee.first_name as employee_first_name,
        employee.last_name as employee_last_name,
        employee.middle_initial as employee_mi,
        employee.job_code as employee_job_code,
        employee.branch as employee_branch,
        employee.office as employee_office,
        employee.phone as employee_phone,
        employee.batch_id,
        employee.record_source as source_file,
        employee.source_row,
        employee.loaded_at
    from {{ ref('sat_employee__hr') }} as employee
    inner join {{ ref('hub_employee') }} as hub on employee.employee_hk = hub.employee_hk
    inner join {{ ref('sat_employee_manager__hr') }} as reports
        on
            employee.employee_hk = reports.employee_hk
            and employee.batch_id = reports.batch_id
            and employee.record_source = reports.record_source
            and employee.source_row = reports.source_row
    left join {{ ref('hub_employee') }} as manager on reports.manager_hk = manager.employee_hk
)

{{ differences("delivered", "rebuilt") }}
