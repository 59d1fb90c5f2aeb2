{%- set text = dbt.type_string() %}

with

figures as (
    select * from {{ ref('int_audit_figures') }}
),

batches as (
    select * from {{ ref('stg_control__batches') }}
),

parameters as (
    select * from {{ ref('stg_control__generator_parameters') }}
    where attribute = 'CMUpdateLastID'
),

sat_customer_crm as (
    select * from {{ ref('sat_customer__crm') }}
    where action_type in ('NEW', 'UPDCUST', 'INACT')
),

sat_customer_brokerage as (
    select * from {{ ref('sat_customer__brokerage_personal') }}
),

-- Check 29: several events of a customer on one day make one version, which the figure does not take into account.
merged as (
    select
        batch_id,
        count(*)
        - count(
            distinct cast(customer_hk as {{ text }}) || cast(cast(applied_at as date) as {{ text }})
        ) as merged_count
    from sat_customer_crm
    group by batch_id
),

-- Check 41: the day that the figure of a daily extract uses instead of the date of its batch.
looking_ahead as (
    select
        batches.batch_id,
        batches.batch_date,
        batches.batch_date + parameters.decimal_value * interval '1 day' as figure_date
    from batches
    cross join parameters
),

-- A customer who turns 100 by that day is counted as too old, one who is born by that day is not counted as too young.
misjudged as (
    select
        looking_ahead.batch_id,
        count(*) filter (
            where sat_customer_brokerage.birth_date >= looking_ahead.batch_date - interval '100 years'
            and sat_customer_brokerage.birth_date < looking_ahead.figure_date - interval '100 years'
        ) as too_old_count,
        count(*) filter (
            where sat_customer_brokerage.birth_date > looking_ahead.batch_date
            and sat_customer_brokerage.birth_date <= looking_ahead.figure_date
        ) as too_young_count
    from looking_ahead
    inner join sat_customer_brokerage on looking_ahead.batch_id = sat_customer_brokerage.batch_id
    group by looking_ahead.batch_id
),

-- Check 41: the figure counts birth dates of customers who were erased since.
-- Which of them were impossible, nobody knows any more.
stated as (
    select
        batch_id,
        tax_id,
        last_name,
        birth_date
    from sat_customer_crm
    where action_type = 'NEW'
    union all
    select
        batch_id,
        tax_id,
        last_name,
        birth_date
    from sat_customer_brokerage
),

erased as (
    select
        batch_id,
        count(*) as erased_count
    from stated
    where
        tax_id is null
        and last_name is null
        and birth_date is null
    group by batch_id
),

excuses as (
    select
        29 as check_number,
        merged.batch_id,
        cast(merged.merged_count - figures.c_id_hist as bigint) as excused_gap,
        cast(0 as bigint) as erased_count
    from merged
    inner join figures on merged.batch_id = figures.batch_id
    where merged.merged_count > figures.c_id_hist
    union all
    select
        41 as check_number,
        batches.batch_id,
        cast(coalesce(misjudged.too_old_count - misjudged.too_young_count, 0) as bigint) as excused_gap,
        coalesce(erased.erased_count, 0) as erased_count
    from batches
    left join misjudged on batches.batch_id = misjudged.batch_id
    left join erased on batches.batch_id = erased.batch_id
    where
        misjudged.too_old_count <> misjudged.too_young_count
        or erased.erased_count > 0
)

select * from excuses
