with

validations as (
    select * from {{ ref('int_audit_validations') }}
    where
        batch_id > 0
        and row_count is not null
),

joined as (
    select * from validations
    where joined_row_count is not null
),

checks as (
    {{- audit_checks("validations", [
        (127, "previous_row_count", "row_count"),
    ], batch_id="batch_id", subject="message_source") }}
    union all
    {{- audit_checks("joined", [
        (128, "row_count", "joined_row_count"),
    ], batch_id="batch_id", subject="message_source") }}
)

select * from checks
