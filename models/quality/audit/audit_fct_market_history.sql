with

market_history as (
    select * from {{ ref('fct_market_history') }}
),

dim_company as (
    select * from {{ ref('dim_company') }}
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
    where message_source = 'FactMarketHistory'
),

-- A batch delivers the prices of the day before.
judged as (
    select
        market_history.batch_id,
        not {{ is_inside_version("dim_date.date_value", "dim_company") }} as outside_company,
        not {{ is_inside_version("dim_date.date_value", "dim_security") }} as outside_security,
        (
            dim_date.date_value >= figures.first_day - interval '1 day'
            and dim_date.date_value < figures.last_day
        ) is not true as outside_batch,
        (
            market_history.fifty_two_week_low <= market_history.day_low
            and market_history.day_low <= market_history.close_price
            and market_history.close_price <= market_history.day_high
            and market_history.day_high <= market_history.fifty_two_week_high
        ) is not true as disordered
    from market_history
    left join dim_company on market_history.sk_company_id = dim_company.sk_company_id
    left join dim_security on market_history.sk_security_id = dim_security.sk_security_id
    left join dim_date on market_history.sk_date_id = dim_date.sk_date_id
    left join figures on market_history.batch_id = figures.batch_id
),

{{ violation_counts("judged", ["outside_company", "outside_security", "outside_batch", "disordered"]) }},

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
