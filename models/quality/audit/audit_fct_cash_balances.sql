with

figures as (
    select * from {{ ref('int_audit_figures') }}
),

{{ violation_counts("FactCashBalances", ["outside_customer", "outside_account", "outside_batch"]) }},

by_batch as (
    select
        figures.batch_id,
        coalesce(violations.outside_batch_count, 0) as outside_batch_count
    from figures
    left join violations on figures.batch_id = violations.batch_id
),

checks as (
    {{- audit_checks("counted", [
        (123, "last_batch", "batches_found"),
        (124, "0", "outside_customer_count"),
        (125, "0", "outside_account_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [(126, "0", "outside_batch_count")], batch_id="batch_id") }}
)

select * from checks
