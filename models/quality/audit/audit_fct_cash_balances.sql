with

cash_balances as (
    select * from {{ ref('fct_cash_balances') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

judged as (
    select
        cash_balances.batch_id,
        not {{ is_inside_version("dim_date.date_value", "dim_customer") }} as outside_customer,
        not {{ is_inside_version("dim_date.date_value", "dim_account") }} as outside_account,
        (dim_date.date_value between figures.first_day and figures.last_day) is not true as outside_batch
    from cash_balances
    left join dim_customer on cash_balances.sk_customer_id = dim_customer.sk_customer_id
    left join dim_account on cash_balances.sk_account_id = dim_account.sk_account_id
    left join dim_date on cash_balances.sk_date_id = dim_date.sk_date_id
    left join figures on cash_balances.batch_id = figures.batch_id
),

{{ violation_counts("judged", ["outside_customer", "outside_account", "outside_batch"]) }},

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
