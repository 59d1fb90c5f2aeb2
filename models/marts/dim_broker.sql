with

hub_employee as (
    select * from {{ ref('hub_employee') }}
),

employees as (
    select * from {{ ref('sat_employee__hr') }}
),

managers as (
    select * from {{ ref('sat_employee_manager__hr') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

-- The list of employees has no history: a broker holds for all of the calendar.
calendar as (
    select min(date_value) as effective_date
    from dim_date
),

brokers as (
    select
        hub_employee.employee_id as broker_id,
        hub_manager.employee_id as manager_id,
        employees.first_name,
        employees.last_name,
        employees.middle_initial,
        employees.branch,
        employees.office,
        employees.phone,
        true as is_current,
        employees.batch_id,
        calendar.effective_date,
        {{ open_end() }} as end_date
    from employees
    inner join hub_employee on employees.employee_hk = hub_employee.employee_hk
    left join managers
        on
            employees.employee_hk = managers.employee_hk
            and employees.batch_id = managers.batch_id
    left join hub_employee as hub_manager on managers.manager_hk = hub_manager.employee_hk
    cross join calendar
    where employees.job_code = 314
),

keyed as (
    select
        {{ hash_key(["broker_id", "effective_date"]) }} as sk_broker_id,
        broker_id,
        manager_id,
        first_name,
        last_name,
        middle_initial,
        branch,
        office,
        phone,
        is_current,
        batch_id,
        effective_date,
        end_date
    from brokers
)

select * from keyed
