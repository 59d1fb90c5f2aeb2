with

pit_broker as (
    select * from {{ ref('pit_broker') }}
),

states as (
    select * from {{ ref('bv_broker__state') }}
),

hub_employee as (
    select * from {{ ref('hub_employee') }}
),

assembled as (
    select
        ---------- ids
        {{ hash_key(["hub_employee.employee_id", "pit_broker.valid_from"]) }} as broker_version_hk,
        pit_broker.broker_hk,
        hub_employee.employee_id as broker_id,
        hub_manager.employee_id as manager_id,
        ---------- attributes
        states.first_name,
        states.last_name,
        states.middle_initial,
        states.branch,
        states.office,
        states.phone,
        ---------- validity
        pit_broker.valid_from,
        cast(pit_broker.valid_to as date) as valid_to,
        pit_broker.is_current,
        ---------- load
        states.batch_id,
        states.record_source
    from pit_broker
    inner join hub_employee on pit_broker.broker_hk = hub_employee.employee_hk
    inner join states
        on
            pit_broker.broker_hk = states.broker_hk
            and pit_broker.state_valid_from = states.valid_from
    left join hub_employee as hub_manager on states.manager_hk = hub_manager.employee_hk
)

select * from assembled
