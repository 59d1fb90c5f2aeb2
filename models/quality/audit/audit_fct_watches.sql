with

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'FactWatches'
),

{{ violation_counts("FactWatches", ["outside_customer", "outside_security", "outside_batch"]) }},

by_batch as (
    select
        figures.batch_id,
        figures.wh_active,
        validations.row_count - validations.previous_row_count as added_count,
        sum(figures.wh_records) over (order by figures.batch_id) as watch_records,
        validations.row_count + validations.inactive_count as event_count,
        coalesce(violations.outside_batch_count, 0) as outside_batch_count
    from figures
    left join validations on figures.batch_id = validations.batch_id
    left join violations on figures.batch_id = violations.batch_id
),

checks as (
    {{- audit_checks("counted", [
        (84, "last_batch", "batches_found"),
        (86, "0", "outside_customer_count"),
        (87, "0", "outside_security_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [
        (83, "wh_active", "added_count"),
        (85, "watch_records", "event_count"),
        (88, "0", "outside_batch_count"),
    ], batch_id="batch_id") }}
)

select * from checks
