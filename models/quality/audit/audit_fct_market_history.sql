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

-- A batch brings the prices of the day before.
judged as (
    select
        market_history.batch_id,
        {{ is_inside_version("dim_date.date_value", "dim_company") }} as is_inside_company,
        {{ is_inside_version("dim_date.date_value", "dim_security") }} as is_inside_security,
        (
            dim_date.date_value >= figures.first_day - interval '1 day'
            and dim_date.date_value < figures.last_day
        ) is true as is_inside_batch,
        market_history.fifty_two_week_low <= market_history.day_low
        and market_history.day_low <= market_history.close_price
        and market_history.close_price <= market_history.day_high
        and market_history.day_high <= market_history.fifty_two_week_high as is_in_order
    from market_history
    left join dim_company on market_history.sk_company_id = dim_company.sk_company_id
    left join dim_security on market_history.sk_security_id = dim_security.sk_security_id
    left join dim_date on market_history.sk_date_id = dim_date.sk_date_id
    left join figures on market_history.batch_id = figures.batch_id
),

by_row_batch as (
    select
        batch_id,
        count(*) filter (where not is_inside_company) as outside_company_count,
        count(*) filter (where not is_inside_security) as outside_security_count,
        count(*) filter (where not is_inside_batch) as outside_batch_count,
        count(*) filter (where is_in_order is not true) as disordered_count
    from judged
    group by batch_id
),

counted as (
    select
        {{ batches_found("batch_id", "(select max(figures.batch_id) from figures)") }} as batches_found,
        (select max(figures.batch_id) from figures) as last_batch,
        sum(outside_company_count) as outside_company_count,
        sum(outside_security_count) as outside_security_count,
        sum(disordered_count) as disordered_count
    from by_row_batch
),

by_batch as (
    select
        figures.batch_id,
        figures.dm_records,
        validations.row_count - validations.previous_row_count as added_count,
        coalesce(by_row_batch.outside_batch_count, 0) as outside_batch_count
    from figures
    left join validations on figures.batch_id = validations.batch_id
    left join by_row_batch on figures.batch_id = by_row_batch.batch_id
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
