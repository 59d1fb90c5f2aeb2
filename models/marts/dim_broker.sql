with

employees as (
    select * from {{ ref('stg_hr__employees') }}
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
        employees.employee_id as broker_id,
        employees.manager_id,
        employees.first_name,
        employees.last_name,
        employees.middle_initial,
        employees.branch,
        employees.office,
        employees.phone,
        true as is_current,
        employees.batch_id,
        calendar.effective_date,
        cast('9999-12-31' as date) as end_date
    from employees
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
