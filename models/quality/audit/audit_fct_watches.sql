with

watches as (
    select * from {{ ref('fct_watches') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'FactWatches'
),

judged as (
    select
        watches.batch_id,
        not {{ is_inside_version("placed.date_value", "dim_customer") }} as outside_customer,
        not {{ is_inside_version("placed.date_value", "dim_security") }} as outside_security,
        (
            case
                when watches.sk_date_id_date_removed is null
                    then placed.date_value between figures.first_day and figures.last_day
                else
                    removed.date_value between figures.first_day and figures.last_day
                    and watches.sk_date_id_date_placed <= watches.sk_date_id_date_removed
            end
        ) is not true as outside_batch
    from watches
    left join dim_customer on watches.sk_customer_id = dim_customer.sk_customer_id
    left join dim_security on watches.sk_security_id = dim_security.sk_security_id
    left join dim_date as placed on watches.sk_date_id_date_placed = placed.sk_date_id
    left join dim_date as removed on watches.sk_date_id_date_removed = removed.sk_date_id
    left join figures on watches.batch_id = figures.batch_id
),

{{ violation_counts("judged", ["outside_customer", "outside_security", "outside_batch"]) }},

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
