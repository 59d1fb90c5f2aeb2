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

excuses as (
    select
        29 as check_number,
        merged.batch_id,
        cast(merged.merged_count - figures.c_id_hist as bigint) as excused_gap
    from merged
    inner join figures on merged.batch_id = figures.batch_id
    where merged.merged_count > figures.c_id_hist
    union all
    select
        41 as check_number,
        batch_id,
        cast(too_old_count - too_young_count as bigint) as excused_gap
    from misjudged
    where too_old_count <> too_young_count
)

select * from excuses
