with

employees as (
    select * from {{ ref('timeline_employee__hr') }}
),

managers as (
    select * from {{ ref('timeline_employee_manager__hr') }}
),

-- The list of employees has no history: a broker is as last described, for all of the calendar.
calendar as (
    select min(date_value) as first_day
    from {{ ref('bv_date__calendar') }}
),

brokers as (
    select
        *,
        row_number() over (partition by employee_hk order by valid_from desc) as recency
    from employees
    where job_code = 314
),

described as (
    select
        ---------- ids
        brokers.employee_hk as broker_hk,
        managers.manager_hk,
        ---------- attributes
        brokers.first_name,
        brokers.last_name,
        brokers.middle_initial,
        brokers.branch,
        brokers.office,
        brokers.phone,
        ---------- validity
        -- Not joined: Postgres expects one broker, and would look for the first day again for each.
        (select calendar.first_day from calendar) as valid_from,
        {{ open_end() }} as valid_to,
        true as is_current,
        ---------- load
        brokers.batch_id,
        brokers.record_source
    from brokers
    left join managers
        on
            brokers.employee_hk = managers.employee_hk
            and brokers.valid_from >= managers.valid_from
            and brokers.valid_from < managers.valid_to
    where brokers.recency = 1
)

select * from described
