-- What: each batch that was loaded has a date, later than those of all batches before it.
-- Why: changes without a time of their own hold from the date of their batch. Where dates run
--   backwards, or two batches share one, history is in the wrong order.
-- A returned row: the batch, its date, the latest date before it, and what the loader said if it
--   refused the date.
-- Last, so that the tables that explain it are there: {{ ref("di_messages") }}, {{ ref("audit_results") }},
--   {{ ref("batch_summary") }}
with

load_log as (
    select * from {{ ref('stg_control__load_log') }}
),

batches as (
    select * from {{ ref('stg_control__batches') }}
),

loaded as (
    select distinct batch_id
    from load_log
    where status = 'loaded'
),

dated as (
    select
        loaded.batch_id,
        batches.batch_date,
        max(batches.batch_date) over (
            order by loaded.batch_id
            rows between unbounded preceding and 1 preceding
        ) as latest_date_before
    from loaded
    left join batches on loaded.batch_id = batches.batch_id
),

refused as (
    select
        batch_id,
        message
    from load_log
    where
        system = 'control'
        and feed = 'batch_date'
        and status = 'failed'
)

select
    dated.batch_id,
    dated.batch_date,
    dated.latest_date_before,
    refused.message
from dated
left join refused on dated.batch_id = refused.batch_id
where
    dated.batch_date is null
    or dated.batch_date <= dated.latest_date_before
