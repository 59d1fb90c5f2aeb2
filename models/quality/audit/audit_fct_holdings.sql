with

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'FactHoldings'
),

{{ violation_counts("FactHoldings", [
    "without_customer",
    "without_account",
    "without_company",
    "without_security",
    "not_at_close",
    "outside_batch",
]) }},

by_batch as (
    select
        figures.batch_id,
        figures.hh_records,
        validations.row_count - validations.previous_row_count as added_count,
        coalesce(violations.outside_batch_count, 0) as outside_batch_count
    from figures
    left join validations on figures.batch_id = validations.batch_id
    left join violations on figures.batch_id = violations.batch_id
),

checks as (
    {{- audit_checks("counted", [
        (116, "last_batch", "batches_found"),
        (117, "0", "without_customer_count"),
        (118, "0", "without_account_count"),
        (119, "0", "without_company_count"),
        (120, "0", "without_security_count"),
        (121, "0", "not_at_close_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [
        (115, "hh_records", "added_count"),
        (122, "0", "outside_batch_count"),
    ], batch_id="batch_id") }}
)

select * from checks
