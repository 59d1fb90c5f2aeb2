with

holdings as (
    select * from {{ ref('fct_holdings') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_company as (
    select * from {{ ref('dim_company') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'FactHoldings'
),

-- The versions are those of the day on which the trade was created: they may have ended before the trade closed.
judged as (
    select
        holdings.batch_id,
        (dim_customer.effective_date <= dim_date.date_value) is not true as without_customer,
        (dim_account.effective_date <= dim_date.date_value) is not true as without_account,
        (dim_company.effective_date <= dim_date.date_value) is not true as without_company,
        (dim_security.effective_date <= dim_date.date_value) is not true as without_security,
        (
            holdings.sk_date_id = dim_trade.sk_close_date_id
            and holdings.sk_time_id = dim_trade.sk_close_time_id
        ) is not true as not_at_close,
        (dim_date.date_value between figures.first_day and figures.last_day) is not true as outside_batch
    from holdings
    left join dim_customer on holdings.sk_customer_id = dim_customer.sk_customer_id
    left join dim_account on holdings.sk_account_id = dim_account.sk_account_id
    left join dim_company on holdings.sk_company_id = dim_company.sk_company_id
    left join dim_security on holdings.sk_security_id = dim_security.sk_security_id
    left join dim_trade on holdings.current_trade_id = dim_trade.trade_id
    left join dim_date on holdings.sk_date_id = dim_date.sk_date_id
    left join figures on holdings.batch_id = figures.batch_id
),

{{ violation_counts("judged", [
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
