with

dim_broker as (
    select * from {{ ref('dim_broker') }}
),

figures as (
    select sum(hr_brokers) as hr_brokers from {{ ref('int_audit_figures') }}
),

counted as (
    select
        count(*) as row_count,
        count(distinct sk_broker_id) as key_count,
        count(*) filter (where batch_id <> 1) as later_count,
        count(*) filter (where not is_current) as outdated_count,
        count(*) filter (where effective_date <> cast('1950-01-01' as date)) as wrongly_begun_count,
        count(*) filter (where end_date <> {{ open_end() }}) as ended_count
    from dim_broker
),

compared as (
    select
        counted.*,
        figures.hr_brokers
    from counted
    cross join figures
),

checks as (
    {{- audit_checks("compared", [
        (8, "hr_brokers", "row_count"),
        (9, "hr_brokers", "key_count"),
        (10, "0", "later_count"),
        (11, "0", "outdated_count"),
        (12, "0", "wrongly_begun_count"),
        (13, "0", "ended_count"),
    ]) }}
)

select * from checks
