with

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'FactMarketHistory'
),

{{ violation_counts("FactMarketHistory", ["outside_company", "outside_security", "outside_batch", "disordered"]) }},

by_batch as (
    select
        figures.batch_id,
        figures.dm_records,
        validations.row_count - validations.previous_row_count as added_count,
        coalesce(violations.outside_batch_count, 0) as outside_batch_count
    from figures
    left join validations on figures.batch_id = validations.batch_id
    left join violations on figures.batch_id = violations.batch_id
),

checks as (
    {{- audit_checks("counted", [
        (110, "last_batch", "batches_found"),
        (111, "0", "outside_company_count"),
        (112, "0", "outside_security_count"),
        (114, "0", "disordered_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [
        (109, "dm_records", "added_count"),
        (113, "0", "outside_batch_count"),
    ], batch_id="batch_id") }}
)

select * from checks
